import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest, RouteOptions } from 'fastify'
import { AppError } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'

/** What costs more than to be read. A route with a `rateLimit` of its own is none of them. */
export type CostlyKind = 'write' | 'upload' | 'search'

/** Calls in a minute: so many that no person and no sound script meets them, so few that none takes the server for itself. */
const perMinute: Record<CostlyKind, { user: number; address: number }> = {
  write: { user: 600, address: 3000 },
  upload: { user: 60, address: 300 },
  search: { user: 240, address: 1200 },
}

/** What a route of this declaration costs. */
export function costlyKind({ method, config = {}, schema }: RouteOptions): CostlyKind | undefined {
  if ((config as { rateLimit?: object }).rateLimit) return undefined
  if (config.upload) return 'upload'
  if (method !== 'GET' && method !== 'HEAD') return 'write'
  const { querystring } = (schema ?? {}) as { querystring?: { properties?: object } }
  return querystring?.properties && 'search' in querystring.properties ? 'search' : undefined
}

const tooMany = (ttl: number) =>
  new AppError(429, 'request.too_many', {}, { retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)) })

/** Counts calls in memory, by user and by address, within each kind; returns the hook that refuses those above the limit. */
export async function limitRequests(app: App) {
  await app.register(rateLimit, { global: false, errorResponseBuilder: (_req, { ttl }) => tooMany(ttl) })
  const hookOf = (kind: CostlyKind) => {
    const limit = { timeWindow: 60_000, cache: 20_000 }
    const byAddress = app.createRateLimit({ ...limit, max: perMinute[kind].address })
    const byUser = app.createRateLimit({
      ...limit,
      max: perMinute[kind].user,
      keyGenerator: (req) => String(req.viewer?.id),
    })
    const count = async (req: FastifyRequest) => {
      for (const one of req.viewer ? [byUser, byAddress] : [byAddress]) {
        const result = await one(req)
        if (!result.isAllowed && result.isExceeded) throw tooMany(result.ttl)
      }
    }
    return (req: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void => {
      // Without words a list is no search, and comes from the cache.
      if (kind === 'search' && (req.query as { search?: string }).search === undefined) done()
      else count(req).then(() => done(), done)
    }
  }
  const hooks = { write: hookOf('write'), upload: hookOf('upload'), search: hookOf('search') }
  return (kind: CostlyKind) => hooks[kind]
}
