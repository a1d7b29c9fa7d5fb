import { type RawBuilder, sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { fieldFault, notFound, violated } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { type PageOf, pageAnswer, type pageRequest } from '../platform/pages.ts'
import type { House, HouseChange, HousesQuery, NewHouse } from './schemas-houses.ts'
import { inWords, lockHouse, readsAll } from './viewers.ts'

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
  const words = search
    ?.toLowerCase()
    .replaceAll('ё', 'е')
    .trim()
    .replace(/[\\%_]/g, '\\$&')
  const where = sql`${visible(user)} ${words ? sql`and translate(lower(h.address), 'ё', 'е') like ${`%${words}%`}` : sql``}`
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

/** Changes a house. */
export async function changeHouse({ db }: Platform, user: User, id: number, input: HouseChange): Promise<House> {
  return inWordsOfHouse(
    transaction(db, async (tx) => {
      await lockHouse(tx, id, 'no key update')
      const before = await getHouse(tx, id)
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
      await tx.deleteFrom('housing.tariffs').where('house_id', '=', id).execute()
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
