import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { notFound } from '../platform/errors.ts'
import { Closed } from './schemas.ts'

/** The name of a picture in an address. */
export const PictureParams = Closed({ name: Type.String({ pattern: '^[0-9a-f]{32}-[0-9a-f]{8}\\.jpg$' }) })

/** Answers with a picture that browsers may keep for ever, for its name bears the content's hash; 404 without one. */
export function sendPicture(reply: FastifyReply, content: Buffer | undefined): FastifyReply {
  if (!content) throw notFound()
  return reply.type('image/jpeg').header('cache-control', 'public, max-age=31536000, immutable').send(content)
}
