import { sql } from 'kysely'
import { type PageOf, pageAnswer, type pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound, violated } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import type { Meter, MeterChange, NewMeter } from './schemas-meters.ts'
import { checkApartment, inWords, lockHouse, mayBeSeen } from './viewers.ts'

/** The newest reading of a meter `m`, as `last_reading`. */
export const lastReading = sql`left join lateral (
  select jsonb_build_object('id', r.id, 'month', to_char(r.month, 'YYYY-MM'), 'value', r.value::text) last_reading
  from housing.readings r where r.meter_id = m.id order by r.month desc limit 1) l on true`

/** Mean m³ a month of a meter over the year before a month, from its readings; null where there are not two. */
export const meanVolume = (meter: string, before: string) => sql<string | null>`(
  select avg(volume)::numeric(12, 3) from (
    select p.month, (p.value - lag(p.value) over w + case when p.rollover then 10::numeric ^ g.digits else 0 end)
      / greatest(1, extract(year from age(p.month, lag(p.month) over w)) * 12
        + extract(month from age(p.month, lag(p.month) over w))) volume
    from housing.readings p join housing.meters g on g.id = p.meter_id
    where p.meter_id = ${sql.raw(meter)} and p.month < ${sql.raw(before)} and p.month >= ${sql.raw(before)} - interval '13 months'
    window w as (order by p.month)) v
  where v.month >= ${sql.raw(before)} - interval '12 months')`

const columns = sql`m.id, m.apartment_id apartment, m.kind, m.serial, m.installed_on, m.removed_on, m.initial_value,
  m.digits, m.created_at, m.updated_at, l.last_reading, ${meanVolume('m.id', `(date_trunc('month', now()) + interval '1 month')`)} mean_volume`

/** Meters of a flat that the caller may see. */
export async function listMeters(
  { db }: Platform,
  user: User,
  apartment: number,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<Meter>> {
  await checkApartment(db, user, apartment)
  const order = sql.raw(`order by m.id ${page.query.ordering === undefined ? 'asc' : page.direction}`)
  const { rows } = await sql<Meter>`
    select ${columns} from housing.meters m ${lastReading} where m.apartment_id = ${apartment}
    ${order} limit ${page.limit} offset ${page.offset}`.execute(db)
  const total = await sql<{
    n: number
  }>`select count(*) n from housing.meters where apartment_id = ${apartment}`.execute(db)
  return pageAnswer(page, rows, total.rows[0]!.n)
}

/** A meter of a flat that the caller may see. */
export async function getMeter(db: Db | Tx, user: User, id: number): Promise<Meter> {
  const { rows } = await sql<Meter>`
    select ${columns} from housing.meters m ${lastReading}
    where m.id = ${id} and ${mayBeSeen(user, 'm.apartment_id')}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** Locks the house of a meter as a change of its readings does, then the meter, if the caller may see it. */
export async function lockMeter(tx: Tx, user: User, id: number): Promise<{ house: number }> {
  const { rows } = await sql<{ house_id: number }>`
    select a.house_id from housing.meters m join housing.apartments a on a.id = m.apartment_id
    where m.id = ${id} and ${mayBeSeen(user, 'a.id')}`.execute(tx)
  if (!rows[0]) throw notFound()
  await lockHouse(tx, rows[0].house_id, 'share')
  const locked = await sql`select from housing.meters where id = ${id} for no key update`.execute(tx)
  if (!locked.rows.length) throw notFound()
  return { house: rows[0].house_id }
}

/** Adds a meter to a flat. */
export async function createMeter(
  { db }: Platform,
  user: User,
  apartment: number,
  input: NewMeter,
  once: Once | undefined,
): Promise<Meter> {
  return inWordsOfMeter(
    change(db, once, async (tx) => {
      const { rows } = await sql<{
        house_id: number
      }>`select house_id from housing.apartments where id = ${apartment}`.execute(tx)
      if (!rows[0]) throw notFound()
      await lockHouse(tx, rows[0].house_id, 'share')
      const { id } = await tx
        .insertInto('housing.meters')
        .values({ ...input, apartment_id: apartment })
        .returning('id')
        .executeTakeFirstOrThrow()
      const after = await getMeter(tx, user, id)
      await recordChange(tx, user, { action: 'housing.create_meter', subject: 'housing.meters', subject_id: id, after })
      return after
    }),
  )
}

/** What decides volumes of months that may be published already. */
const deciding = ['kind', 'installed_on', 'initial_value', 'digits'] as const

/**
 * Changes a meter; `removed_on` ends it. What published months were counted by can't be changed: 409; nor can its days
 * leave a reading outside.
 */
export async function changeMeter({ db }: Platform, user: User, id: number, input: MeterChange): Promise<Meter> {
  return inWordsOfMeter(
    transaction(db, async (tx) => {
      const { house } = await lockMeter(tx, user, id)
      const before = await getMeter(tx, user, id)
      if (!Object.keys(input).length) return before
      await tx
        .updateTable('housing.meters')
        .set({ ...input, updated_at: sql`now()` })
        .where('id', '=', id)
        .execute()
      const after = await getMeter(tx, user, id)
      const decides = deciding.some((field) => before[field] !== after[field])
      const { rows } = await sql<{ billed: boolean; outside: boolean; too_large: boolean; below: boolean }>`
        select
          exists (select from housing.billing_runs b where b.house_id = ${house} and b.published_at is not null
            and b.month >= date_trunc('month', least(m.installed_on, ${before.installed_on}::date))) billed,
          exists (select from housing.readings r where r.meter_id = m.id
            and (r.month < date_trunc('month', m.installed_on) or r.month > m.removed_on)) outside,
          exists (select from housing.readings r where r.meter_id = m.id and r.value >= 10::numeric ^ m.digits) too_large,
          coalesce((select r.value < m.initial_value and not r.rollover from housing.readings r
            where r.meter_id = m.id order by r.month limit 1), false) below
        from housing.meters m where m.id = ${id}`.execute(tx)
      const { billed, outside, too_large, below } = rows[0]!
      if (decides && billed) throw new AppError(409, 'housing.month_billed')
      if (outside) throw new AppError(409, 'housing.readings_outside')
      if (too_large) throw fieldFault('/digits', 'housing.too_many_digits')
      if (below) throw fieldFault('/initial_value', 'housing.above_next')
      await recordChange(tx, user, {
        action: 'housing.change_meter',
        subject: 'housing.meters',
        subject_id: id,
        before,
        after,
      })
      return after
    }),
  )
}

/** Removes a meter that has no readings and stands on no bill; any other is ended by `removed_on`: 409. */
export async function removeMeter({ db }: Platform, user: User, id: number): Promise<void> {
  await inWords(
    transaction(db, async (tx) => {
      await lockMeter(tx, user, id)
      const before = await getMeter(tx, user, id)
      await tx.deleteFrom('housing.meters').where('id', '=', id).execute()
      await recordChange(tx, user, {
        action: 'housing.remove_meter',
        subject: 'housing.meters',
        subject_id: id,
        before,
      })
    }),
  )
}

async function inWordsOfMeter<T>(change: Promise<T>): Promise<T> {
  try {
    return await inWords(change)
  } catch (error) {
    if (violated(error) === 'meters_removed') throw fieldFault('/removed_on', 'housing.removed_before_installed')
    if (violated(error) === 'meters_initial_value') throw fieldFault('/initial_value', 'housing.too_many_digits')
    throw error
  }
}
