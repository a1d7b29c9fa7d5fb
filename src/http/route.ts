import { createHash } from 'node:crypto'
import type { RouteOptions } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import { type Access, mayCall } from '../platform/access.ts'
import { costlyKind } from './request-limits.ts'
import type { Problem } from './schemas.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call; a route that says nothing stops the start. */
    access?: Access
    /** Takes an Idempotency-Key; its function stores the answer with the change. */
    idempotent?: boolean
    /** Accepts multipart too: fields become the body, the file of this name `req.upload`. Without a body, the file itself. */
    upload?: { field: string; emptyIsNull?: string[]; booleans?: string[] }
    /** Takes a CSV of any size, as `text/csv` or the file of a form; its function reads it by `csvOf`. */
    csv?: boolean
    /** Takes an If-Match with the ETag that a GET gave. */
    versioned?: boolean
    /** What a machine token of few scopes needs here; the server names it. */
    scope?: string
    /** Statuses that its function refuses with, beyond those that follow from the rest. */
    refuses?: number[]
    /** Of a cached answer: the hash of its schema, so that a release with another shape never serves the old one. */
    shape?: string
  }
}

const statusWords: Record<number, string> = {
  400: 'Malformed, or against a rule on its fields',
  401: 'Not logged in',
  403: 'Not allowed',
  404: 'Absent, or not visible to the caller',
  409: 'Against the present state',
  412: 'Changed since the ETag of If-Match was given',
  413: 'Too large',
  415: 'Wrong kind of content',
  422: 'The Idempotency-Key was used with another body',
  429: 'Too many requests',
  503: 'Busy or away; try again',
}

const problem = { schema: Type.Unsafe<Static<typeof Problem>>(Type.Ref('Problem')) }

type Declared = { body?: unknown; querystring?: TSchema; tags?: readonly string[]; response?: object }

/** The statuses of refusal that follow from what a route declares. */
function refusalsOf(route: RouteOptions): number[] {
  const { method, url, config = {}, schema } = route
  const { access = 'anyone', idempotent, upload, csv, versioned, refuses = [] } = config
  const { body, querystring } = (schema ?? {}) as Declared
  const takes = body || upload || csv
  const limited = (config as { rateLimit?: object }).rateLimit || costlyKind(route)
  return [
    ...(takes || querystring || idempotent ? [400] : []),
    ...(access === 'anyone' ? [] : [401]),
    ...(mayCall(access, String(method), 'user') && mayCall(access, String(method), 'auditor') ? [] : [403]),
    ...(url.includes('/:') ? [404] : []),
    ...(idempotent ? [409, 422] : []),
    ...(versioned ? [412] : []),
    ...(takes ? [413, 415] : []),
    ...(limited ? [429] : []),
    503,
    ...refuses,
  ]
}

/** Adds to a route of a module what follows from its declaration: its tag, its refusals, and the status of its success. */
export function completeRoute(module: string, shapes: readonly object[], route: RouteOptions): void {
  const { tags = [module], response = {} } = (route.schema ?? {}) as Declared
  const refusals = [...new Set(refusalsOf(route))].sort((a, b) => a - b)
  const problems = refusals.map((s) => [
    s,
    { description: statusWords[s] ?? 'Refused', content: { 'application/problem+json': problem } },
  ])
  route.schema = { ...route.schema, tags, response: { ...response, ...Object.fromEntries(problems) } }
  if (route.method === 'GET' || route.method === 'HEAD') {
    const shape = createHash('sha256')
      .update(JSON.stringify([response, shapes]))
      .digest('base64url')
    route.config = { ...route.config, shape } as typeof route.config
  }
  const success = Object.keys(response)
    .map(Number)
    .find((s) => s > 200 && s < 300)
  if (!success) return
  const own = [route.preHandler ?? []].flat()
  route.preHandler = [
    (_req, reply, done) => {
      reply.code(success)
      done()
    },
    ...own,
  ]
}
