import { AppError } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import { mayReadMetrics, registry } from '../platform/metrics.ts'
import type { Platform } from '../platform/module.ts'

/** Whether this process is alive and of use, for whoever watches over it. */
export function healthRoutes(app: App, platform: Platform): void {
  app.get('/health/live', { config: { access: 'anyone' }, schema: { summary: 'The process runs' } }, async () => live())
  app.get('/health/ready', { config: { access: 'anyone' }, schema: { summary: 'The database commits' } }, () =>
    ready(platform),
  )
  app.get(
    '/metrics',
    {
      config: { access: 'anyone', refuses: [401] },
      schema: { summary: 'Prometheus metrics, for this machine and for who bears METRICS_TOKEN' },
    },
    async (req, reply) => {
      if (!mayReadMetrics(platform.config, req)) throw new AppError(401, 'request.not_logged_in')
      await platform.measure()
      return reply.type(registry.contentType).send(await registry.metrics())
    },
  )
}

/** True of whoever can say it. */
export const live = () => ({ status: 'ok' })

/** Commits something; throws when the database is away, or when this process is about to stop. */
export async function ready({ ready, stopping }: Platform) {
  if (stopping.aborted) throw new AppError(503, 'request.closing', {}, { retryAfterSeconds: 1 })
  await ready()
  return { status: 'ok' }
}
