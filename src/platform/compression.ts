import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whose answers may go out compressed: always, or only if the caller has typed nothing that could stand in them. */
    compress?: 'always' | 'unless_typed'
    /** The names in the query whose values a caller makes up. */
    typed?: string[]
  }
}

export type Encoding = 'br' | 'gzip'

/** Smaller ones fit into a packet or two as they are. */
export const leastBytes = 1024

const brotli = promisify(brotliCompress)
const zip = promisify(gzip)

/** The bytes in this encoding; made on a thread, at a level that costs less time than it saves. */
export const compress = (body: Buffer, encoding: Encoding): Promise<Buffer> =>
  encoding === 'br'
    ? brotli(body, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: 5,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
        },
      })
    : zip(body, { level: 6 })

/** The better of ours that an Accept-Encoding names and does not refuse. */
export function acceptedEncoding(header: string | undefined): Encoding | undefined {
  const taken = header?.replace(/\b(br|gzip)\s*;\s*q=0(\.0*)?\s*(?=,|$)/g, '')
  if (!taken) return undefined
  if (/\bbr\b/.test(taken)) return 'br'
  return /\bgzip\b/.test(taken) ? 'gzip' : undefined
}

/**
 * The encoding that this caller takes and this route gives. None where a secret could stand beside what a caller typed, for
 * the length of such an answer tells how much the two have in common (BREACH).
 */
export function encodingFor({ headers, routeOptions, query }: FastifyRequest): Encoding | undefined {
  const { compress: may, typed = [] } = routeOptions.config
  if (!may) return undefined
  const hasTyped = typed.some((name) => (query as Record<string, unknown>)?.[name] !== undefined)
  return may === 'unless_typed' && hasTyped ? undefined : acceptedEncoding(headers['accept-encoding'])
}

/** Says of an answer that it depends on what encodings the caller takes. */
export function vary(reply: FastifyReply): void {
  const named = reply.getHeader('vary')
  if (!String(named ?? '').includes('accept-encoding'))
    reply.header('vary', named ? `${named}, accept-encoding` : 'accept-encoding')
}
