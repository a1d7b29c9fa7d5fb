import { randomInt } from 'node:crypto'
import { type Expression, sql } from 'kysely'
import type { Role, User } from '../platform/access.ts'
import { isUsername } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type RunSql, run, sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, violated } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import type { Locale } from '../platform/i18n.ts'
import { admit, forgive, networkOf } from '../platform/limits.ts'
import type { Platform } from '../platform/module.ts'
import { requireRecentLogin } from './access-tokens.ts'
import { createCode, letterLimits } from './codes.ts'
import type { Device } from './devices.ts'
import { tellOwner } from './notices.ts'
import { checkPassword, checkStrength, hashPassword } from './passwords.ts'
import { type Profile, type ProfileChange, profileEdits, type Registration } from './schemas.ts'
import { type Checked, openSession, type Session } from './sessions.ts'

// No 0 O, 1 I L, 5 S, 8 B, 2 Z: codes are read aloud and typed from paper.
export const codeLetters = 'ACDEFGHJKMNPQRTUVWXY34679'
/** Six letters and digits without look-alikes. */
export const inviteCode = () => randomLetters(6)
const randomLetters = (length: number) =>
  Array.from({ length }, () => codeLetters[randomInt(codeLetters.length)]).join('')

const takenField: Record<string, [path: string, code: string]> = {
  users_username_key: ['/username', 'accounts.username_taken'],
  users_email_key: ['/email', 'accounts.email_taken'],
  users_phone_key: ['/phone', 'accounts.phone_taken'],
  users_username_is_own_email: ['/username', 'accounts.username_not_own_email'],
}

/** Runs a statement that writes a user; a taken name, address or number becomes a 400 on its field. */
export async function withFreeNames<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    const taken = takenField[violated(error) ?? '']
    throw taken ? fieldFault(...taken) : error
  }
}

/** From where a request came and in which language it wants to be answered. */
export type Origin = { locale: Locale; address?: string; request_id?: string }

/** Makes an account with a password and sends a letter that confirms its address; name and address must be free. */
export async function register(platform: Platform, input: Registration, origin: Origin): Promise<Profile> {
  checkStrength('/password', input.password, input.username)
  const password_hash = await hashPassword(platform, input.password)
  const { password: _, invite_code, ...given } = input
  const { locale } = origin
  const id = await withFreeNames(() =>
    transaction(platform.db, async (tx) => {
      const inviter = invite_code === undefined ? undefined : await findInviter(tx, invite_code)
      if (invite_code !== undefined && !inviter) throw fieldFault('/invite_code', 'accounts.invite_unknown')
      const id = await insertUser(tx, {
        ...given,
        password_hash,
        locale,
        ...(inviter ? { invited_by: inviter, invited_at: sql<string>`now()` } : {}),
      })
      await admit(platform, sqlOf(tx), letterLimits(given.email, undefined, id))
      await createCode(platform, tx, { kind: 'email', email: given.email, user_id: id, locale })
      await recordChange(
        tx,
        { id, ...origin },
        {
          action: 'accounts.register',
          subject: 'accounts.users',
          subject_id: id,
          after: { ...given, invited_by: inviter ?? null },
        },
      )
      return id
    }),
  )
  return getProfile(platform.db, id)
}

type NewUser = {
  username: string
  email?: string | null
  email_confirmed_at?: Expression<string>
  phone?: string | null
  password_hash?: string | null
  first_name?: string
  last_name?: string
  locale?: Locale
  role?: Role
  invited_by?: number
  invited_at?: Expression<string>
}

/** A username for people who came without one; it tells nothing of them, for it stands where a name is missing. */
export const nameWithoutOwner = () => `user-${randomLetters(8).toLowerCase()}`

/** Writes a user with a fresh invite code and returns the id. */
export async function insertUser(db: Db, user: NewUser): Promise<number> {
  // Codes are drawn from 244 million, so a second draw is rare and a third next to impossible.
  for (;;) {
    const row = await withFreeNames(() =>
      db
        .insertInto('accounts.users')
        .values({ ...user, invite_code: inviteCode() })
        .onConflict((c) => c.column('invite_code').doNothing())
        .returning('id')
        .executeTakeFirst(),
    )
    if (row) return row.id
  }
}

/** Logs in by a name or address and its password. */
export async function login(platform: Platform, name: string, password: string, device: Device): Promise<Session> {
  const checked = await checkLogin(platform, name, password, device.address)
  const session = await transaction(platform.db, (tx) => openSession(platform, tx, checked, device))
  // The password was changed, or the user blocked, while it was checked.
  if (!session) throw wrongPassword()
  return session
}

export const wrongPassword = () => new AppError(401, 'accounts.wrong_password')

