import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { User } from '../platform/access.ts'
import { gather } from '../platform/batch.ts'
import { run } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { verifyAccessToken, viewToken } from './access-tokens.ts'
import { checkOrigin } from './cookies.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Here the refresh cookie logs in too, for a browser whose access token has expired. */
    refreshCookie?: true
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

async function userOfMachineToken(
  { pool, quickPool }: Platform,
  token: string,
  address: string,
): Promise<User | undefined> {
  const [user] = await run<User & { token_id: number; scopes: string[] | null; stale: boolean }>(
    quickPool,
    `select u.id, u.role, t.scopes, t.id token_id, coalesce(t.last_used_at < now() - interval '1 minute', true) stale
     from accounts.tokens t join accounts.users u on u.id = t.user_id
     where t.hash = $1 and t.revoked_at is null and u.is_active and (t.expires_at is null or t.expires_at > now())
       and (t.addresses is null or $2::inet <<= any(t.addresses))`,
    [sha256(token), plainAddress(address)],
  )
  if (!user) return undefined
  if (user.stale) await run(pool, 'update accounts.tokens set last_used_at = now() where id = $1', [user.token_id])
  const { id, role, scopes } = user
  return scopes ? { id, role, scopes } : { id, role }
}

/** An address as PostgreSQL reads it, IPv4 as such; null for what is none. */
function plainAddress(address: string): string | null {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%')[0]!
  return isIP(plain) ? plain : null
}

/** The user of a living login, found by one of its tokens. */
async function userOfLogin({ pool }: Platform, by: 'view' | 'refresh', value: number | Buffer) {
  const login =
    by === 'view'
      ? 'l.id = $1 and exists (select from accounts.refresh_tokens t where t.login_id = l.id and t.expires_at > now())'
      : 'l.id = (select login_id from accounts.refresh_tokens where hash = $1 and expires_at > now())'
  const [user] = await run<User>(
    pool,
    `select u.id, u.role, l.id login from accounts.logins l join accounts.users u on u.id = l.user_id
     where ${login} and l.ended_at is null and u.is_active`,
    [value],
  )
  return user
}

async function userOfViewCookie(platform: Platform, cookie: string): Promise<User | undefined> {
  const login = /^([1-9]\d{0,14})\.[\w-]{43}$/.exec(cookie)?.[1]
  if (!login || !timingSafeEqual(Buffer.from(viewToken(platform, Number(login))), Buffer.from(cookie))) return undefined
  return userOfLogin(platform, 'view', Number(login))
}

async function userOfHeader(platform: Platform, header: string, address: string): Promise<User | undefined> {
  const [scheme = '', token] = header.split(' ')
  if (!token) return undefined
  if (scheme.toLowerCase() === 'bearer') return verifyAccessToken(platform, token)
  return scheme.toLowerCase() === 'token' ? userOfMachineToken(platform, token, address) : undefined
}

/** Versions of active users by their living logins; requests that arrive together share one read, begun after they arrived. */
const openPresent = ({ quickPool }: Platform) =>
  gather<number, Present | undefined>(1000, async (logins) => {
    const rows = await run<Present>(
      quickPool,
      `select l.id login, u.token_version from accounts.logins l join accounts.users u on u.id = l.user_id
       where l.id = any($1::bigint[]) and l.ended_at is null and u.is_active`,
      [[...new Set(logins)]],
    )
    const byLogin = new Map(rows.map((row) => [row.login, row]))
    return logins.map((login) => byLogin.get(login))
  })
type Present = { login: number; token_version: number }

/** The caller as they are now; undefined if their login ended, or their password, role or block changed since their token was made. */
async function stillVouched(platform: Platform, user: User): Promise<User | undefined> {
  const present = user.login ? await platform.own(openPresent)(user.login) : undefined
  return present?.token_version === user.token_version ? user : undefined
}

/**
 * Who a request comes from. A token that does not hold is 401, except where anybody may call. What writes, and all that
 * staff reads, goes by the user as they are now; the rest by what the access token vouches for while it lives. The view
 * cookie reads, whatever is read, and never writes.
 */
export async function authenticate(platform: Platform, req: FastifyRequest): Promise<User | undefined> {
  const { access, refreshCookie } = req.routeOptions.config
  const { authorization } = req.headers
  const { view, refresh } = req.cookies
  const reads = req.method === 'GET' || req.method === 'HEAD'
  let user: User | undefined = authorization ? await userOfHeader(platform, authorization, req.ip) : undefined
  if (user?.token_version !== undefined && (!reads || Array.isArray(access) || user.role !== 'user'))
    user = await stillVouched(platform, user)
  if (!user && refreshCookie && refresh) {
    checkOrigin(platform, req)
    user = await userOfLogin(platform, 'refresh', sha256(refresh))
  }
  if (!user && authorization && access !== 'anyone') throw new AppError(401, 'accounts.token_refused')
  if (!user && !authorization && reads && view) user = await userOfViewCookie(platform, view)
  return user && { ...user, address: req.ip, request_id: req.id }
}
