import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import { type CsvRow, inChunks, readCsv } from '../http/csv.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Tx, transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { addFlats, addMeters, addReadings } from './import-rows.ts'
import { type ImportField, parseRow, type Row } from './import-values.ts'
import type { ImportReport } from './schemas-import.ts'
import { lockHouse } from './viewers.ts'

/** The usual heads of the columns; case, ё and punctuation do not matter. */
const heads: Record<ImportField, readonly string[]> = {
  number: ['квартира', 'кв', 'номер квартиры', '№ кв', 'помещение', 'flat', 'apartment'],
  area: ['площадь', 'площадь м2', 'площадь кв м', 'общая площадь', 'общая площадь м2'],
  account: ['лицевой счет', 'лс', 'л/с', 'номер лс', 'personal account'],
  serial: ['счетчик', 'номер счетчика', '№ счетчика', 'заводской номер', 'серийный номер', 'meter'],
  kind: ['вид', 'тип', 'вид счетчика', 'тип счетчика', 'услуга', 'service'],
  installed_on: ['установлен', 'дата установки', 'installed'],
  initial_value: ['начальное показание', 'начальное значение', 'initial'],
  digits: ['разрядность', 'знаков', 'цифр'],
  month: ['месяц', 'период', 'period'],
  value: ['показание', 'значение', 'показания', 'reading'],
  rollover: ['переход через ноль', 'через ноль', 'обнулился'],
}
const chunkRows = 1000
const mostErrors = 100
/** A dry run holds the house while it looks, so its file is kept aside first, and is no longer than this. */
const dryRunBytes = 64 << 20

type Counts = { apartments: number; meters: number; readings: number }

/**
 * Takes up one chunk: first its flats, then meters, then readings, each by a few statements. What stands in a row before
 * its fault is kept. The house is locked for as long, so that nobody enters readings meanwhile.
 */
async function takeUp(tx: Tx, user: User, house: number, parsed: CsvRow<ImportField>[]) {
  // A publication of the house may take its time, and half a file is worse than a late one.
  await sql`set local lock_timeout = '60s'`.execute(tx)
  await lockHouse(tx, house, 'no key update')
  const rows = parsed.map(parseRow)
  const counts: Counts = {
    apartments: await addFlats(tx, house, rows),
    meters: await addMeters(tx, rows),
    readings: await addReadings(tx, user, house, rows),
  }
  if (counts.apartments || counts.meters || counts.readings) {
    const lines = { from: rows[0]!.line, to: rows.at(-1)!.line }
    const after = { lines, ...counts }
    await recordChange(tx, user, { action: 'housing.import', subject: 'housing.houses', subject_id: house, after })
  }
  return { rows, counts }
}

/**
 * Takes flats, meters and readings of a house from a CSV as it comes, a thousand rows a transaction. What is there already
 * is left as it is: the same file again changes nothing, and a row that says otherwise is faulty. A dry run does all of
 * it in one transaction and takes it back.
 */
export async function importHouse(
  platform: Platform,
  user: User,
  house: number,
  source: Readable,
  options: { columns?: string; dry_run?: boolean; locale: Locale },
): Promise<ImportReport> {
  const { db, translate } = platform
  const { columns, dry_run = false, locale } = options
  const opened = (file: Readable) => readCsv(file, heads, { needed: ['number'], columns })
  type Opened = Awaited<ReturnType<typeof opened>>

  const newReport = ({ columns }: Opened): ImportReport => ({
    dry_run,
    rows: 0,
    created: { apartments: 0, meters: 0, readings: 0 },
    unchanged: 0,
    faulty: 0,
    errors: [],
    columns,
  })
  const add = (report: ImportReport, { rows, counts }: { rows: Row[]; counts: Counts }) => {
    report.rows += rows.length
    for (const name of ['apartments', 'meters', 'readings'] as const) report.created[name] += counts[name]
    report.unchanged += rows.filter((row) => !row.fault && !row.changed).length
    const faulty = rows.flatMap(({ line, fault }) => (fault ? [{ line, fault }] : []))
    report.faulty += faulty.length
    for (const { line, fault } of faulty.slice(0, mostErrors - report.errors.length))
      report.errors.push({ line, field: fault.field, message: translate(locale, fault.code, fault.params) })
  }

  if (!dry_run) {
    const file = await opened(source)
    const report = newReport(file)
    for await (const chunk of inChunks(file.rows, chunkRows))
      add(report, await transaction(db, (tx) => takeUp(tx, user, house, chunk)))
    return report
  }
  const copy = join(tmpdir(), `dvor-import-${randomUUID()}.csv`)
  try {
    await pipeline(source, bounded, createWriteStream(copy, { mode: 0o600 }))
    let report: ImportReport | undefined
    const undone = new Error('a dry run')
    await transaction(db, async (tx) => {
      const file = await opened(createReadStream(copy))
      report = newReport(file)
      for await (const chunk of inChunks(file.rows, chunkRows)) add(report, await takeUp(tx, user, house, chunk))
      throw undone
    }).catch((error) => {
      if (error !== undone) throw error
    })
    return report!
  } finally {
    await rm(copy, { force: true })
  }
}

async function* bounded(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > dryRunBytes) throw new AppError(413, 'request.too_large')
    yield chunk
  }
}
