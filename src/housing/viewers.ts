import { type RawBuilder, sql } from 'kysely'
import { hasRole, type User } from '../platform/access.ts'
import type { Db, Tx } from '../platform/database.ts'
import { AppError, notFound, violated } from '../platform/errors.ts'

/** Who writes houses, meters, tariffs and bills, and who may read all of them. */
export const staff = ['admin', 'bookkeeper'] as const
export const readers = [...staff, 'auditor'] as const
/** Readers, and residents of what is theirs. */
export const residents = ['owner', ...readers] as const

/** True for those who may read every house. */
export const readsAll = (user: User) => hasRole(user, ...readers)

/** A condition of SQL: the flat of this column is one that the caller may see. */
export const mayBeSeen = (user: User, apartment: string): RawBuilder<boolean> =>
  readsAll(user)
    ? sql<boolean>`true`
    : sql<boolean>`exists (select from housing.residents own
        where own.apartment_id = ${sql.raw(apartment)} and own.user_id = ${user.id})`

/** Throws 404 unless the caller may see this flat. */
export async function checkApartment(db: Db, user: User, id: number): Promise<void> {
  const { rows } = await sql`
    select from housing.apartments a where a.id = ${id} and ${mayBeSeen(user, 'a.id')}`.execute(db)
  if (!rows.length) throw notFound()
}

/**
 * Locks a house for a change of its flats, meters or readings, which `share` it; an import, which holds it alone; or a
 * publication, which nothing may pass. Throws 404.
 */
export async function lockHouse(tx: Tx, id: number, how: 'share' | 'no key update' | 'update'): Promise<void> {
  const { rows } = await sql`select from housing.houses where id = ${id} for ${sql.raw(how)}`.execute(tx)
  if (!rows.length) throw notFound()
}

const taken: Record<string, string> = {
  houses_address_key: 'housing.address_taken',
  apartments_number_key: 'housing.number_taken',
  apartments_account_key: 'housing.account_taken',
  meters_serial_key: 'housing.serial_taken',
  readings_month_key: 'housing.reading_there',
  tariffs_valid_from_key: 'housing.tariff_there',
}

/** Says in words what the database refused: a double, or the end of a thing that others hang on. */
export async function inWords<T>(change: Promise<T>): Promise<T> {
  try {
    return await change
  } catch (error) {
    const code = taken[violated(error) ?? '']
    if (code) throw new AppError(409, code)
    if ((error as { code?: string }).code === '23503') throw new AppError(409, 'housing.has_history')
    throw error
  }
}
