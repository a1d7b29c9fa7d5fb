import { Type } from 'typebox'
import { Page, pageAnswer, pageRequest, plainQuery } from '../http/pages.ts'
import { Closed, Instant, NoContent, Nullable } from '../http/schemas.ts'
import { mayEverything, mayRead } from '../platform/access.ts'
import { type Actor, recordChange } from '../platform/audit.ts'
import { type Tx, transaction } from '../platform/database.ts'
import { fieldFault, notFound } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'

const title = Type.String({ description: 'What it does, in words', examples: ['Документ заказа'] })
const Jobs = Page(
  Type.Object({
    id: Type.String(),
    queue: Type.String(),
    title,
    data: Type.Unknown(),
    error: Nullable(Type.String()),
    failed_at: Instant,
  }),
  {
    queues: Type.Array(
      Type.Object({
        name: Type.String(),
        title,
        waiting: Type.Integer(),
        active: Type.Integer(),
        failed: Type.Integer({ description: 'For good' }),
      }),
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
      const titled = <T>(queue: string, row: T) => ({ ...row, title: jobTitle(platform, req.locale, queue) })
      const { jobs, count } = await platform.jobs.failed(page)
      const answer = pageAnswer(
        page,
        jobs.map((job) => titled(job.queue, job)),
        count,
      )
      return { queues: (await platform.jobs.queues()).map((queue) => titled(queue.name, queue)), ...answer }
    },
  )
  app.post(
    '/api/admin/jobs/retry',
    {
      config: { access: mayEverything },
      schema: {
        summary: 'Send all failed jobs of a kind again',
        body: Closed({ queue: Type.String({ maxLength: 100, examples: ['shop.document'] }) }),
        response: { 200: Type.Object({ count: Type.Integer({ description: 'How many were sent' }) }) },
      },
    },
    async (req) => ({ count: await retryJobs(platform, req.user, req.body.queue) }),
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
    async (req) => {
      if (!(await retryJob(platform, req.user, req.params.id))) throw notFound()
    },
  )
}

/** What people call a kind of job: `shop.document` is worded as `shop.jobs.document`. */
export const jobTitle = ({ translate }: Platform, locale: Locale, kind: string): string =>
  translate(locale, kind.replace('.', '.jobs.'))

/** Sends a dead job again; false if there is none with this id. */
export function retryJob({ jobs, db }: Platform, actor: Actor, id: string): Promise<boolean> {
  return transaction(db, async (tx) => {
    if (!(await jobs.retry(tx, { ids: [id] }))) return false
    await recordRetry(tx, actor, { id })
    return true
  })
}

/** Sends again what has failed of a kind until now, a thousand in a transaction; returns how many. */
export async function retryJobs({ jobs, db }: Platform, actor: Actor, queue: string): Promise<number> {
  const queues = (await jobs.queues()).map(({ name }) => name)
  if (!queues.includes(queue)) throw fieldFault('/queue', 'validation.enum', { allowed: queues.join(', ') })
  const createdBefore = new Date()
  let all = 0
  for (let count = -1; count !== 0; all += count) {
    count = await transaction(db, async (tx) => {
      const sent = await jobs.retry(tx, { sourceName: queue, createdBefore })
      if (sent) await recordRetry(tx, actor, { queue, count: sent })
      return sent
    })
  }
  return all
}

const recordRetry = (tx: Tx, actor: Actor, after: object) =>
  recordChange(tx, actor, { action: 'platform.retry_job', subject: 'pgboss.job', subject_id: null, after })
