import { isAscii } from 'node:buffer'
import { pipeline, Readable } from 'node:stream'
import { type Info, parse } from 'csv-parse'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { AppError } from '../platform/errors.ts'

/** A column of a file: its head, and the field that it was taken for. */
export type CsvColumn = { header: string; field: string | null }

/** A row by its fields, trimmed, or what makes it unreadable; `line` is the one that it ends on, the head is 1. */
export type CsvRow<F extends string> = { line: number; values: Partial<Record<F, string>>; fault?: string }

/** The answer of a route that gives a CSV. */
export const Csv = { content: { 'text/csv': { schema: Type.String() } } }

/** Longer than any row of ours; a quote that is never closed would else swallow the file. */
const longestRow = 64 << 10
const mostColumns = 200
/** So much is looked at for the encoding, from the first letter on that is not ASCII. */
const sniffedBytes = 64 << 10

/** The file of a request: its body as `text/csv`, or the first file of a form. Never held as a whole. */
export async function csvOf(req: FastifyRequest): Promise<Readable> {
  if (!req.isMultipart()) {
    if (req.body instanceof Readable) return req.body
    throw new AppError(415, 'request.media_type')
  }
  const part = await req
    .file({ limits: { fileSize: Number.POSITIVE_INFINITY } })
    .catch((error) => Promise.reject(new AppError(400, 'request.malformed', {}, { cause: error })))
  if (!part) throw new AppError(400, 'request.malformed')
  return part.file
}

/** Text of a file in UTF-8 (or UTF-16 with its mark), else in windows-1251, as it comes. */
async function* decoded(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer[] = []
  let decoder: InstanceType<typeof TextDecoder> | undefined
  let first = true
  const choose = (sample: Buffer) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true })
      return new TextDecoder('utf-8')
    } catch {
      return new TextDecoder('windows-1251')
    }
  }
  for await (const chunk of source) {
    if (first && chunk.length > 1 && chunk[0] === 0xff && chunk[1] === 0xfe) decoder = new TextDecoder('utf-16le')
    first = false
    if (decoder) {
      yield decoder.decode(chunk, { stream: true })
      continue
    }
    if (!held.length && isAscii(chunk)) {
      yield chunk.toString('latin1')
      continue
    }
    held.push(chunk)
    const sample = Buffer.concat(held)
    if (sample.length < sniffedBytes) continue
    decoder = choose(sample)
    held = []
    yield decoder.decode(sample, { stream: true })
  }
  const rest = Buffer.concat(held)
  decoder ??= choose(rest)
  yield decoder.decode(rest)
}

/** The sign that parts the columns of the head. */
function delimiterOf(head: string): string {
  const bare = head.replace(/"[^"]*"/g, '')
  const times = (sign: string) => bare.split(sign).length
  return [';', '\t', ','].reduce((best, sign) => (times(sign) > times(best) ? sign : best))
}

/** Parts the head from the rest, for its delimiter is that of all. */
async function split(texts: AsyncGenerator<string>): Promise<{ head: string; rest: () => AsyncGenerator<string> }> {
  let begin = ''
  for (;;) {
    const { value, done } = await texts.next()
    begin += value ?? ''
    if (done || /[\r\n]/.test(begin.trimStart()) || begin.length > longestRow) break
  }
  return {
    head: /^[^\r\n]*/.exec(begin.trimStart())![0],
    async *rest() {
      yield begin
      yield* texts
    },
  }
}

const plainHead = (head: string) =>
  head
    .toLowerCase()
    .replaceAll('ё', 'е')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

/**
 * Reads a CSV row by row, in constant memory: `;`, `,` or tabs, UTF-8 or windows-1251, quotes or none. Columns are known by
 * their heads (`fields`: field → its usual heads), or by `columns`, the fields in the order of the file, an empty one for a
 * column to pass over. Throws 400 where a column that is `needed` is missing.
 */
