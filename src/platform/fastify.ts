import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Access, User } from './access.ts'
import type { Locale } from './i18n.ts'

declare module 'fastify' {
  interface FastifyInstance {
    declared: DeclaredRoute[]
  }
  interface FastifyRequest {
    /** The caller, if logged in. */
    viewer: User | undefined
    /** The caller of a route that only logged-in people reach. */
    user: User
    locale: Locale
  }
}

/** A route and who may call it, as it was registered; HEAD goes with GET. */
export type DeclaredRoute = { method: string; url: string; access: Access; scope: string | undefined }

/** The server to which modules add their routes. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>
