/** A fault of one field of a body; `path` is a JSON pointer into it. */
export type FieldFault = { path: string; code: string; params?: Record<string, unknown> }

/** A refusal that the caller may read: a status, a stable code worded in the catalogue, and what the words name. */
export class AppError extends Error {
  readonly status: number
  readonly code: string
  readonly params: Record<string, unknown>
  readonly faults: FieldFault[] | undefined
  readonly retryAfterSeconds: number | undefined
  /** What the refusal is about, for programs: a sum that is another now. */
  readonly values: Record<string, string> | undefined

  constructor(
    status: number,
    code: string,
    params: Record<string, unknown> = {},
    more: {
      faults?: FieldFault[]
      retryAfterSeconds?: number
      cause?: unknown
      values?: Record<string, string>
    } = {},
  ) {
    super(code, { cause: more.cause })
    this.status = status
    this.code = code
    this.params = params
    this.faults = more.faults
    this.retryAfterSeconds = more.retryAfterSeconds
    this.values = more.values
  }
}

/** A 400 that names the field at fault. */
export function fieldFault(path: string, code: string, params: Record<string, unknown> = {}): AppError {
  return fieldFaults([{ path, code, params }])
}

/** A 400 that names every field at fault. */
export function fieldFaults(faults: FieldFault[]): AppError {
  return new AppError(400, 'request.invalid', {}, { faults })
}

/** A 404; the same for a row that is not there and one that the caller may not see. */
export function notFound(): AppError {
  return new AppError(404, 'request.not_found')
}

type DatabaseError = { code?: string; constraint?: string; message?: string; cause?: unknown }

const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '53300',
  '25006',
])
const awayMessages =
  /Connection terminated|Client has encountered a connection error|Query read timeout|Client was closed|not queryable/

const noConnection = /^timeout exceeded when trying to connect|due to connection timeout|^timeout expired/

/** True when a lock, a statement or a free connection was waited for too long: nothing was done, and a retry may help. */
export function isBusy(error: unknown): boolean {
  const e = error as DatabaseError | undefined
  return Boolean(e && (['55P03', '57014'].includes(e.code ?? '') || noConnection.test(e.message ?? '')))
}

/** True when PostgreSQL could not be reached or went away: nothing is known to be done, and a retry may help. */
export function isDatabaseAway(error: unknown): boolean {
  const e = error as DatabaseError | undefined
  return Boolean(e && !isBusy(e) && (awayCodes.has(e.code ?? '') || awayMessages.test(e.message ?? '')))
}

/** True for a transaction that lost to a deadlock or a broken serialisation and can simply be repeated. */
export function isRepeatable(error: unknown): boolean {
  return ['40P01', '40001'].includes((error as DatabaseError)?.code ?? '')
}

/** The violated constraint of a unique or foreign key or check, if the error is one. */
export function violated(error: unknown): string | undefined {
  const e = error as DatabaseError
  return e?.code?.startsWith('23') ? e.constraint : undefined
}
