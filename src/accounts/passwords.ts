import { hash, verify } from '@node-rs/argon2'
import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { type Actor, recordChange } from '../platform/audit.ts'
import { type RunSql, run, sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import { admit, forgive } from '../platform/limits.ts'
import { wake } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { requireRecentLogin } from './access-tokens.ts'
import { checkLink, createCode, letterLimits, linkRefused, useCode } from './codes.ts'
import { commonPasswords } from './common-passwords.ts'
import type { Device } from './devices.ts'
import { type Reached, tellOwner } from './notices.ts'
import { openSession, type Session } from './sessions.ts'

// OWASP's second choice for argon2id: 19 MiB, two passes.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The argon2id hash of a password; works off the event loop. */
export const hashPassword = ({ heavy }: Platform, password: string): Promise<string> =>
  heavy('hash', () => hash(password, cost))

// Of no password that anybody knows, at the cost above.
const nobody = '$argon2id$v=19$m=19456,t=2,p=1$yiw9NYXFiMtjxJ0seTGNxw$YEmfyLxB5iqw2drd4KRhrC3d8kh5ZEcXNbKzmYwIZ5Q'

/** Whether the password is the one; takes the same time for a user who is not there or has no password. */
export async function checkPassword(
  platform: Platform,
  passwordHash: string | null | undefined,
  password: string,
): Promise<boolean> {
  const same = await platform.heavy('hash', () => verify(passwordHash ?? nobody, password).catch(() => false))
  return same && Boolean(passwordHash)
}

// Blanks, control and format characters, and what Unicode shows as nothing; the braille blank is none of these.
const invisible = /^[\p{White_Space}\p{C}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/** Refuses a password that others would guess first; its length is the schema's. */
export function checkStrength(path: string, password: string, username: string | null): void {
  if (invisible.test(password)) throw fieldFault(path, 'accounts.password_blank')
  const plain = password.toLowerCase()
  if (commonPasswords.has(plain)) throw fieldFault(path, 'accounts.password_common')
  if (username && plain === username.toLowerCase()) throw fieldFault(path, 'accounts.password_is_username')
}

/** A new password ends all logins and machine tokens: whoever knew the old one may have made them. */
export async function endAllLogins(sql: RunSql, userId: number): Promise<void> {
  await sql('update accounts.logins set ended_at = now() where user_id = $1 and ended_at is null', [userId])
  await sql('update accounts.tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId])
}

async function setPassword(tx: Tx, actor: Actor, action: string, userId: number, password_hash: string) {
  await tx
    .updateTable('accounts.users')
    .set({ password_hash, updated_at: sql`now()` })
    .where('id', '=', userId)
    .execute()
  await endAllLogins(sqlOf(tx), userId)
  await recordChange(tx, actor, { action, subject: 'accounts.users', subject_id: userId, after: { password_hash } })
}

/** Sets one's own password, and asks for the old one if there is one. Every login ends and a new one is answered. */
export async function changePassword(
  platform: Platform,
  user: User,
  { current_password = '', password }: { current_password?: string | undefined; password: string },
  device: Device,
): Promise<Session> {
  requireRecentLogin(user)
  const onPool: RunSql = (text, values) => run(platform.pool, text, values)
  const limits = [{ kind: 'own password', of: String(user.id), spanSeconds: 900, most: 20 }]
  await admit(platform, onPool, limits)
  const [before] = await onPool<{ username: string; password_hash: string | null }>(
    'select username, password_hash from accounts.users where id = $1',
    [user.id],
  )
  const known = before?.password_hash
  if (known && !(await checkPassword(platform, known, current_password)))
    throw fieldFault('/current_password', 'accounts.wrong_current_password')
  checkStrength('/password', password, before?.username ?? null)
  const password_hash = await hashPassword(platform, password)
  const session = await transaction(platform.db, async (tx) => {
    const { rows } = await sql<Reached & { same: boolean }>`
      select id, email, email_confirmed_at, phone, locale, password_hash is not distinct from ${known ?? null} same from accounts.users where id = ${user.id} for no key update`.execute(
      tx,
    )
    // Somebody changed it meanwhile, so what was proved is no longer so.
    if (!rows[0]?.same) throw fieldFault('/current_password', 'accounts.wrong_current_password')
    await setPassword(tx, user, 'accounts.change_password', user.id, password_hash)
    await tellOwner(platform, tx, 'password', rows[0])
    const session = await openSession(platform, tx, { id: user.id }, device)
    // Blocked meanwhile: then nothing of it stays, for the caller hears that nothing was done.
    if (!session) throw new AppError(401, 'accounts.token_refused')
    return session
  })
  await forgive(platform, onPool, limits)
  return session
}

/** Sends a link by which a forgotten password is set anew, if the address is somebody's; the answer never tells. */
export async function requestReset(
  platform: Platform,
  email: string,
  { address, locale }: { address: string; locale: Locale },
): Promise<void> {
  await transaction(platform.db, async (tx) => {
    await admit(platform, sqlOf(tx), letterLimits(email, address))
    // Whose address it is the job finds out, so that known and unknown ones take the same time here.
    await createCode(platform, tx, { kind: 'reset', email, locale })
  })
}

/** Sets a password by the link of a letter, once; the address is thereby confirmed. */
export async function resetPassword(
  platform: Platform,
  actor: Partial<User>,
  token: string,
  password: string,
): Promise<void> {
  const code = await checkLink(platform, 'reset', token)
  const password_hash = await hashPassword(platform, password)
  await transaction(platform.db, async (tx) => {
    // All links of this address in one order, for the one that is used takes the others with it.
    await sql`select id from accounts.codes where kind = 'reset' and used_at is null and lower(email) = (
      select lower(email) from accounts.codes where id = ${code}) order by id for update`.execute(tx)
    const { email } = await useCode(tx, code, linkRefused)
    await sql`update accounts.codes set used_at = now() where kind = 'reset' and used_at is null and lower(email) = lower(${email})`.execute(
      tx,
    )
    const { rows } = await sql<{ id: number; username: string }>`
      select id, username from accounts.users where lower(email) = lower(${email}) and is_active for no key update`.execute(
      tx,
    )
    const user = rows[0]
    if (!user) throw linkRefused()
    checkStrength('/password', password, user.username)
    await setPassword(tx, { ...actor, id: user.id }, 'accounts.reset_password', user.id, password_hash)
    // Whoever has the mailbox owns the account: a number that was tied to it before the address was proved may be a
    // squatter's, and would let them in again.
    await sql`update accounts.users set email_confirmed_at = coalesce(email_confirmed_at, now()),
      phone = case when email_confirmed_at is null then null else phone end where id = ${user.id}`.execute(tx)
    await wake(tx, 'accounts.held_letters')
  })
}
