import { type RawBuilder, sql } from 'kysely'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import type { Apartment, ApartmentChange, NewApartment } from './schemas-houses.ts'
import { inWords, lockHouse, mayBeSeen } from './viewers.ts'

/** A flat `a` with its residents. */
export const apartmentColumns = sql`a.id, a.house_id house, a.number, a.area, a.account, a.balance, a.ended_on,
  a.created_at, a.updated_at, (
    select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'full_name', u.full_name) order by r.since, u.id), '[]')
    from housing.residents r join accounts.users u on u.id = r.user_id where r.apartment_id = a.id) residents`

/** Orderings by which flats are walked, beside their ids. */
const keys = {
  number: [sql`a.number collate platform.natural`, 'text'],
  area: [sql`a.area`, 'numeric'],
  balance: [sql`a.balance`, 'numeric'],
} as const

/** Flats of a house by number; a resident sees their own. */
export async function listApartments(
  { db }: Platform,
  user: User,
  house: number,
  search: string | undefined,
  page: CursorRequest,
): Promise<PageOf<Apartment>> {
  const like = search ? sql`(a.number = ${search} or starts_with(a.account, ${search}))` : sql`true`
  const where = sql`a.house_id = ${house} and ${mayBeSeen(user, 'a.id')} and ${like}`
  const { after, order, key } = walk(page, sql`a.id`, keys)
  const { rows } = await sql<Apartment & { key: string | null }>`
    select ${apartmentColumns}, a.key from (
      select *, ${key} as key from housing.apartments a where ${where} and ${after}
      order by ${order} limit ${page.limit + 1} offset ${page.offset}) a
    order by ${order}`.execute(db)
  const found = (limit: RawBuilder<unknown>) => sql`select from housing.apartments a where ${where} ${limit}`
  return cursorAnswer(page, rows, await countRows(db, page, found))
}

/** A flat that the caller may see. */
export async function getApartment(db: Db | Tx, user: User, id: number): Promise<Apartment> {
  const { rows } = await sql<Apartment>`
    select ${apartmentColumns} from housing.apartments a where a.id = ${id} and ${mayBeSeen(user, 'a.id')}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** Adds a flat to a house. */
export async function createApartment(
  { db }: Platform,
  user: User,
  house: number,
  { residents, ...input }: NewApartment,
  once: Once | undefined,
): Promise<Apartment> {
  return inWords(
    change(db, once, async (tx) => {
      await lockHouse(tx, house, 'share')
      const { id } = await tx
        .insertInto('housing.apartments')
        .values({ ...input, house_id: house })
        .returning('id')
        .executeTakeFirstOrThrow()
      if (residents) await setResidents(tx, id, residents)
      const after = await getApartment(tx, user, id)
      await record(tx, user, 'create_apartment', id, undefined, after)
      return after
    }),
  )
}

/** Changes a flat; `residents` are all that it has from now on. */
export async function changeApartment(
  { db }: Platform,
  user: User,
  id: number,
  { residents, ...input }: ApartmentChange,
): Promise<Apartment> {
  return inWords(
    transaction(db, async (tx) => {
      const before = await lockApartment(tx, user, id)
      if (Object.keys(input).length)
        await tx
          .updateTable('housing.apartments')
          .set({ ...input, updated_at: sql`now()` })
          .where('id', '=', id)
          .execute()
      if (residents) await setResidents(tx, id, residents)
      const after = await getApartment(tx, user, id)
      if (Object.keys(input).length || residents) await record(tx, user, 'change_apartment', id, before, after)
      return after
    }),
  )
}

/** Removes a flat that has no meters, bills or payments and that no run counts; one that has them is ended instead: 409. */
export async function removeApartment({ db }: Platform, user: User, id: number): Promise<void> {
  await inWords(
    transaction(db, async (tx) => {
      const before = await lockApartment(tx, user, id)
      const counted = await sql`
        select from housing.billing_runs r join housing.run_chunks c on c.run_id = r.id
        where r.status = 'running' and r.house_id = ${before.house} and ${id} = any(c.apartments)`.execute(tx)
      if (counted.rows.length) throw new AppError(409, 'housing.has_history')
      for (const table of ['housing.residents', 'housing.join_codes', 'housing.reminders'] as const)
        await tx.deleteFrom(table).where('apartment_id', '=', id).execute()
      await tx.deleteFrom('housing.apartments').where('id', '=', id).execute()
      await record(tx, user, 'remove_apartment', id, before, undefined)
    }),
  )
}

/** Makes somebody a resident of a flat; again changes nothing. */
export async function addResident({ db }: Platform, user: User, id: number, resident: number): Promise<Apartment> {
  return transaction(db, async (tx) => {
    const before = await lockApartment(tx, user, id)
    await checkPeople(tx, [resident], () => '/user')
    await tx
      .insertInto('housing.residents')
      .values({ apartment_id: id, user_id: resident })
      .onConflict((c) => c.doNothing())
      .execute()
    const after = await getApartment(tx, user, id)
    await record(tx, user, 'add_resident', id, before, after)
    return after
  })
}

/** Somebody is a resident of a flat no more. */
export async function removeResident({ db }: Platform, user: User, id: number, resident: number): Promise<void> {
  await transaction(db, async (tx) => {
    const before = await lockApartment(tx, user, id)
    await tx.deleteFrom('housing.residents').where('apartment_id', '=', id).where('user_id', '=', resident).execute()
    await record(tx, user, 'remove_resident', id, before, await getApartment(tx, user, id))
  })
}

async function checkPeople(tx: Tx, ids: number[], path: (i: number) => string): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    select id from accounts.users where id = any(${ids}::bigint[]) for key share`.execute(tx)
  const known = new Set(rows.map((r) => r.id))
  const missing = ids.findIndex((id) => !known.has(id))
  if (missing >= 0) throw fieldFault(path(missing), 'validation.unknown_id')
}

async function setResidents(tx: Tx, id: number, residents: number[]): Promise<void> {
  await checkPeople(tx, residents, (i) => `/residents/${i}`)
  await sql`delete from housing.residents where apartment_id = ${id} and user_id <> all(${residents}::bigint[])`.execute(
    tx,
  )
  await sql`
    insert into housing.residents (apartment_id, user_id) select ${id}, unnest(${residents}::bigint[])
    on conflict do nothing`.execute(tx)
}

/** Locks the house of a flat and the flat, for staff. */
async function lockApartment(tx: Tx, user: User, id: number): Promise<Apartment> {
  const { rows } = await sql<{ house_id: number }>`select house_id from housing.apartments where id = ${id}`.execute(tx)
  if (!rows[0]) throw notFound()
  await lockHouse(tx, rows[0].house_id, 'share')
  const locked = await sql`select from housing.apartments where id = ${id} for update`.execute(tx)
  if (!locked.rows.length) throw notFound()
  return getApartment(tx, user, id)
}

const record = (
  tx: Tx,
  user: User,
  verb: string,
  subject_id: number,
  before: Apartment | undefined,
  after: Apartment | undefined,
) =>
  recordChange(tx, user, {
    action: `housing.${verb}`,
    subject: 'housing.apartments',
    subject_id,
    ...(before ? { before } : {}),
    ...(after ? { after } : {}),
  })
