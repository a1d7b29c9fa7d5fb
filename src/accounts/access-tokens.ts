import { createSecretKey } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Role, User } from '../platform/access.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'

export const accessSeconds = 15 * 60
/** For so long after a login its person may change what others could take the account over by. */
const recentSeconds = 10 * 60

/** What an access token vouches for: who, by which login, with which role and version, and when they proved it (seconds). */
export type Vouched = { id: number; login: number; role: Role; token_version: number; auth_time: number }

const openKey = (platform: Platform) => createSecretKey(platform.derive('access', ''))
// Checking a signature costs more than finding it here.
const openVerified = () => new LRUCache<string, { user: Vouched; expires: number }>({ max: 10_000 })

/** Proves for 15 minutes who somebody is, without a look into the database. */
export async function accessToken(
  platform: Platform,
  { id, login, role, token_version, auth_time }: Vouched,
): Promise<string> {
  return new SignJWT({ role, token_version, auth_time, sid: login })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(String(id))
    .setIssuedAt()
    .setExpirationTime(`${accessSeconds}s`)
    .setAudience('dvor')
    .sign(platform.own(openKey))
}

/** What a token vouches for, if it is ours and has not expired. */
export async function verifyAccessToken(platform: Platform, token: string): Promise<Vouched | undefined> {
  const verified = platform.own(openVerified)
  const known = verified.get(token)
  if (known) return known.expires > Date.now() ? known.user : undefined
  try {
    const { payload } = await jwtVerify(token, platform.own(openKey), { algorithms: ['HS256'], audience: 'dvor' })
    const user = {
      id: Number(payload.sub),
      login: Number(payload.sid),
      role: payload.role as Role,
      token_version: Number(payload.token_version),
      auth_time: Number(payload.auth_time),
    }
    verified.set(token, { user, expires: payload.exp! * 1000 })
    return user
  } catch {
    return undefined
  }
}

/** The cookie of a login that only reads; it dies with its login. */
export function viewToken(platform: Platform, login: number): string {
  return `${login}.${platform.derive('view', String(login)).toString('base64url')}`
}

/**
 * Throws 403 unless the caller logged in within the last 10 minutes; a machine token never did. With the locked row of
 * the user also 401 when what the token vouches for was changed since the request came.
 */
export function requireRecentLogin(
  { auth_time = Number.NaN, token_version }: User,
  present?: { token_version: number },
): void {
  const recent = Date.now() / 1000 - auth_time <= recentSeconds
  if (!recent) throw new AppError(403, 'accounts.login_again')
  if (present && present.token_version !== token_version) throw new AppError(401, 'accounts.token_refused')
}
