import { Type } from 'typebox'
import { type CursorRequest, countRows, cursorQuery, cursorRequest, Ordering, Page } from '../http/pages.ts'
import { Choice, Closed, IdParams, Instant, Nullable } from '../http/schemas.ts'
import { hasRole, mayRead, type User } from '../platform/access.ts'
import { notFound } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { OutboxEntry, Platform, SecretRef } from '../platform/module.ts'
import { merge, type Stream, sourcesOf } from './outbox-sources.ts'

const OutboxItem = Type.Object({
  id: Type.Integer(),
  kind: Type.Unsafe<string>(Type.Ref('OutboxKind')),
  to: Type.String(),
  subject: Nullable(Type.String()),
  text: Type.String(),
  state: Choice(['queued', 'held', 'sent', 'failed']),
  created_at: Instant,
})
const OutboxLetter = Type.Object({
  ...OutboxItem.properties,
  html: Nullable(Type.String()),
  error: Nullable(Type.String()),
})
const outboxQuery = (kinds: string[]) =>
  Closed({ ...cursorQuery, ordering: Ordering('created_at', 'id'), kind: Type.Optional(Choice(kinds)) })

export function outboxRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/outbox',
    {
      config: { access: mayRead },
      schema: {
        summary: 'E-mails, SMS codes and calls of the default senders',
        querystring: outboxQuery(platform.outboxKinds),
        response: { 200: Page(OutboxItem) },
      },
    },
    (req) => listOutbox(platform, req.user, req.query, cursorRequest(req)),
  )
  app.get(
    '/api/outbox/:id',
    {
      config: { access: mayRead },
      schema: { summary: 'One of them, text and HTML', params: IdParams, response: { 200: OutboxLetter } },
    },
    (req) => getOutboxLetter(platform, req.user, req.params.id),
  )
}

const columns = ['id', 'kind', 'to', 'subject', 'text', 'secret', 'state', 'created_at'] as const

/** Letters, codes and calls, with the secrets that the viewer may see. */
const lettersOf = (platform: Platform, viewer: User, kind: string | undefined): Stream => {
  const rows = platform.db.selectFrom('platform.outbox').$if(kind !== undefined, (q) => q.where('kind', '=', kind!))
  return {
    async list({ id, descending, limit }) {
      const found = await rows
        .select(columns)
        .where('id', descending ? '<' : '>', id)
        .orderBy('id', descending ? 'desc' : 'asc')
        .limit(limit)
        .execute()
      return (await readable(platform, viewer, found)) as OutboxEntry[]
    },
    count: (page) => countRows(platform.db, page, (limit) => rows.select('id').modifyEnd(limit)),
  }
}

/** What was sent, newest first unless asked otherwise; what modules keep themselves stands between the letters. */
export async function listOutbox(platform: Platform, viewer: User, { kind }: { kind?: string }, page: CursorRequest) {
  const sources = sourcesOf(platform)
  const own = sources.filter((source) => kind === undefined || source.kind === kind)
  const isOurs = !sources.some((source) => source.kind === kind)
  return merge([...(isOurs ? [lettersOf(platform, viewer, kind)] : []), ...own.map((source) => source.stream)], page)
}

/** One of what was sent, whole. */
export async function getOutboxLetter(platform: Platform, viewer: User, id: number) {
  const source = sourcesOf(platform).find((s) => s.has(id))
  if (source) {
    const entry = await source.find(id)
    if (!entry) throw notFound()
    return { html: null, error: null, ...entry }
  }
  const row = await platform.db
    .selectFrom('platform.outbox')
    .select([...columns, 'html', 'error'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw notFound()
  return (await readable(platform, viewer, [row]))[0] as never
}

/** What an administrator sees of a secret that was used, or went out by a sender of its own. */
const hidden = '••••••'

/** Rows with their secrets shown to administrators, who could log in as anybody by them, and to nobody else. */
async function readable<R extends { text: string; html?: string | null; secret: unknown }>(
  platform: Platform,
  viewer: User,
  rows: R[],
) {
  const refs = rows.map((row) => row.secret as SecretRef | null)
  const shown = new Map<string, string>()
  if (hasRole(viewer, 'admin')) {
    for (const [kind, owner] of Object.entries(platform.secrets)) {
      const ids = refs.flatMap((ref) => (ref?.kind === kind ? [ref.id] : []))
      if (ids.length) for (const [id, text] of await owner.show(platform, ids)) shown.set(`${kind} ${id}`, text)
    }
  }
  return rows.map((row, i) => {
    const ref = refs[i]
    if (!ref) return row
    const fill = (text: string) => text.replaceAll('{secret}', shown.get(`${ref.kind} ${ref.id}`) ?? hidden)
    return { ...row, text: fill(row.text), ...(row.html ? { html: fill(row.html) } : {}) }
  })
}
