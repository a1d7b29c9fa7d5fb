import { type RawBuilder, sql } from 'kysely'
import { type PageOf, pageAnswer, type pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import type { Source } from '../platform/cache.ts'
import { type Client, type Db, run, type Tx, transaction } from '../platform/database.ts'
import { fieldFault, notFound, violated } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { contains } from '../platform/search.ts'
import { apartmentColumns } from './apartments.ts'
import { lastReading } from './meters.ts'
import { type House, HouseChange, type HousesQuery, type NewHouse } from './schemas-houses.ts'
import type { HouseDetail } from './schemas-meters.ts'
import { inWords, lockHouse, mayBeSeen, readsAll } from './viewers.ts'

const columns = sql`h.id, h.address, h.timezone, h.missing_readings, h.norm_cold_water, h.norm_hot_water, h.window_from,
  h.window_to, h.created_at, h.updated_at, t.apartments_count, t.total_area`
/** Totals of a house, over the flats that have not ended. */
const totals = sql`cross join lateral (
  select count(*) apartments_count, coalesce(sum(area), 0)::numeric(18, 2) total_area
  from housing.apartments a where a.house_id = h.id and a.ended_on is null) t`

/** A condition of SQL: the house `h` is one that the caller may see. */
const visible = (user: User): RawBuilder<boolean> =>
  readsAll(user)
    ? sql<boolean>`true`
    : sql<boolean>`h.id in (select a.house_id from housing.apartments a join housing.residents r on r.apartment_id = a.id
        where r.user_id = ${user.id})`

const orders = { address: sql`h.address collate platform.natural`, created_at: sql`h.created_at`, id: sql`h.id` }

/** Houses by address; a resident sees those of their flats. */
export async function listHouses(
  { db }: Platform,
  user: User,
  { search, ordering = 'address' }: HousesQuery,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<House>> {
  const where = sql`${visible(user)} and ${search ? contains(sql`h.address`, search) : sql`true`}`
  const order = orders[ordering.replace('-', '') as keyof typeof orders]
  const direction = sql.raw(ordering.startsWith('-') ? 'desc' : 'asc')
  const { rows } = await sql<House>`
    select ${columns} from (
      select * from housing.houses h where ${where}
      order by ${order} ${direction}, h.id ${direction} limit ${page.limit} offset ${page.offset}) h ${totals}
    order by ${order} ${direction}, h.id ${direction}`.execute(db)
  const total = await sql<{ n: number }>`select count(*) n from housing.houses h where ${where}`.execute(db)
  return pageAnswer(page, rows, total.rows[0]!.n)
}

async function getHouse(db: Db | Tx, id: number): Promise<House> {
  const { rows } = await sql<House>`select ${columns} from housing.houses h ${totals} where h.id = ${id}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** Throws 404 unless the caller may see this house, and returns whose eyes it is seen by, for the cache. */
export async function viewerOfHouse({ db }: Platform, user: User, id: number): Promise<string> {
  const { rows } = await sql`select from housing.houses h where h.id = ${id} and ${visible(user)}`.execute(db)
  if (!rows.length) throw notFound()
  return readsAll(user) ? 'staff' : `user-${user.id}`
}

/** The detail of a house shows so many flats at most. */
const flatsInDetail = 2000

/**
 * A house with its flats, their meters with the newest readings, and its last run: four queries however many flats. A
 * resident gets the totals and their own flats.
 */
export function houseDetail({ db }: Platform, user: User, id: number): Source {
  const ask = <R>(client: Client, text: RawBuilder<R>) => {
    const { sql: words, parameters } = text.compile(db)
    return run<R>(client, words, [...parameters])
  }
  type Flat = HouseDetail['apartments'][number]
  type MeterOfFlat = Flat['meters'][number] & { apartment_id: number }
  const flats = sql`(select * from housing.apartments a where a.house_id = ${id} and ${mayBeSeen(user, 'a.id')}
    order by a.number collate platform.natural, a.id limit ${flatsInDetail}) a`
  return {
    scopes: [`house:${id}`, 'names'],
    edits: houseEdits,
    async read(client) {
      const [house] = await ask(
        client,
        sql<House>`select ${columns} from housing.houses h ${totals} where h.id = ${id}`,
      )
      if (!house) throw notFound()
      const apartments = await ask(
        client,
        sql<
          Omit<Flat, 'meters'>
        >`select ${apartmentColumns} from ${flats} order by a.number collate platform.natural, a.id`,
      )
      const meters = await ask(
        client,
        sql<MeterOfFlat>`
          select m.id, m.apartment_id, m.kind, m.serial, m.installed_on, m.removed_on, l.last_reading
          from ${flats} join housing.meters m on m.apartment_id = a.id ${lastReading} order by m.id`,
      )
      const [last_run = null] = readsAll(user)
        ? await ask(
            client,
            sql<HouseDetail['last_run']>`
              select id, to_char(month, 'YYYY-MM') as month, status, total, processed, amount, published_at, created_at
              from housing.billing_runs where house_id = ${id} order by id desc limit 1`,
          )
        : []
      const ofFlat = Map.groupBy(meters, (m) => m.apartment_id)
      const answer: HouseDetail = {
        ...house,
        apartments: apartments.map((flat) => ({ ...flat, meters: ofFlat.get(flat.id) ?? [] })),
        last_run,
      }
      return { answer }
    },
  }
}

/** Faults that only the database knows: a time zone that it has not, a policy that lacks its norms. */
async function inWordsOfHouse<T>(change: Promise<T>): Promise<T> {
  try {
    return await inWords(change)
  } catch (error) {
    if ((error as { code?: string }).code === '22023') throw fieldFault('/timezone', 'housing.unknown_timezone')
    if (violated(error) === 'houses_norm') throw fieldFault('/missing_readings', 'housing.norm_missing')
    if (violated(error) === 'houses_window') throw fieldFault('/window_to', 'housing.window_order')
    throw error
  }
}

/** Zones that both this runtime and PostgreSQL know; abbreviations, which mean different things to them, are none. */
async function checkZone(tx: Tx, timezone: string | undefined): Promise<void> {
  if (timezone === undefined) return
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw fieldFault('/timezone', 'housing.unknown_timezone')
  }
  await sql`select now() at time zone ${timezone}`.execute(tx)
}

/** Adds a house; its months begin and end in its time zone. */
export async function createHouse(
  { db, config }: Platform,
  user: User,
  input: NewHouse,
  once: Once | undefined,
): Promise<House> {
  return inWordsOfHouse(
    change(db, once, async (tx) => {
      await checkZone(tx, input.timezone)
      const { id } = await tx
        .insertInto('housing.houses')
        .values({ timezone: config.TIMEZONE, ...input })
        .returning('id')
        .executeTakeFirstOrThrow()
      const after = await getHouse(tx, id)
      await recordChange(tx, user, { action: 'housing.create_house', subject: 'housing.houses', subject_id: id, after })
      return after
    }),
  )
}

/** What people edit of a house. */
const houseEdits = Object.keys(HouseChange.properties)

/** Changes a house, unless it is another edition than the caller's If-Match names: 412. */
export async function changeHouse(
  { db }: Platform,
  user: User,
  id: number,
  input: HouseChange,
  match?: string,
): Promise<House> {
  return inWordsOfHouse(
    transaction(db, async (tx) => {
      await lockHouse(tx, id, 'no key update')
      const before = await getHouse(tx, id)
      checkMatch(match, before, houseEdits)
      if (!Object.keys(input).length) return before
      await checkZone(tx, input.timezone)
      await tx
        .updateTable('housing.houses')
        .set({ ...input, updated_at: sql`now()` })
        .where('id', '=', id)
        .execute()
      const after = await getHouse(tx, id)
      await recordChange(tx, user, {
        action: 'housing.change_house',
        subject: 'housing.houses',
        subject_id: id,
        before,
        after,
      })
      return after
    }),
  )
}

/** Removes a house without flats and runs; one that has them is 409. */
export async function removeHouse({ db }: Platform, user: User, id: number): Promise<void> {
  await inWords(
    transaction(db, async (tx) => {
      await lockHouse(tx, id, 'update')
      const before = await getHouse(tx, id)
      for (const table of ['housing.tariffs', 'housing.reminder_rounds'] as const)
        await tx.deleteFrom(table).where('house_id', '=', id).execute()
      await tx.deleteFrom('housing.houses').where('id', '=', id).execute()
      await recordChange(tx, user, {
        action: 'housing.remove_house',
        subject: 'housing.houses',
        subject_id: id,
        before,
      })
    }),
  )
}
