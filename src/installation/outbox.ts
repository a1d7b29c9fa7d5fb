import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import {
  type CursorRequest,
  countRows,
  cursorAnswer,
  cursorQuery,
  cursorRequest,
  Ordering,
  Page,
  walk,
} from '../http/pages.ts'
import { Choice, Closed, IdParams, Instant, Nullable } from '../http/schemas.ts'
import { hasRole, mayRead, type User } from '../platform/access.ts'
import { notFound } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform, SecretRef } from '../platform/module.ts'

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

/** What was sent, newest first unless asked otherwise, with the secrets that the viewer may see. */
export async function listOutbox(platform: Platform, viewer: User, { kind }: { kind?: string }, page: CursorRequest) {
  const rows = platform.db.selectFrom('platform.outbox').$if(kind !== undefined, (q) => q.where('kind', '=', kind!))
  const { after, order } = walk(page, sql`id`)
  const results = await rows
    .select(['id', 'kind', 'to', 'subject', 'text', 'secret', 'state', 'created_at'])
    .where(after)
    .orderBy(order)
    .limit(page.limit + 1)
    .offset(page.offset)
    .execute()
  const count = await countRows(platform.db, page, (limit) => rows.select('id').modifyEnd(limit))
  return cursorAnswer(page, (await readable(platform, viewer, results)) as Static<typeof OutboxItem>[], count)
}

/** One of what was sent, whole. */
export async function getOutboxLetter(platform: Platform, viewer: User, id: number) {
  const row = await platform.db
    .selectFrom('platform.outbox')
    .select(['id', 'kind', 'to', 'subject', 'text', 'html', 'secret', 'state', 'error', 'created_at'])
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
