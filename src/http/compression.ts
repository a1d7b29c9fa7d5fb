import type { onSendAsyncHookHandler, RouteOptions } from 'fastify'
import { compress, encodingFor, leastBytes, vary } from '../platform/compression.ts'

/** What nobody but its owner may see; its name in an answer keeps that answer from being compressed. */
const secrets = ['access', 'refresh', 'token', 'password', 'secret', 'code', 'invite_code', 'text', 'html']

const numbers = ['integer', 'number', 'boolean']

type Schema = {
  $id?: string
  $ref?: string
  properties?: Record<string, Schema>
  enum?: unknown
  type?: string
  items?: Schema
}

/** Every name of a field in a schema, also behind references. */
function namesIn(schema: unknown, shapes: Map<string, Schema>, seen = new Set<unknown>()): string[] {
  if (!schema || typeof schema !== 'object' || seen.has(schema)) return []
  seen.add(schema)
  const { $ref, properties } = schema as Schema
  return [
    ...Object.keys(properties ?? {}),
    ...namesIn($ref && shapes.get($ref), shapes, seen),
    ...Object.values(schema).flatMap((part) => namesIn(part, shapes, seen)),
  ]
}

/** What a route says of compression, by its declaration: reading it is open to all, or it shows nothing secret. */
export function compressionOf(
  route: RouteOptions,
  shapes: readonly object[],
): Pick<NonNullable<RouteOptions['config']>, 'compress' | 'typed'> {
  const { response, querystring } = (route.schema ?? {}) as { response?: object; querystring?: Schema }
  const known = new Map(shapes.map((shape) => [(shape as Schema).$id!, shape as Schema]))
  const answer = (response as Record<number, unknown> | undefined)?.[200]
  if (!['GET', 'HEAD'].includes(String(route.method)) || !answer) return {}
  if (namesIn(answer, known).some((name) => secrets.includes(name))) return {}
  const typed = Object.entries(querystring?.properties ?? {})
    .filter(([, { type, enum: choice, items }]) => !choice && !items?.enum && !numbers.includes(type ?? ''))
    .map(([name]) => name)
  return { compress: route.config?.access === 'anyone' ? 'always' : 'unless_typed', typed }
}

/** Compresses a whole answer that is long enough; a stream, a file and what is compressed already go out as they are. */
export const compressAnswer: onSendAsyncHookHandler = async (req, reply, payload) => {
  const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload)
  if (!isWhole || reply.statusCode !== 200 || reply.hasHeader('content-encoding')) return payload
  if (!String(reply.getHeader('content-type')).startsWith('application/json')) return payload
  const body = Buffer.from(payload as string)
  if (body.length < leastBytes) return payload
  vary(reply)
  const encoding = encodingFor(req)
  if (!encoding) return payload
  const etag = reply.getHeader('etag')
  if (etag) reply.header('etag', String(etag).replace(/^(?!W\/)/, 'W/'))
  reply.header('content-encoding', encoding).removeHeader('content-length')
  return compress(body, encoding)
}
