import type { FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { fieldFault } from './errors.ts'
import { badCursor, Choice, Nullable } from './schemas.ts'

/** How far `page=` reaches in a list that is walked by cursor. */
const furthestOffset = 10_000

export const pageQuery = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'From 1' })),
  page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '20 unless given' })),
}
export const cursorQuery = {
  ...pageQuery,
  cursor: Type.Optional(Type.String({ maxLength: 100, description: 'Opaque, from `next` or `previous`' })),
}

/** The closed set of orderings of a list: each field, and with `-` from the greatest down. */
export const Ordering = <const F extends string>(...fields: F[]) =>
  Type.Optional(Choice([...fields, ...fields.map((f) => `-${f}` as const)] as (F | `-${F}`)[]))

export const Page = <T extends TSchema>(item: T, more: Record<string, TSchema> = {}) =>
  Type.Object({
    count: Nullable(Type.Integer()),
    next: Nullable(Type.String()),
    previous: Nullable(Type.String()),
    results: Type.Array(item),
    ...more,
  })

/** The query of a list that names no ordering of its own. */
export const plainQuery = { ...pageQuery, ordering: Ordering('created_at', 'id') }

export type PageOf<T> = { count: number | null; next: string | null; previous: string | null; results: T[] }

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

/** Where a walk by id stands: fetch `limit + 1` rows that compare so with `id`, in this order, from this offset. */
export type CursorRequest = PageRequest & {
  id: number | null
  descending: boolean
  reverse: boolean
  withCount: boolean
}

/** Which rows of a list walked by id are asked for; newest first unless `ordering` is `id` or `created_at`. */
export function cursorRequest(req: FastifyRequest): CursorRequest {
  const request = pageRequest(req)
  const { cursor, page, ordering = '-id' } = req.query as { cursor?: string; page?: number; ordering?: string }
  if (request.offset + request.limit > furthestOffset)
    throw fieldFault('/page', 'validation.page_too_far', { limit: furthestOffset })
  const parsed =
    cursor === undefined ? undefined : /^([np])(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (parsed === null || (cursor !== undefined && page !== undefined)) throw badCursor()
  const reverse = parsed?.[1] === 'p'
  return {
    ...request,
    offset: parsed ? 0 : request.offset,
    id: parsed ? Number(parsed[2]) : null,
    descending: ordering.startsWith('-') !== reverse,
    reverse,
    withCount: !parsed,
  }
}

/** The answer of a list walked by id, from up to `limit + 1` rows in the order asked for. */
export function cursorAnswer<T extends { id: number }>(
  request: CursorRequest,
  rows: T[],
  count: number | null,
): PageOf<T> {
  const more = rows.length > request.limit
  const results = rows.slice(0, request.limit)
  if (request.reverse) results.reverse()
  const link = (direction: 'n' | 'p', row: T | undefined) =>
    row ? linkTo(request, { page: undefined, cursor: Buffer.from(direction + row.id).toString('base64url') }) : null
  const came = request.id !== null || request.offset > 0
  return {
    count,
    next: request.reverse || more ? link('n', results.at(-1)) : null,
    previous: (request.reverse ? more : came) ? link('p', results[0]) : null,
    results,
  }
}
