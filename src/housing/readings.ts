import { type RawBuilder, sql } from 'kysely'
import {
  type CursorRequest,
  countRows,
  cursorAnswer,
  type PageOf,
  pageAnswer,
  type pageRequest,
  walk,
} from '../http/pages.ts'
import { hasRole, type User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { lockMeter, meanVolume } from './meters.ts'
import type { MonthReadingsQuery, NewReading, Reading, ReadingChange, ReadingsQuery } from './schemas-meters.ts'
import { checkApartment, inWords, mayBeSeen, staff } from './viewers.ts'

/** Over so many m³ a month, or over so many times the mean, the person is asked whether it is right. */
const oddVolume = 30
const oddRatio = 3

/** A reading `r` with the volume since the one before it, and whether to ask about that. */
const readings = sql`
  select r.id, r.meter_id meter, to_char(r.month, 'YYYY-MM') as month, r.value, r.rollover, r.source, r.submitted_by,
    r.created_at, r.updated_at, v.volume::numeric(12, 3) volume,
    case when v.volume / v.months > least(${oddVolume}, ${oddRatio} * ${meanVolume('r.meter_id', 'r.month')})
      then 'odd_jump' end question
  from housing.readings r
  join housing.meters m on m.id = r.meter_id
  left join lateral (
    select value, month from housing.readings p where p.meter_id = r.meter_id and p.month < r.month
    order by p.month desc limit 1) p on true
  cross join lateral (
    select r.value - coalesce(p.value, m.initial_value) + case when r.rollover then 10::numeric ^ m.digits else 0 end volume,
      greatest(1, extract(year from since) * 12 + extract(month from since)) months
    from age(r.month, coalesce(p.month, date_trunc('month', m.installed_on) - interval '1 month')) since) v`

/** Readings of a meter that the caller may see, newest first. */
export async function listReadings(
  { db }: Platform,
  user: User,
  meter: number,
  query: ReadingsQuery,
  request: CursorRequest,
): Promise<PageOf<Reading>> {
  await checkMeter(db, user, meter)
  const month = query.month ? sql`and r.month = ${`${query.month}-01`}` : sql``
  const { after, order } = walk(request, sql`r.id`)
  const { rows } = await sql<Reading>`
    ${readings} where r.meter_id = ${meter} ${month} and ${after}
    order by ${order} limit ${request.limit + 1} offset ${request.offset}`.execute(db)
  const found = (limit: RawBuilder<unknown>) =>
    sql`select from housing.readings r where r.meter_id = ${meter} ${month} ${limit}`
  return cursorAnswer(request, rows, await countRows(db, request, found))
}

async function checkMeter(db: Db, user: User, id: number): Promise<void> {
  const { rows } = await sql<{ apartment_id: number }>`
    select apartment_id from housing.meters where id = ${id}`.execute(db)
  if (!rows[0]) throw notFound()
  await checkApartment(db, user, rows[0].apartment_id)
}

/** A reading of a meter that the caller may see. */
export async function getReading(db: Db | Tx, user: User, id: number): Promise<Reading> {
  const { rows } = await sql<Reading>`${readings} where r.id = ${id} and ${mayBeSeen(user, 'm.apartment_id')}`.execute(
    db,
  )
  if (!rows[0]) throw notFound()
  return rows[0]
}

type Surroundings = {
  too_large: boolean
  before_installed: boolean
  after_removed: boolean
  in_future: boolean
  too_old: boolean
  billed: boolean
  present: boolean
  previous: string
  below: boolean
  next: string | null
  next_rolled: boolean | null
  above: boolean | null
}

/**
 * Throws unless this value may stand for this month beside its neighbours; under the lock of the meter and of its house,
 * so that neither they nor the publication of the month can change meanwhile.
 */
async function checkReading(
  tx: Tx,
  user: User,
  house: number,
  meter: number,
  { month, value, rollover }: { month: string; value: string; rollover: boolean },
  isNew: boolean,
): Promise<void> {
  const first = `${month}-01`
  const { rows } = await sql<Surroundings>`
    select ${value}::numeric >= 10::numeric ^ m.digits too_large,
      ${first}::date < date_trunc('month', m.installed_on) before_installed,
      coalesce(${first}::date > m.removed_on, false) after_removed,
      ${first}::date > z.today in_future,
      ${first}::date < date_trunc('month', z.today) - interval '1 month' too_old,
      exists (select from housing.billing_runs b
        where b.house_id = h.id and b.month = ${first} and b.published_at is not null) billed,
      exists (select from housing.readings r where r.meter_id = m.id and r.month = ${first}) present,
      coalesce(p.value, m.initial_value) previous, ${value}::numeric < coalesce(p.value, m.initial_value) below,
      n.value as next, n.rollover next_rolled, ${value}::numeric > n.value above
    from housing.meters m
    join housing.houses h on h.id = ${house}
    cross join lateral (select (now() at time zone h.timezone)::date today) z
    left join lateral (select value from housing.readings where meter_id = m.id and month < ${first}
      order by month desc limit 1) p on true
    left join lateral (select value, rollover from housing.readings where meter_id = m.id and month > ${first}
      order by month limit 1) n on true
    where m.id = ${meter}`.execute(tx)
  const s = rows[0]!
  if (s.in_future) throw fieldFault('/month', 'housing.future_month')
  if (s.before_installed || s.after_removed) throw fieldFault('/month', 'housing.meter_absent')
  if (s.too_old && !hasRole(user, ...staff)) throw fieldFault('/month', 'housing.month_too_old')
  if (s.billed) throw new AppError(409, 'housing.month_billed')
  if (isNew && s.present) throw new AppError(409, 'housing.reading_there')
  if (s.too_large) throw fieldFault('/value', 'housing.too_many_digits')
  if (s.below && !rollover) throw fieldFault('/value', 'housing.below_previous', { value: s.previous })
  if (!s.below && rollover) throw fieldFault('/rollover', 'housing.no_rollover', { value: s.previous })
  if (s.above && !s.next_rolled) throw fieldFault('/value', 'housing.above_next', { value: s.next })
  if (s.above === false && s.next_rolled) throw fieldFault('/value', 'housing.next_rolled_over', { value: s.next })
}

/**
 * Keeps the reading of a meter for a month; of residents only for this month and the last one in the zone of the house.
 * An odd jump is kept too, and the answer asks about it.
 */
export async function submitReading(
  { db }: Platform,
  user: User,
  meter: number,
  { month, value, rollover = false }: NewReading,
  once: Once | undefined,
): Promise<Reading> {
  return inWords(
    change(db, once, async (tx) => {
      const { house } = await lockMeter(tx, user, meter)
      await checkReading(tx, user, house, meter, { month, value, rollover }, true)
      const { id } = await tx
        .insertInto('housing.readings')
        .values({
          meter_id: meter,
          month: `${month}-01`,
          value,
          rollover,
          source: hasRole(user, ...staff) ? 'staff' : 'resident',
          submitted_by: user.id,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return getReading(tx, user, id)
    }),
  )
}

/** Finds a reading, locks its house and meter, and reads it anew under them. */
async function lockReading(tx: Tx, user: User, id: number) {
  const found = await getReading(tx, user, id)
  const { house } = await lockMeter(tx, user, found.meter)
  return { house, before: await getReading(tx, user, id) }
}

/**
 * Corrects a reading until its month is billed; what it was is kept with who changed it and when. Residents correct what
 * residents entered.
 */
export async function correctReading({ db }: Platform, user: User, id: number, input: ReadingChange): Promise<Reading> {
  return transaction(db, async (tx) => {
    const { house, before } = await lockReading(tx, user, id)
    if (before.source !== 'resident' && !hasRole(user, ...staff)) throw new AppError(409, 'housing.entered_by_staff')
    const { meter, month } = before
    const { value = before.value, rollover = before.rollover } = input
    if (value === before.value && rollover === before.rollover) return before
    await checkReading(tx, user, house, meter, { month, value, rollover }, false)
    await tx
      .insertInto('housing.reading_changes')
      .values({ reading_id: id, value: before.value, rollover: before.rollover, changed_by: user.id })
      .execute()
    await tx
      .updateTable('housing.readings')
      .set({ value, rollover, updated_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    const after = await getReading(tx, user, id)
    await recordChange(tx, user, {
      action: 'housing.correct_reading',
      subject: 'housing.readings',
      subject_id: id,
      before,
      after,
    })
    return after
  })
}

/** Takes away a reading that should never have been, until its month is billed; the audit log keeps it. */
export async function removeReading({ db }: Platform, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    const { house, before } = await lockReading(tx, user, id)
    const { rows } = await sql<{ billed: boolean; rolled: boolean }>`
      select exists (select from housing.billing_runs where house_id = ${house} and month = ${`${before.month}-01`}
          and published_at is not null) billed,
        coalesce((select rollover from housing.readings where meter_id = ${before.meter} and month > ${`${before.month}-01`}
          order by month limit 1), false) rolled`.execute(tx)
    if (rows[0]!.billed) throw new AppError(409, 'housing.month_billed')
    // Without it nothing tells whether the next one still is a roll-over.
    if (rows[0]!.rolled || before.rollover) throw new AppError(409, 'housing.beside_rollover')
    await tx.deleteFrom('housing.readings').where('id', '=', id).execute()
    await recordChange(tx, user, {
      action: 'housing.remove_reading',
      subject: 'housing.readings',
      subject_id: id,
      before,
    })
  })
}

/** What a reading was before each of its corrections, the newest first. */
export async function readingChanges(
  { db }: Platform,
  user: User,
  id: number,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<object>> {
  await getReading(db, user, id)
  const { rows } = await sql<{ n: number }>`
    select c.id, c.value, c.rollover, c.changed_by, u.full_name, c.changed_at, count(*) over () n
    from housing.reading_changes c left join accounts.users u on u.id = c.changed_by
    where c.reading_id = ${id} order by c.id desc limit ${page.limit} offset ${page.offset}`.execute(db)
  return pageAnswer(page, rows, rows[0]?.n ?? 0)
}

/** Every meter that takes part in a month of a house, by flat, with its reading and the one before it. */
export async function listMonth(
  { db }: Platform,
  house: number,
  { month, missing }: MonthReadingsQuery,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<object> & { missing: number }> {
  const first = sql`${`${month}-01`}::date`
  const meters = sql`
    housing.apartments a join housing.meters m on m.apartment_id = a.id
    left join housing.readings r on r.meter_id = m.id and r.month = ${first}
    where a.house_id = ${house} and (a.ended_on is null or a.ended_on >= ${first})
      and m.installed_on < ${first} + interval '1 month' and (m.removed_on is null or m.removed_on >= ${first})`
  const filter = missing === undefined ? sql`` : sql`and r.id is ${sql.raw(missing ? '' : 'not')} null`
  const found = await sql<{ count: number; missing: number }>`
    select count(*) ${missing === undefined ? sql`` : sql`filter (where r.id is ${sql.raw(missing ? '' : 'not')} null)`} count,
      count(*) filter (where r.id is null) missing from ${meters}`.execute(db)
  const { rows } = await sql<object>`
    select jsonb_build_object('id', t.apartment_id, 'number', t.number) apartment,
      jsonb_build_object('id', t.meter_id, 'kind', t.kind, 'serial', t.serial, 'digits', t.digits) meter,
      jsonb_build_object('month', to_char(p.month, 'YYYY-MM'), 'value', coalesce(p.value, t.initial_value)::text) previous,
      ${meanVolume('t.meter_id', 't.month')} mean_volume, t.reading_id
    from (
      select a.id apartment_id, a.number, m.id meter_id, m.kind, m.serial, m.digits, m.initial_value, r.id reading_id,
        ${first} as month
      from ${meters} ${filter}
      order by a.number collate platform.natural, a.id, m.kind, m.id limit ${page.limit} offset ${page.offset}) t
    left join lateral (select month, value from housing.readings
      where meter_id = t.meter_id and month < ${first} order by month desc limit 1) p on true
    order by t.number collate platform.natural, t.apartment_id, t.kind, t.meter_id`.execute(db)
  const ids = rows.map((row) => (row as { reading_id: number | null }).reading_id).filter((id) => id !== null)
  const { rows: kept } = await sql<Reading>`${readings} where r.id = any(${ids}::bigint[])`.execute(db)
  const byId = new Map(kept.map((reading) => [reading.id, reading]))
  const results = rows.map((row) => ({
    ...row,
    reading: byId.get((row as { reading_id: number | null }).reading_id ?? 0) ?? null,
  }))
  return { ...pageAnswer(page, results, found.rows[0]!.count), missing: found.rows[0]!.missing }
}
