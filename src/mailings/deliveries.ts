import { type RawBuilder, sql } from 'kysely'
import { csvLine } from '../http/csv.ts'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import type { Db } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { summed } from './counters.ts'
import { wordReason } from './reasons.ts'
import type { Counts, Message } from './schemas.ts'
import type { MessagesQuery, WholeMessage } from './schemas-messages.ts'
import { renderText } from './text.ts'

const columns = sql`m.id, m.mailing_id mailing, m.client_id client, m.phone, m.status, m.attempts, m.last_error, m.created_at,
  m.sent_at`

type Span = { id: number; first_message_id: number; last_message_id: number; counts: Counts }

async function getSpan(db: Db, id: number): Promise<Span> {
  const { rows } = await sql<Span>`
    select id, coalesce(first_message_id, 0) first_message_id, coalesce(last_message_id, 0) last_message_id,
      (select ${summed} from mailings.counters where mailing_id = l.id) counts
    from mailings.mailings l where id = ${id}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** So many that wait are sorted sooner than they are looked for among all. */
const fewWaiting = 10_000

/**
 * The messages `m` of a mailing in a status, or all, so that they are walked in the order of their ids: those that failed by
 * an index of their own, few that wait by that of what is due, others from the first id to the last.
 */
function messagesOf(
  { id, first_message_id, last_message_id, counts }: Span,
  status: Message['status'] | undefined,
): RawBuilder<unknown> {
  if (status === 'error' || status === 'expired') return sql`m.mailing_id = ${id} and m.status = ${sql.lit(status)}`
  if (status === 'processing' && counts.processing <= fewWaiting)
    return sql`m.id = any(array(select id from mailings.messages where mailing_id = ${id} and status = 'processing'))`
  return sql`m.id between ${first_message_id} and ${last_message_id} and m.mailing_id = ${id}
    ${status ? sql`and m.status = ${sql.lit(status)}` : sql``}`
}

/** Messages of a mailing, newest first, counted by its counters. */
export async function listMessages(
  { db, translate }: Platform,
  mailing: number,
  { status, client }: MessagesQuery,
  page: CursorRequest,
  locale: Locale,
): Promise<PageOf<Message>> {
  const span = await getSpan(db, mailing)
  const ofClient = sql`m.mailing_id = ${mailing} and m.client_id = ${client} ${status ? sql`and m.status = ${status}` : sql``}`
  const where = client === undefined ? messagesOf(span, status) : ofClient
  const { after, order } = walk(page, sql`m.id`)
  const { rows } = await sql<Message>`
    select ${columns} from mailings.messages m where ${where} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const results = rows.map((row) => ({ ...row, last_error: wordReason(translate, locale, row.last_error) }))
  const count =
    client === undefined
      ? { count: page.withCount ? span.counts[status ?? 'total'] : null }
      : await countRows(db, page, (limit) => sql`select from mailings.messages m where ${ofClient} ${limit}`)
  return cursorAnswer(page, results, count)
}

/** A message with its text; throws 404. */
export async function getMessage({ db, translate }: Platform, id: number, locale: Locale): Promise<WholeMessage> {
  const { rows } = await sql<
    Omit<WholeMessage, 'text'> & { template: string; tag: string | null; fields: Record<string, string> | null }
  >`
    select ${columns}, m.operator_code, m.fields, l.text template, c.tag
    from mailings.messages m join mailings.mailings l on l.id = m.mailing_id left join mailings.clients c on c.id = m.client_id
    where m.id = ${id}`.execute(db)
  if (!rows[0]) throw notFound()
  const { template, tag, fields, ...message } = rows[0]
  const text = renderText(template, { ...fields, phone: message.phone, tag })
  return { ...message, text, last_error: wordReason(translate, locale, message.last_error) }
}

const csvColumns = ['id', 'phone', 'operator_code', 'status', 'reason', 'attempts', 'created_at', 'sent_at'] as const
const csvRows = 5000

/** Messages of a mailing as CSV with the reasons in words, some thousand at a time; unless said otherwise who got none. */
export async function messagesCsv(
  { db, translate }: Platform,
  mailing: number,
  status: Message['status'] | undefined,
  locale: Locale,
): Promise<AsyncIterable<string>> {
  const span = await getSpan(db, mailing)
  const statuses = status ? [status] : (['error', 'expired'] as const)
  return (async function* () {
    yield csvLine([...csvColumns])
    for (const one of statuses) {
      for (let last = 0, more = true; more; ) {
        const { rows } = await sql<Message & { operator_code: string }>`
          select ${columns}, m.operator_code from mailings.messages m
          where ${messagesOf(span, one)} and m.id > ${last} order by m.id limit ${csvRows}`.execute(db)
        yield rows
          .map((row) => ({ ...row, reason: wordReason(translate, locale, row.last_error) }))
          .map((row) => csvLine(csvColumns.map((name) => row[name])))
          .join('')
        last = rows.at(-1)?.id ?? last
        more = rows.length === csvRows
      }
    }
  })()
}
