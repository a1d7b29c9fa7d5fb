import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { hasRole, mayEverything, mayRead, type User } from './access.ts'
import { recordChange } from './audit.ts'
import { notFound } from './errors.ts'
import type { App } from './http.ts'
import { sweepKeys } from './idempotency.ts'
import type { SecretRef } from './mail.ts'
import { messages } from './messages.ts'
import { registry } from './metrics.ts'
import type { Module, Platform } from './module.ts'
import {
  cursorAnswer,
  cursorQuery,
  cursorRequest,
  Ordering,
  Page,
  pageAnswer,
  pageRequest,
  plainQuery,
} from './pages.ts'
import { checkRequisites } from './requisites.ts'
import { Choice, Closed, IdParams, Instant, Line, NoContent, NoQuery, Nullable, problems } from './schemas.ts'

const requisiteField = (pattern: string, example: string) =>
  Type.Optional(Nullable(Type.String({ pattern, maxLength: 300, format: 'text', examples: [example] })))
const Requisites = Closed({
  payee: requisiteField('^.{1,160}$', 'ТСЖ «Двор»'),
  inn: requisiteField('^(\\d{10}|\\d{12})$', '7707083893'),
  kpp: requisiteField('^\\d{9}$', '773601001'),
  bic: requisiteField('^\\d{9}$', '044525225'),
  bank_name: requisiteField('^.{1,45}$', 'ПАО Сбербанк'),
  account: requisiteField('^\\d{20}$', '40702810938000000001'),
  correspondent_account: requisiteField('^\\d{20}$', '30101810400000000225'),
  phone: requisiteField('^[\\d +()-]{5,30}$', '+7 495 000-00-00'),
  email: requisiteField('^[^@\\s]+@[^@\\s]+$', 'office@example.org'),
})
export type Requisites = Static<typeof Requisites>

const Organisation = Type.Object({
  name: Type.String({ examples: ['Двор'] }),
  locale: Type.String(),
  currency: Type.String(),
  timezone: Type.String(),
  modules: Type.Array(Type.String()),
  requisites: Type.Optional(Requisites),
})

const OutboxItem = Type.Object({
  id: Type.Integer(),
  kind: Choice(['email', 'sms', 'message', 'shipping']),
  to: Type.String(),
  subject: Nullable(Type.String()),
  text: Type.String(),
  state: Choice(['queued', 'sent', 'failed']),
  created_at: Instant,
})

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

