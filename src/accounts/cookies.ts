import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, fieldFault } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { endReplaced, refreshDays, type Session } from './sessions.ts'

/** The refresh cookie goes to the routes of logging in alone; the view cookie to all that is read. */
const places = { refresh: '/api/auth', view: '/api', device: '/api' } as const
/** A browser is known again for so long after its last login. */
const deviceDays = 400

/** Whether the caller is a browser that keeps its session in cookies. */
export const wantsCookies = (req: FastifyRequest) => req.headers['x-dvor-session'] === 'cookie'

/** Answers a new session: to a browser without its refresh token, which goes into a cookie that no script can read. */
export function sendSession<S extends Session>(
  platform: Platform,
  req: FastifyRequest,
  reply: FastifyReply,
  session: S,
) {
  const { view, refresh, device, ...rest } = session
  // What came by cookie goes by cookie, also where the header was forgotten.
  if (!wantsCookies(req) && !cameByCookie.has(req)) return { ...rest, refresh }
  setSessionCookies(platform, req, reply, session)
  return rest
}

/** Answers a new login. The one that its cookies replace ends, for nobody could end it later. */
export async function sendLogin<S extends Session>(
  platform: Platform,
  req: FastifyRequest,
  reply: FastifyReply,
  session: S,
) {
  if (wantsCookies(req) && req.cookies.refresh) await endReplaced(platform.db, req.cookies.refresh, session)
  return sendSession(platform, req, reply, session)
}

/** Whether the browser came by https, so that its cookies never travel in clear. */
export const isSecure = (platform: Platform, req: FastifyRequest) =>
  req.protocol === 'https' || platform.config.PUBLIC_URL.startsWith('https:')

/** Gives a browser the cookies of a session. */
export function setSessionCookies(
  platform: Platform,
  req: FastifyRequest,
  reply: FastifyReply,
  { refresh, view, device }: Session,
): void {
  const secure = isSecure(platform, req)
  const options = { httpOnly: true, sameSite: 'strict', secure, maxAge: refreshDays * 86_400 } as const
  reply.setCookie('refresh', refresh, { ...options, path: places.refresh })
  reply.setCookie('view', view, { ...options, path: places.view })
  // It opens nothing, and a login that comes back from another site must find it.
  if (device)
    reply.setCookie('device', device, {
      ...options,
      sameSite: 'lax',
      maxAge: deviceDays * 86_400,
      path: places.device,
    })
}

/** Takes both cookies away. */
export function clearSession(reply: FastifyReply): void {
  reply.clearCookie('refresh', { path: places.refresh })
  reply.clearCookie('view', { path: places.view })
}

const cameByCookie = new WeakSet<FastifyRequest>()

/** The refresh token of the body or else of the cookie, which no page of another site may make a browser send. */
export function refreshTokenOf(platform: Platform, req: FastifyRequest): string {
  const given = (req.body as { refresh?: string }).refresh
  if (given) return given
  if (!req.cookies.refresh) {
    // To a browser it is no mistake of a field: nobody is logged in there.
    throw wantsCookies(req)
      ? new AppError(401, 'accounts.refresh_refused')
      : fieldFault('/refresh', 'validation.required')
  }
  checkOrigin(platform, req)
  cameByCookie.add(req)
  return req.cookies.refresh
}

/** Throws 403 for a request that a page of another site makes a browser send. */
export function checkOrigin(platform: Platform, req: FastifyRequest): void {
  const { origin } = req.headers
  if (origin === undefined) return
  const own =
    URL.canParse(origin) && [new URL(platform.config.PUBLIC_URL).host, req.host].includes(new URL(origin).host)
  if (!own) throw new AppError(403, 'request.foreign_origin')
}
