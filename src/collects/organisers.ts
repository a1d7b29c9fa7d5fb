import { type RawBuilder, sql } from 'kysely'
import { hasRole, type Role, type User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import type { Db, Tx } from '../platform/database.ts'
import { transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import type { Organiser } from './schemas.ts'
import type { NewOrganiser } from './schemas-news.ts'

const mostOrganisers = 20

/** A condition of SQL: the user is the author of the collect `c`, or one of its organisers. */
export const organises = (user: Pick<User, 'id'>): RawBuilder<boolean> =>
  sql<boolean>`(c.author_id = ${user.id} or exists (
    select from collects.organisers o where o.collect_id = c.id and o.user_id = ${user.id}))`

/** Throws 404 where there is no such collect, and 403 unless the user organises it or has one of the roles. */
export async function mayOrganise(db: Db, user: User, id: number, ...roles: Role[]): Promise<void> {
  const { rows } = await sql<{ may: boolean }>`
    select ${organises(user)} may from collects.collects c where c.id = ${id}`.execute(db)
  if (!rows[0]) throw notFound()
  if (!rows[0].may && !hasRole(user, 'admin', ...roles)) throw new AppError(403, 'collects.not_organiser')
}

/** Locks a collect that the user organises; what is the author's alone asks for `author`. */
export async function lockOrganised(tx: Tx, user: User, id: number, as?: 'author') {
  const { rows } = await sql<{
    id: number
    author_id: number
    title: string
    occasion: string
    description: string
    target_amount: string | null
    max_amount: string | null
    ends_at: string
    cover: string | null
    closed_at: string | null
  }>`select id, author_id, title, occasion, description, target_amount, max_amount, ends_at, cover, closed_at
    from collects.collects where id = ${id} for update`.execute(tx)
  const collect = rows[0]
  if (!collect) throw notFound()
  const is_author = collect.author_id === user.id
  if (is_author || hasRole(user, 'admin')) return { ...collect, is_author }
  if (as === 'author') throw new AppError(403, 'collects.not_author')
  // Read under the lock: who is taken off meanwhile waits for it too.
  await mayOrganise(tx, user, id)
  return { ...collect, is_author }
}

/** Writes a change of a collect into the audit log. */
export const recordCollect = (tx: Tx, user: User, verb: string, id: number, before?: object, after?: object) =>
  recordChange(tx, user, { action: `collects.${verb}`, subject: 'collects.collects', subject_id: id, before, after })

/** Names a co-organiser, known by their id, their username or their invite code. */
export async function addOrganiser(
  { db }: Platform,
  user: User,
  id: number,
  { user: who }: NewOrganiser,
  once: Once | undefined,
): Promise<Organiser> {
  return change(db, once, async (tx) => {
    const collect = await lockOrganised(tx, user, id, 'author')
    const { rows } = await sql<Organiser>`
      select id, full_name from accounts.users where is_active and ${
        typeof who === 'number'
          ? sql`id = ${who}`
          : sql`(lower(username) = lower(${who.trim()}) or invite_code = upper(${who.trim()}))`
      } order by lower(username) = lower(${String(who).trim()}) desc limit 1`.execute(tx)
    const found = rows[0]
    if (!found) throw fieldFault('/user', 'collects.no_such_person')
    if (found.id === collect.author_id) throw fieldFault('/user', 'collects.is_author')
    const { rows: there } = await sql<{ user_id: number }>`
      select user_id from collects.organisers where collect_id = ${id}`.execute(tx)
    if (there.some((o) => o.user_id === found.id)) throw new AppError(409, 'collects.organiser_there')
    if (there.length >= mostOrganisers)
      throw new AppError(409, 'collects.too_many_organisers', { most: mostOrganisers })
    await tx.insertInto('collects.organisers').values({ collect_id: id, user_id: found.id }).execute()
    await recordCollect(tx, user, 'add_organiser', id, undefined, { organiser: found.id })
    return found
  })
}

/** Takes a co-organiser off; who is none: 404. */
export async function removeOrganiser({ db }: Platform, user: User, id: number, organiser: number): Promise<void> {
  await transaction(db, async (tx) => {
    await lockOrganised(tx, user, id, 'author')
    const { numDeletedRows } = await tx
      .deleteFrom('collects.organisers')
      .where('collect_id', '=', id)
      .where('user_id', '=', organiser)
      .executeTakeFirstOrThrow()
    if (!numDeletedRows) throw notFound()
    await recordCollect(tx, user, 'remove_organiser', id, { organiser })
  })
}