/** Routes of the installation itself: its organisation, its jobs, what it sent, its health. */
function routes(app: App, platform: Platform): void {
  const { config, db } = platform
  const tags = ['platform']

  app.get(
    '/health/live',
    { config: { access: 'anyone' }, schema: { summary: 'The process runs', tags } },
    async () => ({ status: 'ok' }),
  )
  app.get(
    '/health/ready',
    { config: { access: 'anyone' }, schema: { summary: 'The database answers', tags, response: problems(503) } },
    async () => {
      await sql`select 1`.execute(db)
      return { status: 'ok' }
    },
  )
  app.get(
    '/metrics',
    { config: { access: 'anyone' }, schema: { summary: 'Prometheus metrics', tags } },
    async (_req, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  )

  const organisation = async (withRequisites: boolean) => {
    const row = await db.selectFrom('platform.installation').select(['name', 'requisites']).executeTakeFirstOrThrow()
    return {
      name: row.name,
      locale: config.LOCALE,
      currency: config.CURRENCY,
      timezone: config.TIMEZONE,
      modules: config.MODULES,
      ...(withRequisites ? { requisites: row.requisites as Requisites } : {}),
    }
  }
  app.get(
    '/api/organisation',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'The organisation; administrators see its requisites too',
        tags,
        querystring: NoQuery,
        response: { 200: Organisation, ...problems(503) },
      },
    },
    async (req) => organisation(hasRole(req.viewer, 'admin', 'auditor')),
  )
  app.patch(
    '/api/organisation',
    {
      config: { access: mayEverything },
      schema: {
        summary: 'Change name and requisites',
        tags,
        body: Closed({ name: Type.Optional(Line(200)), requisites: Type.Optional(Requisites) }),
        response: { 200: Organisation, ...problems(400, 401, 403, 503) },
      },
    },
    async (req) => {
      const { name, requisites } = req.body
      await db.transaction().execute(async (tx) => {
        const before = await tx
          .selectFrom('platform.installation')
          .select(['name', 'requisites'])
          .forUpdate()
          .executeTakeFirstOrThrow()
        const merged = { ...(before.requisites as Requisites), ...requisites }
        checkRequisites(merged)
        await tx
          .updateTable('platform.installation')
          .set({ name: name ?? before.name, requisites: JSON.stringify(merged) })
          .execute()
        await recordChange(tx, req.user, {
          action: 'platform.change_organisation',
          subject: 'platform.installation',
          subject_id: null,
          before: { name: before.name, ...(before.requisites as Requisites) },
          after: { name: name ?? before.name, ...merged },
        })
      })
      return organisation(true)
    },
  )

  app.get(
    '/api/admin/jobs',
    {
      config: { access: mayRead },
      schema: {
        summary: 'Queues, and the jobs that failed for good',
        tags,
        querystring: Closed(plainQuery),
        response: { 200: Jobs, ...problems(400, 401, 403, 503) },
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
        tags,
        params: Closed({ id: Type.String({ format: 'uuid' }) }),
        response: { 204: NoContent, ...problems(401, 403, 404, 503) },
      },
    },
    async (req, reply) => {
      if (!(await platform.jobs.retry(req.params.id))) throw notFound()
      // The queue commits for itself, so the log follows.
      await db.transaction().execute((tx) =>
        recordChange(tx, req.user, {
          action: 'platform.retry_job',
          subject: 'pgboss.job',
          subject_id: null,
          after: { id: req.params.id },
        }),
      )
      return reply.code(204).send()
    },
  )

  /** Rows with their secrets shown to administrators, who could log in as anybody by them, and to nobody else. */
  async function readable<R extends { text: string; html?: string | null; secret: unknown }>(viewer: User, rows: R[]) {
    const shown = await platform.showSecrets(
      rows.map(({ text, html, secret }) => ({
        secret: hasRole(viewer, 'admin') || !secret ? (secret as SecretRef | null) : { kind: 'hidden', id: 0 },
        texts: [text, html ?? ''],
      })),
    )
    return rows.map((row, i) => ({ ...row, text: shown[i]![0], ...(row.html ? { html: shown[i]![1] } : {}) }))
  }
  app.get(
    '/api/outbox',
    {
      config: { access: mayRead },
      schema: {
        summary: 'E-mails, SMS codes and calls of the default senders',
        tags,
        querystring: Closed({
          ...cursorQuery,
          ordering: Ordering('created_at', 'id'),
          kind: Type.Optional(Choice(['email', 'sms', 'message', 'shipping'])),
        }),
        response: { 200: Page(OutboxItem), ...problems(400, 401, 403, 503) },
      },
    },
    async (req) => {
      const page = cursorRequest(req)
      const { kind } = req.query
      const rows = db.selectFrom('platform.outbox').$if(kind !== undefined, (q) => q.where('kind', '=', kind!))
      const results = await rows
        .select(['id', 'kind', 'to', 'subject', 'text', 'secret', 'state', 'created_at'])
        .$if(page.id !== null, (q) => q.where('id', page.descending ? '<' : '>', page.id!))
        .orderBy('id', page.descending ? 'desc' : 'asc')
        .limit(page.limit + 1)
        .offset(page.offset)
        .execute()
      const count = page.withCount
        ? (await rows.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n
        : null
      return cursorAnswer(page, (await readable(req.user, results)) as Static<typeof OutboxItem>[], count)
    },
  )
  app.get(
    '/api/outbox/:id',
    {
      config: { access: mayRead },
      schema: {
        summary: 'One of them, text and HTML',
        tags,
        params: IdParams,
        response: {
          200: Type.Object({ ...OutboxItem.properties, html: Nullable(Type.String()), error: Nullable(Type.String()) }),
          ...problems(401, 403, 404, 503),
        },
      },
    },
    async (req) => {
      const row = await db
        .selectFrom('platform.outbox')
        .select(['id', 'kind', 'to', 'subject', 'text', 'html', 'secret', 'state', 'error', 'created_at'])
        .where('id', '=', req.params.id)
        .executeTakeFirst()
      if (!row) throw notFound()
      return (await readable(req.user, [row]))[0] as never
    },
  )
}

const outboxDays = 90

/** The part of the platform that has URLs, words and loops of its own. */
export const service: Module = {
  name: 'platform',
  messages,
  routes,
  loops: [
    { name: 'platform.keys', everySeconds: 600, run: ({ db }) => sweepKeys(db) },
    {
      name: 'platform.outbox',
      everySeconds: 3600,
      run: async ({ db }) => {
        await sql`delete from platform.outbox where created_at < now() - make_interval(days => ${outboxDays})`.execute(
          db,
        )
      },
    },
  ],
  invariants: [
    {
      name: 'every stored answer of an Idempotency-Key is whole',
      sql: 'select user_id, route, key from platform.idempotency where body is null',
    },
  ],
}
