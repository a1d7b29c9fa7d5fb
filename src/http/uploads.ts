import type { IncomingMessage } from 'node:http'
import multipart from '@fastify/multipart'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The file that came, on a route that declares an upload. */
    upload: Buffer | undefined
  }
}

const uploadLimitBytes = 2 << 20

/** Lets routes take files: multipart where they declare an upload, the file itself where they declare no body besides. */
export async function acceptUploads(app: App): Promise<void> {
  app.decorateRequest('upload', undefined)
  const limits = { fileSize: uploadLimitBytes, files: 1, fields: 50, parts: 51, fieldSize: 64 << 10 }
  await app.register(multipart, { limits })
  const asJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (req, body: string, done) => {
    // UTF-16, read as UTF-8: a mark that is none, or every other byte a zero.
    if (/^(\ufffd\ufffd|\0.|.\0)/s.test(body)) done(new AppError(415, 'request.charset'))
    else void asJson(req, body, done)
  })
  // Read by its route, row by row.
  app.addContentTypeParser(/^text\/csv/, (_req, stream, done) => done(null, stream))
  app.addContentTypeParser(
    /^(image\/|application\/octet-stream)/,
    { parseAs: 'buffer', bodyLimit: uploadLimitBytes },
    (_req, body, done) => done(null, body),
  )
}

/** Refuses a file where none belongs, before any of it is read. */
export async function refuseFiles(req: FastifyRequest): Promise<void> {
  const type = req.headers['content-type'] ?? ''
  const { config, schema } = req.routeOptions
  const form = /^multipart\//i.test(type)
  const file = /^(image\/|application\/octet-stream)/i.test(type)
  const csv = /^text\/csv/i.test(type)
  const charset = /^application\/(?:[\w.+-]+\+)?json\b.*;\s*charset="?([\w-]+)/i.exec(type)?.[1]
  if (charset && !/^(utf-?8|us-ascii)$/i.test(charset)) throw new AppError(415, 'request.charset')
  if ((form && !config.upload && !config.csv) || (file && (!config.upload || schema?.body)) || (csv && !config.csv))
    throw new AppError(415, 'request.media_type')
}

/** So long a body may take to come; a CSV as long as it moves, until it is answered. */
const bodyDeadlineMs = 15_000

const late = new WeakSet<IncomingMessage>()

/** Cuts off a body that is not whole in time, with 408 where somebody waits for it. */
export function boundBody(req: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  const bound = () => {
    const deadline = setTimeout(() => {
      if (req.raw.complete) return
      if (reply.sent || !req.raw.listenerCount('error')) return void req.raw.destroy()
      reply.header('connection', 'close')
      late.add(req.raw)
      req.raw.emit('error', new AppError(408, 'request.too_slow'))
    }, bodyDeadlineMs)
    req.raw.once('close', () => clearTimeout(deadline))
  }
  if (coding !== undefined || Number(length) > 0) {
    if (!req.routeOptions.config.csv) bound()
    else
      reply.raw.once('finish', () => {
        if (req.raw.complete) return
        bound()
        readOn(req.raw)
      })
  }
  done()
}

/** Reads what nobody reads any more of a body that is answered, for the next request stands behind it. */
function readOn(body: IncomingMessage): void {
  body.unpipe()
  body.removeAllListeners('readable')
  setImmediate(() => body.resume())
}

/** A field of a form as JSON would have it: a form knows neither null nor true. */
function fieldOf(
  { emptyIsNull, booleans }: { emptyIsNull?: string[]; booleans?: string[] },
  name: string,
  value: unknown,
) {
  if (value === '' && emptyIsNull?.includes(name)) return null
  return booleans?.includes(name) && (value === 'true' || value === 'false') ? value === 'true' : value
}

/** Takes multipart apart: text fields become the body, which is validated as JSON would be, and the file is kept aside. */
export async function takeUpload(req: FastifyRequest): Promise<void> {
  // An empty PATCH changes nothing, also when its body is not even sent.
  if (req.method === 'PATCH' && req.body === undefined && !req.isMultipart()) req.body = {}
  if (Buffer.isBuffer(req.body)) {
    req.upload = req.body
    req.body = undefined
  }
  const { upload } = req.routeOptions.config
  if (!upload || !req.isMultipart()) return
  const body: Record<string, unknown> = {}
  try {
    for await (const part of req.parts()) {
      if (part.type === 'field') {
        body[part.fieldname] = fieldOf(upload, part.fieldname, part.value)
      } else if (part.fieldname === upload.field) {
        const content = await part.toBuffer()
        // What a form sends when no file was chosen.
        if (content.length || part.filename) req.upload = content
      } else {
        part.file.resume()
        // A file where a field belongs is refused by every schema.
        body[part.fieldname] = { file: part.filename }
      }
    }
  } catch (error) {
    if (late.has(req.raw)) throw new AppError(408, 'request.too_slow')
    // Cut off, without a boundary, or no multipart at all.
    throw (error as { statusCode?: number }).statusCode
      ? error
      : new AppError(400, 'request.malformed', {}, { cause: error })
  }
  req.body = body
}
