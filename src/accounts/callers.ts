import { createHash, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Role, User } from '../platform/access.ts'
import { run } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { checkOrigin } from './cookies.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Here the refresh cookie logs in too, for a browser whose access token has expired. */
    refreshCookie?: true
  }
}

export const accessSeconds = 15 * 60

const sha256 = (text: string) => createHash('sha256').update(text).digest()

const keys = new WeakMap<Platform, KeyObject>()
function accessKey(platform: Platform): KeyObject {
  let key = keys.get(platform)
  if (!key) {
    key = createSecretKey(platform.derive('access', ''))
    keys.set(platform, key)
  }
  return key
}

/** Proves for 15 minutes who somebody is, without a look into the database. */
export async function accessToken(platform: Platform, user: User): Promise<string> {
  return new SignJWT({ role: user.role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(String(user.id))
    .setIssuedAt()
    .setExpirationTime(`${accessSeconds}s`)
    .setAudience('dvor')
    .sign(accessKey(platform))
}

/** The cookie of a login that only reads; it dies with its login. */
export function viewToken(platform: Platform, login: number): string {
  return `${login}.${platform.derive('view', String(login)).toString('base64url')}`
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

/** The user of a living login, found by one of its tokens. */
async function userOfLogin({ pool }: Platform, by: 'view' | 'refresh', value: number | Buffer) {
  const login =
    by === 'view'
      ? 'l.id = $1 and exists (select from accounts.refresh_tokens t where t.login_id = l.id and t.expires_at > now())'
      : 'l.id = (select login_id from accounts.refresh_tokens where hash = $1 and expires_at > now())'
  const [user] = await run<User>(
    pool,
    `select u.id, u.role from accounts.logins l join accounts.users u on u.id = l.user_id
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

async function userOfHeader(platform: Platform, header: string): Promise<User | undefined> {
  const [scheme = '', token] = header.split(' ')
  if (!token) return undefined
  if (scheme.toLowerCase() === 'bearer') return userOfAccessToken(platform, token)
  return scheme.toLowerCase() === 'token' ? userOfMachineToken(platform, token) : undefined
}

/**
 * Who a request comes from. A token that does not hold is 401, except where anybody may call. On routes for roles the
 * user is read anew, so that a block or a lost role counts at once; elsewhere within the life of an access token.
 * The view cookie reads, whatever is read, and never writes.
 */
export async function authenticate(platform: Platform, req: FastifyRequest): Promise<User | undefined> {
  const { access, refreshCookie } = req.routeOptions.config
  const { authorization } = req.headers
  const { view, refresh } = req.cookies
  const origin = { address: req.ip, request_id: req.id }
  const reads = req.method === 'GET' || req.method === 'HEAD'
  let user = authorization ? await userOfHeader(platform, authorization) : undefined
  if (!user && refreshCookie && refresh) {
    checkOrigin(platform, req)
    user = await userOfLogin(platform, 'refresh', sha256(refresh))
  }
  if (!user && authorization && access !== 'anyone') throw new AppError(401, 'accounts.token_refused')
  if (!user && !authorization && reads && view) user = await userOfViewCookie(platform, view)
  if (!user) return undefined
  if (!Array.isArray(access)) return { ...user, ...origin }
  const [now] = await run<User>(platform.pool, 'select id, role from accounts.users where id = $1 and is_active', [
    user.id,
  ])
  if (!now) throw new AppError(401, 'accounts.token_refused')
  return { ...now, ...origin }
}
