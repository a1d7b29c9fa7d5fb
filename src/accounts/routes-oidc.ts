import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Closed, NoContent, NoQuery } from '../http/schemas.ts'
import { AppError } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { isSecure, setSessionCookies } from './cookies.ts'
import { browserOf } from './devices.ts'
import { beginOidc, type Errand, identityOf, logInByIdentity } from './oidc.ts'
import { originOf, rateLimit } from './routes-login.ts'
import { accountsSettings } from './settings.ts'

const Ways = Type.Object({
  oidc: Type.Union([Type.Object({ name: Type.String({ examples: ['Почта дома'] }) }), Type.Null()], {
    description: 'The outside identity provider, if there is one',
  }),
})
const Start = Closed({
  next: Type.Optional(
    Type.String({
      pattern: '^/(?![/\\\\])',
      maxLength: 500,
      description: 'Where to go afterwards',
      examples: ['/collects'],
    }),
  ),
  again: Type.Optional(
    Type.Boolean({ description: 'The person proves anew who they are, also where they are logged in' }),
  ),
})
// What else a provider adds is its own.
const Callback = Type.Object({
  code: Type.Optional(Type.String({ maxLength: 4000 })),
  state: Type.Optional(Type.String({ maxLength: 500 })),
  iss: Type.Optional(Type.String({ maxLength: 500 })),
  error: Type.Optional(Type.String({ maxLength: 500 })),
})
const Moved = { 303: { ...NoContent, description: 'To the provider, or back into the web app' } as typeof NoContent }

const cookiePath = '/api/auth/oidc'
const cookieSeconds = 600

/** Logging in by an outside identity provider, in a browser. What goes wrong is told by the page for signing in. */
export function oidcRoutes(app: App, platform: Platform): void {
  const refuse = (reply: FastifyReply, error: unknown) => {
    if (!(error instanceof AppError) || !error.code.startsWith('accounts.')) throw error
    return reply.redirect(`/sign-in?refused=${error.code.replace('accounts.', '')}`, 303)
  }
  app.get(
    '/api/auth/ways',
    {
      config: { access: 'anyone' },
      schema: { summary: 'Ways to log in besides password and SMS', querystring: NoQuery, response: { 200: Ways } },
    },
    async () => {
      const { OIDC_ISSUER, OIDC_NAME } = accountsSettings(platform)
      return { oidc: OIDC_ISSUER ? { name: OIDC_NAME || new URL(OIDC_ISSUER).hostname } : null }
    },
  )
  app.get(
    '/api/auth/oidc/login',
    {
      config: { access: 'anyone', rateLimit, refuses: [404] },
      schema: { summary: 'Log in at the outside identity provider', querystring: Start, response: Moved },
    },
    async (req, reply) => {
      const { next = '/', again = false } = req.query
      try {
        const { url, errand } = await beginOidc(platform, { next, again })
        const value = Buffer.from(JSON.stringify(errand)).toString('base64url')
        // Lax: the provider sends the browser back here from another site.
        const secure = isSecure(platform, req)
        reply.setCookie('oidc', value, {
          path: cookiePath,
          httpOnly: true,
          sameSite: 'lax',
          secure,
          maxAge: cookieSeconds,
        })
        return reply.redirect(url, 303)
      } catch (error) {
        return refuse(reply, error)
      }
    },
  )
  app.get(
    '/api/auth/oidc/callback',
    {
      config: { access: 'anyone', rateLimit, refuses: [404] },
      schema: {
        summary: 'Back from the outside identity provider',
        description:
          'Sets the cookies of a browser’s session and leads into the web app; no token stands in an address.',
        querystring: Callback,
        response: Moved,
      },
    },
    async (req, reply) => {
      reply.clearCookie('oidc', { path: cookiePath })
      try {
        const errand = errandOf(req)
        const query = req.originalUrl.slice(req.originalUrl.indexOf('?'))
        const identity = await identityOf(platform, query, errand)
        const session = await logInByIdentity(platform, identity, originOf(req), browserOf(req))
        setSessionCookies(platform, req, reply, session)
        return reply.redirect(errand.next, 303)
      } catch (error) {
        return refuse(reply, error)
      }
    },
  )
}

/** What this browser asked for when it left; none: it did not leave from here, or too long ago. */
function errandOf(req: FastifyRequest): Errand {
  try {
    return JSON.parse(Buffer.from(req.cookies.oidc ?? '', 'base64url').toString()) as Errand
  } catch (cause) {
    throw new AppError(403, 'accounts.oidc_failed', {}, { cause })
  }
}
