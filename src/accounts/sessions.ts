import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Role, User } from '../platform/access.ts'
import { type Db, type RunSql, run, transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { accessSeconds, accessToken, viewToken } from './callers.ts'

export const refreshDays = 30
/** For so long the direct parent of a refresh token gets the same successor: two tabs, a lost answer. */
const graceSeconds = 30

/** What a login is given; `view` is the value of the cookie that only reads. */
export type Session = { access: string; refresh: string; expires_in: number; view: string }

const sha256 = (text: string) => createHash('sha256').update(text).digest()
const successorOf = (platform: Platform, refresh: string) => platform.derive('refresh', refresh).toString('base64url')

async function sessionOf(platform: Platform, user: User, login: number, refresh: string): Promise<Session> {
  const access = await accessToken(platform, user)
  return { access, refresh, expires_in: accessSeconds, view: viewToken(platform, login) }
}

/** Begins a login family for a user whose identity was just proved, in the transaction of `sql` if it has one. */
export async function openSession(
  platform: Platform,
  user: User,
  sql: RunSql = (text, values) => run(platform.pool, text, values),
): Promise<Session> {
  const refresh = randomBytes(32).toString('base64url')
  const [login] = await sql<{ id: number }>(
    `with login as (insert into accounts.logins (user_id) values ($1) returning id),
     token as (insert into accounts.refresh_tokens (hash, login_id, expires_at)
       select $2, id, now() + make_interval(days => $3) from login)
     select id from login`,
    [user.id, sha256(refresh), refreshDays],
  )
  return sessionOf(platform, user, login!.id, refresh)
}

/**
 * Spends a refresh token for its successor, which is derived from it, so that its direct parent gets the same one
 * again within 30 s. Any other spent token ends the whole family: somebody has a copy.
 */
export async function refreshSession(platform: Platform, refresh: string): Promise<Session> {
  const successor = successorOf(platform, refresh)
  const outcome = await transaction(platform.db, async (tx): Promise<{ user: User; login: number } | undefined> => {
    const found = await tx
      .selectFrom('accounts.refresh_tokens')
      .select('login_id')
      .where('hash', '=', sha256(refresh))
      .executeTakeFirst()
    if (!found) return undefined
    // The family is locked before its tokens, so that two refreshes of one token take turns.
    const login = await tx
      .selectFrom('accounts.logins as l')
      .innerJoin('accounts.users as u', 'u.id', 'l.user_id')
      .select(['l.id', 'l.ended_at', 'u.id as user_id', 'u.role', 'u.is_active'])
      .where('l.id', '=', found.login_id)
      .forUpdate('l')
      .executeTakeFirst()
    if (!login || login.ended_at || !login.is_active) return undefined
    const { rows } = await sql<{ state: 'fresh' | 'repeated' | 'expired' | 'reused' }>`
      select case
        when t.expires_at <= now() then 'expired'
        when t.spent_at is null then 'fresh'
        when t.spent_at > now() - make_interval(secs => ${graceSeconds}) and s.hash is not null and s.spent_at is null then 'repeated'
        else 'reused' end state
      from accounts.refresh_tokens t left join accounts.refresh_tokens s on s.hash = ${sha256(successor)}
      where t.hash = ${sha256(refresh)}`.execute(tx)
    const state = rows[0]?.state
    if (state === 'reused')
      await tx.updateTable('accounts.logins').set({ ended_at: sql`now()` }).where('id', '=', login.id).execute()
    if (state === 'fresh') {
      await tx
        .updateTable('accounts.refresh_tokens')
        .set({ spent_at: sql`now()` })
        .where('hash', '=', sha256(refresh))
        .execute()
      await tx
        .insertInto('accounts.refresh_tokens')
        .values({
          hash: sha256(successor),
          login_id: login.id,
          expires_at: sql`now() + make_interval(days => ${refreshDays})`,
        })
        .execute()
    }
    const user = { id: login.user_id, role: login.role as Role }
    return state === 'fresh' || state === 'repeated' ? { user, login: login.id } : undefined
  })
  if (!outcome) throw new AppError(401, 'accounts.refresh_refused')
  return sessionOf(platform, outcome.user, outcome.login, successor)
}

/** Ends the login family of a refresh token of this user; one that is not there is fine. */
export async function closeSession(db: Db, user: User, refresh: string): Promise<void> {
  await sql`
    update accounts.logins set ended_at = now() where ended_at is null and user_id = ${user.id}
      and id = (select login_id from accounts.refresh_tokens where hash = ${sha256(refresh)})`.execute(db)
}

/** Families and tokens that nobody can use any more go after a day. */
export async function sweepSessions({ db }: Platform): Promise<void> {
  await sql`delete from accounts.logins l where l.created_at < now() - interval '1 day'
    and (l.ended_at < now() - interval '1 day'
      or not exists (select from accounts.refresh_tokens t where t.login_id = l.id and t.expires_at > now()))`.execute(
    db,
  )
  await sql`delete from accounts.refresh_tokens where expires_at < now() or spent_at < now() - interval '7 days'`.execute(
    db,
  )
}
