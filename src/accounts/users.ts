import { randomInt } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { Role, User } from '../platform/access.ts'
import { type Db, run, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound, violated } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { type PageOf, pageAnswer, pageRequest } from '../platform/pages.ts'
import { checkPassword, checkStrength, hashPassword } from './passwords.ts'
import type { Profile, ProfileChange, Registration, UserChange } from './schemas.ts'

// No 0 O, 1 I L, 5 S, 8 B, 2 Z: codes are read aloud and typed from paper.
const codeLetters = 'ACDEFGHJKMNPQRTUVWXY34679'
/** Six letters and digits without look-alikes. */
export const inviteCode = () => Array.from({ length: 6 }, () => codeLetters[randomInt(codeLetters.length)]).join('')

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

/** Makes an account with a password; the name and the address must be free. */
export async function register(platform: Platform, input: Registration, locale: Locale): Promise<Profile> {
  checkStrength('/password', input.password, input.username)
  const password_hash = await hashPassword(input.password)
  const { password: _, invite_code: __, ...given } = input
  const id = await insertUser(platform.db, { ...given, password_hash, locale })
  return getProfile(platform.db, id)
}

type NewUser = {
  username: string
  email?: string | null
  phone?: string | null
  password_hash?: string | null
  locale?: Locale
  role?: Role
}

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

/** The user of a name or address with this password; 401 with the same words and in the same time for all who are not. */
export async function login(platform: Platform, name: string, password: string): Promise<User> {
  const [user] = await run<{ id: number; role: Role; is_active: boolean; password_hash: string | null }>(
    platform.pool,
    `select id, role, is_active, password_hash from accounts.users where lower(username) = lower($1)
     union all select id, role, is_active, password_hash from accounts.users where lower(email) = lower($1) limit 1`,
    [name],
  )
  const same = await checkPassword(user?.password_hash, password)
  if (!same || !user?.is_active) throw new AppError(401, 'accounts.wrong_password')
  return { id: user.id, role: user.role }
}

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

/** Changes a person's own names and address; a new address must be confirmed again. */
export async function changeProfile(platform: Platform, user: User, input: ProfileChange): Promise<Profile> {
  const { foreign_invite_code: _, email, ...names } = input
  await withFreeNames(() =>
    transaction(platform.db, async (tx) => {
      const before = await tx
        .selectFrom('accounts.users')
        .select(['username', 'email'])
        .where('id', '=', user.id)
        .forUpdate()
        .executeTakeFirst()
      if (!before) throw new AppError(401, 'accounts.token_refused')
      const newEmail = email !== undefined && email.toLowerCase() !== before.email?.toLowerCase()
      const change = {
        ...names,
        ...(newEmail ? { email, email_confirmed_at: null } : {}),
        // A name that is the address moves with it.
        ...(newEmail && before.username.includes('@') ? { username: email } : {}),
      }
      if (!Object.keys(change).length) return
      await tx
        .updateTable('accounts.users')
        .set({ ...change, updated_at: sql`now()` })
        .where('id', '=', user.id)
        .execute()
    }),
  )
  return getProfile(platform.db, user.id)
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
    .$if(filter.search !== undefined, (q) =>
      q.where(
        sql<string>`lower(username || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '') || ' ' || full_name)`,
        'like',
        `%${filter.search!.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`,
      ),
    )
  const rows = await found.select(rowColumns).orderBy('id', 'desc').limit(page.limit).offset(page.offset).execute()
  const { n } = await found.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
  return pageAnswer(page, rows as UserRow[], n)
}

/** Sets role and whether a user may log in; a blocked one loses every login. The last active administrator stays one. */
export async function changeUser(platform: Platform, id: number, input: UserChange): Promise<UserRow> {
  return transaction(platform.db, async (tx) => {
    // All administrators are locked in one order, so that two cannot step down at once and leave nobody.
    const admins = await tx
      .selectFrom('accounts.users')
      .select('id')
      .where('role', '=', 'admin')
      .where('is_active', '=', true)
      .orderBy('id')
      .forUpdate()
      .execute()
    const before = await tx
      .selectFrom('accounts.users')
      .select(rowColumns)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!before) throw notFound()
    const stays = (input.role ?? before.role) === 'admin' && (input.is_active ?? before.is_active)
    if (!stays && admins.length === 1 && admins[0]!.id === id) throw new AppError(409, 'accounts.last_admin')
    if (!Object.keys(input).length) return before as UserRow
    if (input.is_active === false) {
      await sql`update accounts.logins set ended_at = now() where user_id = ${id} and ended_at is null`.execute(tx)
    }
    return (await tx
      .updateTable('accounts.users')
      .set({ ...input, updated_at: sql`now()` })
      .where('id', '=', id)
      .returning(rowColumns)
      .executeTakeFirstOrThrow()) as UserRow
  })
}
