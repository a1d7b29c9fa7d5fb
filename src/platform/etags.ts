import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
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

/** Sends JSON that is there as bytes under its ETag; 304 where the caller has it. */
export function sendTagged(req: FastifyRequest, reply: FastifyReply, body: Buffer, etag: string) {
  reply.header('etag', etag)
  const wanted = req.headers['if-none-match']
  if (wanted && (wanted.trim() === '*' || tagsOf(wanted).includes(etag))) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(body)
}

/** Sends a row that people edit, as it was read for this request, under its ETag; 304 where the caller has it. */
export function sendEdition(req: FastifyRequest, reply: FastifyReply, answer: object, edits: readonly string[]) {
  const serialize = reply.getSerializationFunction('200') as (answer: object) => string
  const body = Buffer.from(serialize(answer))
  reply.header('cache-control', 'private, no-cache')
  return sendTagged(req, reply, body, etagOf(body, answer, edits))
}

// A proxy that compresses makes a tag weak.
const tagsOf = (header: string) => header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