export async function readCsv<const F extends string>(
  source: Readable,
  fields: Record<F, readonly string[]>,
  { needed, columns: given }: { needed: readonly NoInfer<F>[]; columns?: string | undefined },
): Promise<{ columns: CsvColumn[]; rows: AsyncGenerator<CsvRow<F>> }> {
  const { head, rest } = await split(decoded(source))
  const parser = parse({
    info: true,
    bom: true,
    delimiter: delimiterOf(head),
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
    skip_records_with_error: true,
  })
  // An error of the stream would drop the rows that wait before it.
  let broken: number | undefined
  parser.on('skip', (error) => {
    broken ??= (error as unknown as Info).lines
  })
  // Whoever reads the rows hears of an upload that broke off.
  pipeline(Readable.from(rest()), parser, () => {})
  const records = parser[Symbol.asyncIterator]() as AsyncIterator<{ record: string[]; info: Info }>
  const heads = await records.next()
  if (heads.done) throw new AppError(400, 'csv.no_head')

  if (heads.value.record.length > mostColumns) throw new AppError(400, 'csv.too_many_columns', { most: mostColumns })

  const names = Object.keys(fields) as F[]
  const byHead = new Map(names.flatMap((name) => [name, ...fields[name]].map((head) => [plainHead(head), name])))
  const chosen = given?.split(',').map((name) => name.trim())
  const unknown = chosen?.find((name) => name !== '' && !names.includes(name as F))
  if (unknown !== undefined) throw new AppError(400, 'csv.unknown_field', { field: unknown, known: names.join(', ') })
  const columns = heads.value.record.map((header, i): CsvColumn => {
    const field = chosen ? chosen[i] || null : (byHead.get(plainHead(header)) ?? null)
    return { header: header.trim().slice(0, 100), field }
  })
  const found = columns.flatMap(({ field }) => field ?? [])
  const missing = needed.filter((name) => !found.includes(name))
  const twice = found.find((name, i) => found.indexOf(name) !== i)
  if (missing.length) throw new AppError(400, 'csv.missing_column', { columns: missing.join(', ') })
  if (twice) throw new AppError(400, 'csv.column_twice', { column: twice })

  async function* rows(): AsyncGenerator<CsvRow<F>> {
    for (;;) {
      const next = await records.next()
      if (next.done) break
      const { record, info } = next.value
      const values: CsvRow<F>['values'] = {}
      for (const [i, { field }] of columns.entries()) if (field) values[field as F] = record[i]?.trim() ?? ''
      const row = { line: info.lines, values }
      // A zero byte is no text of a database, and the sign of a letter that could not be read is none of a person.
      if (record.some((value) => /[\0\ufffd]/.test(value))) yield { ...row, fault: 'csv.not_text' }
      else if (record.length > columns.length) yield { ...row, fault: 'csv.too_many_values' }
      else yield row
    }
    // Nothing tells where the next row begins.
    if (broken !== undefined) yield { line: broken, values: {}, fault: 'csv.broken' }
  }
  return { columns, rows: rows() }
}

/** Rows as they come, so many together. */
export async function* inChunks<T>(rows: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let chunk: T[] = []
  for await (const row of rows) {
    chunk.push(row)
    if (chunk.length < size) continue
    yield chunk
    chunk = []
  }
  if (chunk.length) yield chunk
}

// Programs for tables take what begins so for a formula.
const cell = (value: unknown) => {
  const text = String(value ?? '')
  const plain = /^[=+@\t]|^-\D/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

/** One line of a CSV. */
export const csvLine = (values: unknown[]): string => `${values.map(cell).join(',')}\r\n`

/** Sends a CSV as its lines are made; with `bom` as programs for tables know UTF-8. */
export function sendCsv(reply: FastifyReply, name: string, lines: AsyncIterable<string>, { bom = false } = {}) {
  async function* marked() {
    yield '\ufeff'
    yield* lines
  }
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(Readable.from(bom ? marked() : lines))
}
