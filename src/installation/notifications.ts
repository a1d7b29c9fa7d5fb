import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { type CursorRequest, countRows, cursorAnswer, cursorQuery, cursorRequest, Page, walk } from '../http/pages.ts'
import { Closed, Id, Instant, NoContent, NoQuery, Nullable } from '../http/schemas.ts'
import type { User } from '../platform/access.ts'
import { fieldFault } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { wordLetterKind, wordNotification } from '../platform/notifications.ts'

export const Notification = Type.Object({
  id: Type.Integer(),
  kind: Type.String({ examples: ['collects.update'] }),
  text: Type.String({ examples: ['«Скамейки во двор»: новость от организатора'] }),
  path: Type.String({ description: 'The page of the web app', examples: ['/collects/1'] }),
  created_at: Instant,
  read_at: Nullable(Instant),
})
type Notification = Static<typeof Notification>

const LetterKinds = Page(
  Type.Object({ kind: Type.String(), title: Type.String(), letter: Type.Boolean({ description: 'It comes by mail' }) }),
)

export function notificationRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/notifications',
    {
      config: { access: 'self' },
      schema: {
        summary: 'What the caller was told, newest first',
        querystring: Closed(cursorQuery),
        response: { 200: Page(Notification, { unread: Type.Integer() }) },
      },
    },
    (req) => listNotifications(platform, req.user, cursorRequest(req), req.locale),
  )
  app.post(
    '/api/notifications/read',
    {
      config: { access: 'self' },
      schema: {
        summary: 'Mark what was told as read',
        body: Closed({ until: Id('The newest that was seen, and with it all before') }),
        response: { 204: NoContent },
      },
    },
    (req) => readNotifications(platform, req.user, req.body.until),
  )
  app.get(
    '/api/profile/letters',
    {
      config: { access: 'self' },
      schema: {
        summary: 'Which kinds of letters the caller gets',
        querystring: NoQuery,
        response: { 200: LetterKinds },
      },
    },
    (req) => listLetterKinds(platform, req.user, req.locale),
  )
  app.patch(
    '/api/profile/letters',
    {
      config: { access: 'self' },
      schema: {
        summary: 'Get the letters of a kind, or none of them',
        body: Closed({
          kind: Type.String({ maxLength: 100, examples: ['collects.update'] }),
          letter: Type.Boolean({ examples: [false] }),
        }),
        response: { 200: LetterKinds },
      },
    },
    async (req) => {
      await chooseLetters(platform, req.user, req.body.kind, req.body.letter)
      return listLetterKinds(platform, req.user, req.locale)
    },
  )
}

type Row = Omit<Notification, 'text'> & { params: Record<string, string | number> }
const columns = sql`id, kind, params, path, created_at, read_at`
const worded = (platform: Platform, locale: Locale, rows: Row[]): Notification[] =>
  rows.map(({ params, ...row }) => ({ ...row, text: wordNotification(platform, locale, { ...row, params }) }))

/** What somebody was told last. */
export async function lastNotifications(platform: Platform, user: User, most: number, locale: Locale) {
  const { rows } = await sql<Row>`
    select ${columns} from platform.notifications where user_id = ${user.id} order by id desc limit ${most}`.execute(
    platform.db,
  )
  return worded(platform, locale, rows)
}

/** What somebody was told, walked by cursor, and how much of it they have not read. */
export async function listNotifications(platform: Platform, user: User, page: CursorRequest, locale: Locale) {
  const { db } = platform
  const { after, order } = walk(page, sql`id`)
  const { rows } = await sql<Row>`
    select ${columns} from platform.notifications where user_id = ${user.id} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const unread = await sql<{ n: number }>`
    select count(*) n from platform.notifications where user_id = ${user.id} and read_at is null`.execute(db)
  const count = await countRows(
    db,
    page,
    (limit) => sql`select from platform.notifications where user_id = ${user.id} ${limit}`,
  )
  return { ...cursorAnswer(page, worded(platform, locale, rows), count), unread: unread.rows[0]!.n }
}

/** Marks as read what somebody was told up to one of their notifications. */
export async function readNotifications({ db }: Platform, user: User, until: number): Promise<void> {
  await sql`
    update platform.notifications set read_at = now()
    where user_id = ${user.id} and read_at is null and id <= ${until}`.execute(db)
}

const letterKinds = ({ notifications }: Platform) =>
  Object.keys(notifications).filter((kind) => notifications[kind]!.letter)

/** The kinds of letters that a person may refuse, in words, and whether they do. */
export async function listLetterKinds(platform: Platform, user: User, locale: Locale) {
  const { rows } = await sql<{ kind: string }>`
    select kind from platform.muted_letters where user_id = ${user.id}`.execute(platform.db)
  const muted = new Set(rows.map(({ kind }) => kind))
  const results = letterKinds(platform).map((kind) => ({
    kind,
    title: wordLetterKind(platform, locale, kind),
    letter: !muted.has(kind),
  }))
  return { count: results.length, next: null, previous: null, results }
}

/** Lets letters of a kind come, or stops them; a letter that is on its way may still arrive. */
export async function chooseLetters(platform: Platform, user: User, kind: string, letter: boolean): Promise<void> {
  const known = letterKinds(platform)
  if (!known.includes(kind)) throw fieldFault('/kind', 'validation.enum', { allowed: known.join(', ') })
  if (letter)
    await sql`delete from platform.muted_letters where user_id = ${user.id} and kind = ${kind}`.execute(platform.db)
  else
    await sql`insert into platform.muted_letters values (${user.id}, ${kind}) on conflict do nothing`.execute(
      platform.db,
    )
}
