import { sql } from 'kysely'
import { transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { checkStrength, hashPassword } from './passwords.ts'
import { insertUser } from './users.ts'

/** Makes the first administrator of an empty database; of processes that start together one does. True if it did. */
export async function createFirstAdmin(
  { db }: Platform,
  admin: { username: string; email: string; password: string },
): Promise<boolean> {
  if (await db.selectFrom('accounts.users').select('id').limit(1).executeTakeFirst()) return false
  const password_hash = await hashPassword(admin.password)
  return transaction(db, async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('dvor first administrator', 0))`.execute(tx)
    if (await tx.selectFrom('accounts.users').select('id').limit(1).executeTakeFirst()) return false
    await insertUser(tx, { username: admin.username, email: admin.email, password_hash, role: 'admin' })
    return true
  })
}

/** Makes an administrator, or sets the password of a user and ends all their logins. Returns what stood in the way, in words. */
export async function setAdministrator(
  { db, translate }: Platform,
  mode: 'create' | 'password',
  { username, email, password }: { username: string; email?: string | undefined; password: string },
): Promise<string | undefined> {
  if (password.length < 8) return 'The password needs 8 characters or more.'
  try {
    checkStrength('/password', password, username)
    const password_hash = await hashPassword(password)
    if (mode === 'create') {
      await insertUser(db, { username, email: email ?? null, password_hash, role: 'admin' })
      return undefined
    }
    const { rows } = await sql`
      with u as (update accounts.users set password_hash = ${password_hash}, updated_at = now()
        where lower(username) = lower(${username}) returning id),
      ended as (update accounts.logins set ended_at = now() from u where user_id = u.id and ended_at is null)
      select id from u`.execute(db)
    return rows.length ? undefined : `There is no user ${username}.`
  } catch (error) {
    if (error instanceof AppError) return (error.faults ?? []).map((f) => translate('en', f.code, f.params)).join(' ')
    throw error
  }
}
