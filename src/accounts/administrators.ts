import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import { type PageOf, pageAnswer, pageRequest } from '../http/pages.ts'
import type { Role, User } from '../platform/access.ts'
import { isUsername } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { containsOrPhone } from '../platform/search.ts'
import { checkStrength, endAllLogins, hashPassword } from './passwords.ts'
import type { UserChange } from './schemas.ts'
import { insertUser } from './users.ts'

/**
 * Makes the first administrator of an empty database; of processes that start together one does. True if it did. A
 * `password` that is a function is only asked for when there is nobody yet.
 */
export async function createFirstAdmin(
  platform: Platform,
  admin: { username: string; email: string; password: string | (() => string) },
): Promise<boolean> {
  const { db } = platform
  if (await db.selectFrom('accounts.users').select('id').limit(1).executeTakeFirst()) return false
  const { password } = admin
  const password_hash = await hashPassword(platform, typeof password === 'string' ? password : password())
  return transaction(db, async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('dvor first administrator', 0))`.execute(tx)
    if (await tx.selectFrom('accounts.users').select('id').limit(1).executeTakeFirst()) return false
    const { username, email } = admin
    const id = await insertUser(tx, { username, email, email_confirmed_at, password_hash, role: 'admin' })
    await recordAdmin(tx, 'accounts.create_admin', id)
    return true
  })
}

/** Whoever runs the installation vouches for the addresses that they name. */
const email_confirmed_at = sql<string>`now()`

/** From the command line, so the log names nobody. */
const recordAdmin = (tx: Tx, action: string, id: number) =>
  recordChange(tx, undefined, { action, subject: 'accounts.users', subject_id: id, after: { password_hash: true } })

/** Makes an administrator, or sets the password of a user and ends all their logins. Returns what stood in the way, in words. */
export async function setAdministrator(
  platform: Platform,
  mode: 'create' | 'password',
  { username, email, password }: { username: string; email?: string | undefined; password: string },
): Promise<string | undefined> {
  const { db, translate } = platform
  if (password.length < 8) return 'The password needs 8 characters or more.'
  if (!isUsername(username)) return translate('en', 'validation.format_username')
  try {
    checkStrength('/password', password, username)
    const password_hash = await hashPassword(platform, password)
    return await transaction(db, async (tx) => {
      if (mode === 'create') {
        const id = await insertUser(tx, {
          username,
          ...(email ? { email, email_confirmed_at } : {}),
          password_hash,
          role: 'admin',
        })
        await recordAdmin(tx, 'accounts.create_admin', id)
        return undefined
      }
      const { rows } = await sql<{ id: number }>`
        update accounts.users set password_hash = ${password_hash}, updated_at = now()
        where lower(username) = lower(${username}) returning id`.execute(tx)
      const id = rows[0]?.id
      if (id === undefined) return `There is no user ${username}.`
      await endAllLogins(sqlOf(tx), id)
      await recordAdmin(tx, 'accounts.set_password', id)
      return undefined
    })
  } catch (error) {
    if (error instanceof AppError) return (error.faults ?? []).map((f) => translate('en', f.code, f.params)).join(' ')
    throw error
  }
}

export type UserRow = {
  id: number
  username: string
  email: string | null
  phone: string | null
  full_name: string
  role: Role
  is_active: boolean
  created_at: string
}
const rowColumns = ['id', 'username', 'email', 'phone', 'full_name', 'role', 'is_active', 'created_at'] as const

// The words of users_search_idx.
const searched = sql`username || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '') || ' ' || full_name`

/** Users for administrators, newest first, by role and by a part of name, address or number. */
export async function listUsers(
  platform: Platform,
  req: FastifyRequest,
  filter: { search?: string; role?: string },
): Promise<PageOf<UserRow>> {
  const page = pageRequest(req)
  const found = platform.db
    .selectFrom('accounts.users')
    .$if(filter.role !== undefined, (q) => q.where('role', '=', filter.role!))
    .$if(filter.search !== undefined, (q) => q.where(containsOrPhone(searched, filter.search!)))
  const rows = await found
    .select(rowColumns)
    .orderBy('id', page.direction)
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { n } = await found.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
  return pageAnswer(page, rows as UserRow[], n)
}

/** Sets role and whether a user may log in; a blocked one loses every login. The last active administrator stays one. */
export async function changeUser(platform: Platform, actor: User, id: number, input: UserChange): Promise<UserRow> {
  return transaction(platform.db, async (tx) => {
    // All administrators are locked in one order, so that two cannot step down at once and leave nobody.
    const admins = await tx
      .selectFrom('accounts.users')
      .select('id')
      .where('role', '=', 'admin')
      .where('is_active', '=', true)
      .orderBy('id')
      .forNoKeyUpdate()
      .execute()
    const before = await tx
      .selectFrom('accounts.users')
      .select(rowColumns)
      .where('id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (!before) throw notFound()
    const stays = (input.role ?? before.role) === 'admin' && (input.is_active ?? before.is_active)
    if (!stays && admins.length === 1 && admins[0]!.id === id) throw new AppError(409, 'accounts.last_admin')
    if (!Object.keys(input).length) return before as UserRow
    if (input.is_active === false) {
      await sql`update accounts.logins set ended_at = now() where user_id = ${id} and ended_at is null`.execute(tx)
    }
    const after = await tx
      .updateTable('accounts.users')
      .set({ ...input, updated_at: sql`now()` })
      .where('id', '=', id)
      .returning(rowColumns)
      .executeTakeFirstOrThrow()
    await recordChange(tx, actor, {
      action: 'accounts.change_user',
      subject: 'accounts.users',
      subject_id: id,
      before,
      after,
    })
    return after as UserRow
  })
}
