import { Type } from 'typebox'
import { mayEverything, mayRead } from './access.ts'
import { type Actor, recordChange } from './audit.ts'
import { transaction } from './database.ts'
import { notFound } from './errors.ts'
import type { App } from './http.ts'
import type { Platform } from './module.ts'
import { Page, pageAnswer, pageRequest, plainQuery } from './pages.ts'
import { Closed, Instant, NoContent, Nullable } from './schemas.ts'

const Jobs = Page(
  Type.Object({
    id: Type.String(),
    queue: Type.String(),
    data: Type.Unknown(),
    error: Nullable(Type.String()),
    failed_at: Instant,
  }),
  {
    queues: Type.Array(
      Type.Object({ name: Type.String(), waiting: Type.Integer(), active: Type.Integer(), failed: Type.Integer() }),
    ),
  },
)

export function jobsRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/admin/jobs',
    {
      config: { access: mayRead },
      schema: {
        summary: 'Queues, and the jobs that failed for good',
        querystring: Closed(plainQuery),
        response: { 200: Jobs },
      },
    },
    async (req) => {
      const page = pageRequest(req)
      const { jobs, count } = await platform.jobs.failed(page)
      return { queues: await platform.jobs.queues(), ...pageAnswer(page, jobs, count) }
    },
  )
  app.post(
    '/api/admin/jobs/:id/retry',
    {
      config: { access: mayEverything },
      schema: {
        summary: 'Send a failed job again',
        params: Closed({ id: Type.String({ format: 'uuid' }) }),
        response: { 204: NoContent },
      },
    },
    (req) => retryJob(platform, req.user, req.params.id),
  )
}

/** Sends a dead job again and says so in the audit log; 404 if there is none with this id. */
export async function retryJob({ jobs, db }: Platform, actor: Actor, id: string): Promise<void> {
  if (!(await jobs.retry(id))) throw notFound()
  // The queue commits for itself, so the log follows.
  await transaction(db, (tx) =>
    recordChange(tx, actor, {
      action: 'platform.retry_job',
      subject: 'pgboss.job',
      subject_id: null,
      after: { id },
    }),
  )
}
