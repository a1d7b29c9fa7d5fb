import type { FastifyRequest } from 'fastify'
import { type Expression, type RawBuilder, sql } from 'kysely'
import { type TSchema, Type } from 'typebox'
import type { Db } from '../platform/database.ts'
import { AppError, fieldFault } from '../platform/errors.ts'
import { Choice, Nullable } from './schemas.ts'

/** How far `page=` reaches in a list that is walked by cursor. */
const furthestOffset = 10_000
/** How far a list that is walked by cursor is counted row by row. */
const mostCounted = 10_000

export const pageQuery = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'From 1' })),
  page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '20 unless given' })),
}
export const cursorQuery = {
  ...pageQuery,
  cursor: Type.Optional(Type.String({ maxLength: 1000, description: 'Opaque, from `next` or `previous`' })),
}

/** The closed set of orderings of a list: each field, and with `-` from the greatest down. */
export const Ordering = <const F extends string>(...fields: F[]) =>
  Type.Optional(Choice([...fields, ...fields.map((f) => `-${f}` as const)] as (F | `-${F}`)[]))

export const Page = <T extends TSchema>(item: T, more: Record<string, TSchema> = {}) =>
  Type.Object({
    count: Nullable(Type.Integer({ description: 'null with `cursor`' })),
    count_is_estimate: Type.Optional(
      Type.Boolean({ description: 'Only beyond 10,000 rows, where they are not counted' }),
    ),
    next: Nullable(Type.String()),
    previous: Nullable(Type.String()),
    results: Type.Array(item),
    ...more,
  })

/** The query of a list that names no ordering of its own. */
export const plainQuery = { ...pageQuery, ordering: Ordering('created_at', 'id') }

type Count = { count: number | null; count_is_estimate?: boolean }
export type PageOf<T> = Count & { next: string | null; previous: string | null; results: T[] }

type Direction = 'asc' | 'desc'
/** `direction` is for lists that only know the order of their making: newest first unless asked otherwise. */
type PageRequest = { path: string; query: Record<string, unknown>; limit: number; offset: number; direction: Direction }

function linkTo(request: PageRequest, change: Record<string, string | undefined>): string {
  const all = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...request.query, ...change })) {
    for (const one of [value].flat()) if (one !== undefined) all.append(name, String(one))
  }
  return `${request.path}?${all}`
}

/** The address of a request in our own spelling, with nothing in it that the caller made up. */
export function pathOf(req: FastifyRequest): string {
  const params = req.params as Record<string, unknown>
  return req.routeOptions.url!.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
}

/** Which rows of an offset list are asked for. */
export function pageRequest(req: FastifyRequest): PageRequest {
  const query = req.query as { page?: number; page_size?: number; ordering?: string }
  const limit = query.page_size ?? 20
  return {
    path: pathOf(req),
    query,
    limit,
    offset: ((query.page ?? 1) - 1) * limit,
    direction: query.ordering === undefined || query.ordering.startsWith('-') ? 'desc' : 'asc',
  }
}

/** The answer of an offset list. */
export function pageAnswer<T>(request: PageRequest, results: T[], count: number): PageOf<T> {
  const page = request.offset / request.limit + 1
  return {
    count,
    next:
      request.offset + results.length < count && results.length > 0
        ? linkTo(request, { page: String(page + 1) })
        : null,
    previous: page > 1 ? linkTo(request, { page: String(page - 1) }) : null,
    results,
  }
}

/** Where a walk stands: fetch `limit + 1` rows from this offset, in the order and after the place that `walk` says. */
export type CursorRequest = PageRequest & {
  /** The ordering, without its sign. */
  field: string
  /** The row that the cursor points at, and its key where the list is not walked by id; null: from the beginning. */
  id: number | null
  key: string | null
  descending: boolean
  reverse: boolean
  withCount: boolean
}

const badCursor = () =>
  new AppError(400, 'request.invalid', {}, { faults: [{ path: '/cursor', code: 'validation.cursor' }] })

