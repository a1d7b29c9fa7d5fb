import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Encoding, leastBytes, vary } from './compression.ts'
import { AppError } from './errors.ts'

const hash = (of: string | Buffer, length: number) =>
  createHash('sha256').update(of).digest('base64url').slice(0, length)

const editionOf = (answer: object, edits: readonly string[]) =>
  hash(JSON.stringify(edits.map((field) => (answer as Record<string, unknown>)[field])), 8)

/**
 * The ETag of an answer, made of its bytes. Where people edit what it shows, its beginning is made of the fields that they
 * edit, and If-Match looks at that alone: a payment that comes in does not spoil the author's edit.
 */
export function etagOf(body: Buffer, answer: object, edits?: readonly string[]): string {
  return edits ? `"${editionOf(answer, edits)}${hash(body, 14)}"` : `"${hash(body, 22)}"`
}

/** Throws 412 if an If-Match names another edition than this, which was read under the lock of the row. */
export function checkMatch(match: string | undefined, answer: object, edits: readonly string[]): void {
  if (match === undefined || match.trim() === '*') return
  const start = `"${editionOf(answer, edits)}`
  if (!tagsOf(match).some((tag) => tag.startsWith(start))) throw new AppError(412, 'request.changed')
}

/**
 * Sends JSON that is there as bytes under its ETag; 304 where the caller has it. `small` are its bytes in the encoding that
 * the caller takes, if they are there: other bytes of the same, so the tag is weak then.
 */
export function sendTagged(
  req: FastifyRequest,
  reply: FastifyReply,
  { body, etag, small }: { body: Buffer; etag: string; small?: { encoding: Encoding; body: Buffer } | undefined },
) {
  if (body.length >= leastBytes && req.routeOptions.config.compress) vary(reply)
  reply.header('etag', small ? `W/${etag}` : etag)
  const wanted = req.headers['if-none-match']
  if (wanted && (wanted.trim() === '*' || tagsOf(wanted).includes(etag))) return reply.code(304).send()
  if (small) reply.header('content-encoding', small.encoding)
  return reply.type('application/json; charset=utf-8').send(small?.body ?? body)
}

/** Sends a row that people edit, as it was read for this request, under its ETag; 304 where the caller has it. */
export function sendEdition(req: FastifyRequest, reply: FastifyReply, answer: object, edits: readonly string[]) {
  const serialize = reply.getSerializationFunction('200') as (answer: object) => string
  const body = Buffer.from(serialize(answer))
  reply.header('cache-control', 'private, no-cache')
  return sendTagged(req, reply, { body, etag: etagOf(body, answer, edits) })
}

// Who compresses makes a tag weak: we, or a proxy.
const tagsOf = (header: string) => header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
