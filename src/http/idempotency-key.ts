import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../platform/access.ts'
import { AppError } from '../platform/errors.ts'
import type { Once } from '../platform/idempotency.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The Idempotency-Key of a route that takes one. */
    once: Once | undefined
  }
}

/** Reads the header into `req.once`. */
export async function takeKey(req: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (req.viewer) req.once = onceOf(req, reply, req.viewer)
}

/** Says of an answer that it was given before. */
export async function tellReplay(req: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (req.once?.replayed) reply.header('idempotent-replayed', 'true')
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  )
}

function onceOf(req: FastifyRequest, reply: FastifyReply, user: User): Once | undefined {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key)) throw new AppError(400, 'request.bad_key')
  const status = Object.keys((req.routeOptions.schema?.response as object) ?? {}).find((s) => s.startsWith('2'))
  // Neither the spelling of the address nor the order of fields makes another request.
  const hash = createHash('sha256').update(
    JSON.stringify([req.method, req.routeOptions.url, req.params, sorted(req.body)]),
  )
  if (req.upload) hash.update(req.upload)
  return {
    userId: user.id,
    route: `${req.method} ${req.routeOptions.url}`,
    key,
    hash: hash.digest(),
    serialize: reply.getSerializationFunction(status ?? '200') as (answer: unknown) => string,
    replayed: false,
  }
}
