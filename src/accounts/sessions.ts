import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { jwtVerify, SignJWT } from 'jose'
import { sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Role, User } from '../platform/access.ts'
import { type Db, run, transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'

export const accessSeconds = 15 * 60
export const refreshDays = 30
/** For so long the direct parent of a refresh token gets the same successor: two tabs, a lost answer. */
const graceSeconds = 30

export type Tokens = { access: string; refresh: string; expires_in: number }

const sha256 = (text: string) => createHash('sha256').update(text).digest()
const successorOf = (platform: Platform, refresh: string) => platform.derive('refresh', refresh).toString('base64url')

const keys = new WeakMap<Platform, KeyObject>()
function accessKey(platform: Platform): KeyObject {
  let key = keys.get(platform)
  if (!key) {
    key = createSecretKey(platform.derive('access', ''))
    keys.set(platform, key)
  }
  return key
}

async function accessToken(platform: Platform, user: User): Promise<string> {
  return new SignJWT({ role: user.role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(String(user.id))
    .setIssuedAt()
    .setExpirationTime(`${accessSeconds}s`)
    .setAudience('dvor')
    .sign(accessKey(platform))
}

/** Begins a login family for a user whose identity was just proved. */
export async function openSession(platform: Platform, user: User): Promise<Tokens> {
  const refresh = randomBytes(32).toString('base64url')
  await run(
    platform.pool,
    `with login as (insert into accounts.logins (user_id) values ($1) returning id)
     insert into accounts.refresh_tokens (hash, login_id, expires_at)
     select $2, id, now() + make_interval(days => $3) from login`,
    [user.id, sha256(refresh), refreshDays],
  )
  return { access: await accessToken(platform, user), refresh, expires_in: accessSeconds }
}

/**
 * Spends a refresh token for its successor, which is derived from it, so that its direct parent gets the same one
 * again within 30 s. Any other spent token ends the whole family: somebody has a copy.
 */
export async function refreshSession(platform: Platform, refresh: string): Promise<Tokens> {
  const successor = successorOf(platform, refresh)
  const outcome = await transaction(platform.db, async (tx): Promise<User | undefined> => {
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
    return state === 'fresh' || state === 'repeated' ? { id: login.user_id, role: login.role as Role } : undefined
  })
  if (!outcome) throw new AppError(401, 'accounts.refresh_refused')
  return { access: await accessToken(platform, outcome), refresh: successor, expires_in: accessSeconds }
}

/** Ends the login family of a refresh token of this user; one that is not there is fine. */
export async function closeSession(db: Db, user: User, refresh: string): Promise<void> {
  await sql`
    update accounts.logins set ended_at = now() where ended_at is null and user_id = ${user.id}
      and id = (select login_id from accounts.refresh_tokens where hash = ${sha256(refresh)})`.execute(db)
}

/** Makes a long-lived token for a machine; only its hash is kept, so it is shown this once. */
export async function createMachineToken(db: Db, user: User): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await db
    .insertInto('accounts.tokens')
    .values({ user_id: user.id, hash: sha256(token) })
    .execute()
  return token
}

type Verified = { user: User; expires: number }
// Checking a signature costs more than finding it here; a token leaves when it expires.
const verified = new LRUCache<string, Verified>({ max: 10_000 })

async function userOfAccessToken(platform: Platform, token: string): Promise<User | undefined> {
  const cacheKey = `${platform.config.DATA_DIR} ${token}`
  const known = verified.get(cacheKey)
  if (known) return known.expires > Date.now() ? known.user : undefined
  try {
    const { payload } = await jwtVerify(token, accessKey(platform), { algorithms: ['HS256'], audience: 'dvor' })
    const user = { id: Number(payload.sub), role: payload.role as Role }
    verified.set(cacheKey, { user, expires: payload.exp! * 1000 })
    return user
  } catch {
    return undefined
  }
}

async function userOfMachineToken({ pool }: Platform, token: string): Promise<User | undefined> {
  const [user] = await run<User & { token_id: number; stale: boolean }>(
    pool,
    `select u.id, u.role, t.id token_id, coalesce(t.last_used_at < now() - interval '1 minute', true) stale
     from accounts.tokens t join accounts.users u on u.id = t.user_id
     where t.hash = $1 and t.revoked_at is null and u.is_active`,
    [sha256(token)],
  )
  if (user?.stale) await run(pool, 'update accounts.tokens set last_used_at = now() where id = $1', [user.token_id])
  return user && { id: user.id, role: user.role }
}

/**
 * Who a request comes from. A token that does not hold is 401, except where anybody may call. On routes for roles the
 * user is read anew, so that a block or a lost role counts at once; elsewhere within the life of an access token.
 */
export async function authenticate(platform: Platform, req: FastifyRequest): Promise<User | undefined> {
  const access = req.routeOptions.config.access
  const [scheme, token] = req.headers.authorization?.split(' ') ?? []
  if (!scheme) return undefined
  const kind = scheme.toLowerCase()
  const user = !token
    ? undefined
    : kind === 'bearer'
      ? await userOfAccessToken(platform, token)
      : kind === 'token'
        ? await userOfMachineToken(platform, token)
        : undefined
  if (!user) {
    if (access === 'anyone') return undefined
    throw new AppError(401, 'accounts.token_refused')
  }
  const origin = { address: req.ip, request_id: req.id }
  if (!Array.isArray(access)) return { ...user, ...origin }
  const [now] = await run<User>(platform.pool, 'select id, role from accounts.users where id = $1 and is_active', [
    user.id,
  ])
  if (!now) throw new AppError(401, 'accounts.token_refused')
  return { ...now, ...origin }
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
