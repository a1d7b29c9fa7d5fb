import type { Readable } from 'node:stream'
import { sql } from 'kysely'
import { type CsvRow, inChunks, readCsv } from '../http/csv.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Tx, transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { operatorOf, readPhone } from './phones.ts'
import type { Client } from './schemas.ts'
import type { ClientsReport } from './schemas-clients.ts'
import { stopPhones } from './stops.ts'
import { zonesOf } from './zones.ts'

const chunkRows = 5000
const mostErrors = 100
/** A dry run remembers the numbers that it has seen, and this many at most. */
const mostDry = 1_000_000

type Options = { columns?: string; dry_run?: boolean; locale: Locale }
type Fault<F> = { field: F | null; code: string }

/** What a file is of: the usual heads of its columns, what a row says, and how rows with new numbers are added. */
type Kind<F extends string, T extends { phone: string }> = {
  table: 'mailings.clients' | 'mailings.stops'
  action: string
  heads: Record<F | 'phone', readonly string[]>
  read(values: CsvRow<F | 'phone'>['values']): T | Fault<F | 'phone'>
  /** Adds those whose number is not there; returns how many. */
  add(tx: Tx, rows: T[]): Promise<number>
}

/**
 * Takes rows from a CSV as it comes, some thousand a transaction: a number that is there already is passed over, so the same
 * file again changes nothing, and what came before a break is kept. A dry run keeps nothing.
 */
async function takeFile<F extends string, T extends { phone: string }>(
  { db, stopping, translate }: Platform,
  user: User,
  source: Readable,
  { table, action, heads, read, add }: Kind<F, T>,
  { columns, dry_run = false, locale }: Options,
): Promise<ClientsReport> {
  const file = await readCsv(source, heads, { needed: ['phone'], columns })
  const report: ClientsReport = { dry_run, created: 0, skipped: 0, faulty: 0, errors: [], columns: file.columns }
  const seen = new Set<number>()

  async function wouldAdd(rows: T[]): Promise<number> {
    const { rows: known } = await sql<{ phone: number }>`
      select phone::bigint phone from ${sql.table(table)} where phone = any(${rows.map((row) => row.phone)}::text[])`.execute(
      db,
    )
    const before = seen.size + known.filter(({ phone }) => !seen.has(phone)).length
    for (const { phone } of [...known, ...rows]) seen.add(Number(phone))
    if (seen.size > mostDry) throw new AppError(413, 'request.too_large')
    return seen.size - before
  }
  const keep = (rows: T[], lines: { from: number; to: number }) =>
    transaction(db, async (tx) => {
      const created = await add(tx, rows)
      if (created) await recordChange(tx, user, { action, subject: table, subject_id: null, after: { lines, created } })
      return created
    })

  for await (const chunk of inChunks(file.rows, chunkRows)) {
    if (stopping.aborted) throw new AppError(503, 'request.closing', {}, { retryAfterSeconds: 1 })
    const good: T[] = []
    for (const { line, values, fault } of chunk) {
      const row = fault ? { field: null, code: fault } : read(values)
      if (!('code' in row)) good.push(row)
      else if (++report.faulty <= mostErrors)
        report.errors.push({ line, field: row.field, message: translate(locale, row.code) })
    }
    if (!good.length) continue
    const lines = { from: chunk[0]!.line, to: chunk.at(-1)!.line }
    const created = dry_run ? await wouldAdd(good) : await keep(good, lines)
    report.created += created
    report.skipped += good.length - created
  }
  return report
}

const phoneHeads = [
  'телефон',
  'номер',
  'номер телефона',
  'тел',
  'мобильный',
  'мобильный телефон',
  'сотовый',
  'mobile',
  'phone number',
]
const noPhone = (text: string | undefined) =>
  ({ field: 'phone', code: text ? 'mailings.phone' : 'validation.required' }) as const
const tooLong = (text: string, most: number) => text.length > most && [...text].length > most

type ClientRow = Pick<Client, 'phone' | 'operator_code' | 'tag' | 'timezone'>

/** Takes clients from a CSV; a number that is there already is passed over. */
export async function importClients(
  platform: Platform,
  user: User,
  source: Readable,
  options: Options,
): Promise<ClientsReport> {
  const zones = await zonesOf(platform)
  const kind: Kind<'operator_code' | 'tag' | 'timezone', ClientRow> = {
    table: 'mailings.clients',
    action: 'mailings.import_clients',
    heads: {
      phone: phoneHeads,
      operator_code: ['код оператора', 'код мобильного оператора', 'оператор', 'код', 'def', 'operator'],
      tag: ['тег', 'тэг', 'метка', 'группа', 'label', 'group'],
      timezone: ['часовой пояс', 'пояс', 'таймзона', 'time zone', 'tz'],
    },
    read({ phone: typed = '', operator_code = '', tag = '', timezone: zone = '' }) {
      const phone = readPhone(typed)
      if (!phone) return noPhone(typed)
      if (operator_code && !/^\d{3}$/.test(operator_code))
        return { field: 'operator_code', code: 'mailings.import_operator_code' }
      if (tooLong(tag, 64)) return { field: 'tag', code: 'mailings.import_tag' }
      const timezone = zone ? zones.get(zone.toLowerCase()) : platform.config.TIMEZONE
      if (!timezone) return { field: 'timezone', code: 'mailings.unknown_timezone' }
      return { phone, operator_code: operator_code || operatorOf(phone), tag, timezone }
    },
    add: addClients,
  }
  return takeFile(platform, user, source, kind, options)
}

async function addClients(tx: Tx, rows: ClientRow[]): Promise<number> {
  const column = (name: keyof ClientRow) => rows.map((row) => row[name])
  // By phone, so that two files with the same numbers never wait for each other in a ring.
  const { numAffectedRows } = await sql`
    insert into mailings.clients (phone, operator_code, tag, timezone)
    select phone, operator_code, tag, timezone
    from unnest(${column('phone')}::text[], ${column('operator_code')}::text[], ${column('tag')}::text[],
      ${column('timezone')}::text[]) with ordinality t(phone, operator_code, tag, timezone, n)
    order by phone, n on conflict (phone) do nothing`.execute(tx)
  return Number(numAffectedRows)
}

type StopRow = { phone: string; reason: string }

/** Takes numbers never to be written to from a CSV; one that is stopped already stays as it is. */
export function importStops(
  platform: Platform,
  user: User,
  source: Readable,
  options: Options,
): Promise<ClientsReport> {
  const kind: Kind<'reason', StopRow> = {
    table: 'mailings.stops',
    action: 'mailings.import_stops',
    heads: { phone: phoneHeads, reason: ['причина', 'комментарий', 'примечание', 'comment'] },
    read({ phone: typed = '', reason = '' }) {
      const phone = readPhone(typed)
      if (!phone) return noPhone(typed)
      return tooLong(reason, 300) ? { field: 'reason', code: 'mailings.import_reason' } : { phone, reason }
    },
    add: (tx, rows) =>
      stopPhones(
        tx,
        user,
        rows.map((row) => row.phone),
        rows.map((row) => row.reason),
      ),
  }
  return takeFile(platform, user, source, kind, options)
}