/** Which rows of a list walked by cursor are asked for. */
export function cursorRequest(req: FastifyRequest, standard = '-id'): CursorRequest {
  const request = pageRequest(req)
  const { cursor, page, ordering = standard } = req.query as { cursor?: string; page?: number; ordering?: string }
  if (request.offset + request.limit > furthestOffset)
    throw fieldFault('/page', 'validation.page_too_far', { limit: furthestOffset })
  const parsed =
    cursor === undefined ? undefined : /^([np])(\d{1,15})(?::(.*))?$/s.exec(Buffer.from(cursor, 'base64url').toString())
  if (parsed === null || (cursor !== undefined && page !== undefined)) throw badCursor()
  const reverse = parsed?.[1] === 'p'
  return {
    ...request,
    offset: parsed ? 0 : request.offset,
    field: ordering.replace('-', ''),
    id: parsed ? Number(parsed[2]) : null,
    key: parsed?.[3] ?? null,
    descending: ordering.startsWith('-') !== reverse,
    reverse,
    withCount: !parsed,
  }
}

/**
 * The SQL of a page: `after`, which rows may stand on it, and their `order`. An ordering that is among `keys` is walked by
 * that key, which is never null, and the id; its rows bear `key`, selected by this name. Any other is that of the ids.
 */
export function walk(
  page: CursorRequest,
  id: RawBuilder<unknown>,
  keys: Record<string, readonly [key: RawBuilder<unknown>, type: string]> = {},
): { after: RawBuilder<boolean>; order: RawBuilder<unknown>; key: RawBuilder<string | null> } {
  const by = keys[page.field]
  const direction = sql.raw(page.descending ? 'desc' : 'asc')
  const compare = sql.raw(page.descending ? '<' : '>')
  if (page.id !== null && (page.key === null) !== (by === undefined)) throw badCursor()
  if (!by)
    return {
      after: page.id === null ? sql`true` : sql`${id} ${compare} ${page.id}`,
      order: sql`${id} ${direction}`,
      key: sql`null`,
    }
  const [key, type] = by
  return {
    after: page.id === null ? sql`true` : sql`(${key}, ${id}) ${compare} (${page.key}::${sql.raw(type)}, ${page.id})`,
    order: sql`${key} ${direction}, ${id} ${direction}`,
    key: sql`(${key})::text`,
  }
}

/**
 * How many rows a walked list has, for its first pages: exact up to 10,000, beyond that PostgreSQL's estimate. `rows` puts
 * the limit that it is given where it ends the work.
 */
export async function countRows(
  db: Db,
  page: CursorRequest,
  rows: (limit: RawBuilder<unknown>) => Expression<unknown>,
): Promise<Count> {
  if (!page.withCount) return { count: null }
  const counted = await sql<{ n: number }>`
    select count(*) n from (
      select from (${rows(sql`limit ${mostCounted + 1}`)}) found limit ${mostCounted + 1}) counted`.execute(db)
  const count = counted.rows[0]!.n
  if (count <= mostCounted) return { count }
  const plan = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
    explain (format json) ${rows(sql``)}`.execute(db)
  return { count: Math.max(count, plan.rows[0]!['QUERY PLAN'][0].Plan['Plan Rows']), count_is_estimate: true }
}

/** The answer of a walked list, from up to `limit + 1` rows in the order asked for. */
export function cursorAnswer<T extends { id: number; key?: string | null }>(
  request: CursorRequest,
  rows: T[],
  count: Count,
): PageOf<T> {
  const more = rows.length > request.limit
  const results = rows.slice(0, request.limit)
  if (request.reverse) results.reverse()
  const link = (direction: 'n' | 'p', row: T | undefined) => {
    if (!row) return null
    const place = `${direction}${row.id}${row.key == null ? '' : `:${row.key}`}`
    return linkTo(request, { page: undefined, cursor: Buffer.from(place).toString('base64url') })
  }
  const came = request.id !== null || request.offset > 0
  return {
    ...count,
    next: request.reverse || more ? link('n', results.at(-1)) : null,
    previous: (request.reverse ? more : came) ? link('p', results[0]) : null,
    results,
  }
}