/** The user of a name or address with this password; 401 with the same words and in the same time for all who are not. */
export async function checkLogin(
  platform: Platform,
  name: string,
  password: string,
  address: string,
): Promise<Checked> {
  const sqlNow: RunSql = (text, values) => run(platform.pool, text, values)
  const [user] = await sqlNow<{ id: number; is_active: boolean; password_hash: string | null }>(
    `select id, is_active, password_hash from accounts.users where lower(username) = lower($1)
     union all select id, is_active, password_hash from accounts.users where lower(email) = lower($1) limit 1`,
    [name],
  )
  // Counted before the password is looked at, so that guesses sent together count too; by account, whichever name it is
  // guessed by.
  const limits = guessLimits(user ? `user ${user.id}` : `name ${name.toLowerCase()}`, address)
  await admit(platform, sqlNow, limits)
  const same = await checkPassword(platform, user?.password_hash, password)
  if (!same || !user?.is_active || !user.password_hash) throw wrongPassword()
  await forgive(platform, sqlNow, limits)
  return { id: user.id, password_hash: user.password_hash }
}

/** How often a password may be guessed: of an account from one address, of an account from anywhere, from one address. */
const guessLimits = (account: string, address: string) => [
  { kind: 'password here', of: `${account} ${networkOf(address)}`, spanSeconds: 900, most: 20 },
  { kind: 'password', of: account, spanSeconds: 3600, most: 200 },
  { kind: 'password address', of: networkOf(address), spanSeconds: 3600, most: 600 },
]

/** All that a person sees of their own account. */
export async function getProfile(db: Db, id: number): Promise<Profile> {
  const { rows } = await sql<Profile>`
    select u.id, u.username, u.email, u.email_confirmed_at is not null email_confirmed, u.phone, u.first_name, u.last_name,
      u.patronymic, u.full_name, u.locale, u.role, u.invite_code, i.invite_code foreign_invite_code, u.created_at,
      coalesce((select json_agg(coalesce(g.phone, g.username) order by g.id) from accounts.users g where g.invited_by = u.id), '[]')
        activated_your_code
    from accounts.users u left join accounts.users i on i.id = u.invited_by where u.id = ${id}`.execute(db)
  if (!rows[0]) throw new AppError(401, 'accounts.token_refused')
  return rows[0]
}

/** The id of whose invite code it is, however it is typed. */
async function findInviter(tx: Tx, code: string): Promise<number | undefined> {
  const plain = code.trim().toUpperCase()
  const row = await tx.selectFrom('accounts.users').select('id').where('invite_code', '=', plain).executeTakeFirst()
  return row?.id
}

const ownColumns = [
  'id',
  'username',
  'email',
  'email_confirmed_at',
  'phone',
  'token_version',
  'first_name',
  'last_name',
  'patronymic',
  'locale',
  'invited_by',
  'invited_at',
] as const

/** An address as a username, where it can be one. */
const nameLike = (email: string) => (isUsername(email) ? email : nameWithoutOwner())

/** Changes a person's own names and address, and takes an invite once; a new address must be confirmed again. */
export async function changeProfile(
  platform: Platform,
  user: User,
  input: ProfileChange,
  locale: Locale,
  match?: string,
): Promise<Profile> {
  const { foreign_invite_code, email, ...names } = input
  await withFreeNames(() =>
    transaction(platform.db, async (tx) => {
      const inviter = foreign_invite_code === undefined ? undefined : await findInviter(tx, foreign_invite_code)
      // Both in the order of ids: two who take each other's codes at once wait, and the second learns of the first.
      const locked = await tx
        .selectFrom('accounts.users')
        .select(ownColumns)
        .where('id', 'in', [user.id, inviter ?? user.id])
        .orderBy('id')
        .forNoKeyUpdate()
        .execute()
      const before = locked.find((u) => u.id === user.id)
      if (!before) throw new AppError(401, 'accounts.token_refused')
      if (match !== undefined) checkMatch(match, await getProfile(tx, user.id), profileEdits)
      if (foreign_invite_code !== undefined) {
        const fault = (code: string) => fieldFault('/foreign_invite_code', code)
        if (before.invited_at) throw new AppError(409, 'accounts.invite_used')
        if (!inviter) throw fault('accounts.invite_unknown')
        if (inviter === user.id) throw fault('accounts.invite_own')
        if (locked.find((u) => u.id === inviter)?.invited_by === user.id) throw fault('accounts.invite_mutual')
      }
      const newEmail = email !== undefined && email.toLowerCase() !== before.email?.toLowerCase()
      if (newEmail) requireRecentLogin(user, before)
      const change = {
        ...names,
        ...(inviter ? { invited_by: inviter, invited_at: sql<string>`now()` } : {}),
        ...(newEmail ? { email, email_confirmed_at: null } : {}),
        // A name that is the address moves with it.
        ...(newEmail && before.username.includes('@') ? { username: nameLike(email) } : {}),
      }
      if (!Object.keys(change).length) return
      const after = await tx
        .updateTable('accounts.users')
        .set({ ...change, updated_at: sql`now()` })
        .where('id', '=', user.id)
        .returning(ownColumns)
        .executeTakeFirstOrThrow()
      if (newEmail) {
        await admit(platform, sqlOf(tx), letterLimits(email, user.address, user.id))
        await createCode(platform, tx, { kind: 'email', email, user_id: user.id, locale })
        await tellOwner(platform, tx, 'email', before)
      }
      await recordChange(tx, user, {
        action: 'accounts.change_profile',
        subject: 'accounts.users',
        subject_id: user.id,
        before,
        after,
      })
    }),
  )
  return getProfile(platform.db, user.id)
}
