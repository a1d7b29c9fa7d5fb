import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type FieldFault, isBusy, isDatabaseAway } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { fieldFaultsOf } from './validation.ts'

/** Codes by which Fastify's own refusals are worded. */
const codeOfStatus: Record<number, string> = {
  400: 'request.malformed',
  404: 'request.not_found',
  408: 'request.too_slow',
  413: 'request.too_large',
  415: 'request.media_type',
  429: 'request.too_many',
  503: 'request.closing',
}

/** Any error as the refusal that the caller is told; what is nobody's refusal is a bug and says nothing of itself. */
function refusalOf(
  error: Error & { statusCode?: number; validation?: never[]; validationContext?: string; code?: string },
): AppError {
  if (error instanceof AppError) return error
  if (error.validation) {
    if (error.validationContext === 'params') return new AppError(404, 'request.not_found')
    return new AppError(400, 'request.invalid', {}, { faults: fieldFaultsOf(error.validation) })
  }
  if (isDatabaseAway(error)) return new AppError(503, 'request.database_away', {}, { retryAfterSeconds: 2 })
  if (isBusy(error)) return new AppError(503, 'request.busy', {}, { retryAfterSeconds: 1 })
  if (error.code === '53100') return new AppError(503, 'request.no_room', {}, { retryAfterSeconds: 30, cause: error })
  if (error.code === '53200' || error.code === '53400')
    return new AppError(503, 'request.busy', {}, { retryAfterSeconds: 5, cause: error })
  // A value that no schema foresaw and the database cannot read is the caller's all the same.
  if (/^22(021|P02|P05|007|008|003)$/.test(error.code ?? ''))
    return new AppError(400, 'request.malformed', {}, { cause: error })
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH') return new AppError(404, 'request.not_found')
  const status = error.statusCode
  if (status && codeOfStatus[status]) return new AppError(status, codeOfStatus[status])
  return new AppError(500, 'request.failed')
}

/** Answers an error as an RFC 9457 problem in the caller's language. */
export function sendProblem({ translate }: Platform, error: Error, req: FastifyRequest, reply: FastifyReply) {
  const refusal = refusalOf(error)
  const { status, code, params } = refusal
  if (status >= 500)
    req.log[status === 500 ? 'error' : 'warn'](
      { err: refusal.cause ?? error, user_id: req.viewer?.id },
      'a request failed',
    )
  if (refusal.retryAfterSeconds) reply.header('retry-after', refusal.retryAfterSeconds)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  const words = (fault: FieldFault) => ({
    path: fault.path,
    message: translate(req.locale, fault.code, fault.params),
    code: fault.code,
  })
  return reply
    .code(status)
    .type('application/problem+json')
    .header('content-language', req.locale)
    .header('cache-control', 'no-store')
    .send({
      type: `urn:dvor:problem:${code}`,
      title: translate(req.locale, `status.${status}`),
      status,
      detail: translate(req.locale, code, params),
      code,
      instance: req.id,
      ...(refusal.faults ? { errors: refusal.faults.map(words) } : {}),
      ...(refusal.values ? { values: refusal.values } : {}),
    })
}

const parserRefusals: Record<string, [status: number, code: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request.too_slow'],
  HPE_HEADER_OVERFLOW: [431, 'request.head_too_large'],
}

/** Answers what is no request that anybody could read, in the language of the installation, and ends its connection. */
export function refuseUnread(
  { config, translate, log }: Platform,
  error: Error & { code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [status, code] = parserRefusals[error.code ?? ''] ?? [400, 'request.malformed']
  log.debug({ err: error, status }, 'a request could not be read')
  // Into the middle of another answer nothing may be written.
  const { _httpMessage: answer } = socket as { _httpMessage?: { _headerSent?: boolean } }
  if (socket.writable && !answer?._headerSent) {
    const locale = config.LOCALE
    const problem = JSON.stringify({
      type: `urn:dvor:problem:${code}`,
      title: translate(locale, `status.${status}`),
      status,
      detail: translate(locale, code),
      code,
      instance: randomUUID(),
    })
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
        `Content-Language: ${locale}\r\nCache-Control: no-store\r\nConnection: close\r\n` +
        `Content-Length: ${Buffer.byteLength(problem)}\r\n\r\n${problem}`,
    )
  }
  socket.destroy(error)
}
