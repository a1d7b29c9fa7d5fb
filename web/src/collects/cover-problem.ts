import { Problem } from '../api.ts'

/** A picture that is refused as a whole is a fault of the field it came from. */
export function atCover(error: unknown): never {
  if (
    error instanceof Problem &&
    (error.status === 413 || error.status === 415 || error.code.startsWith('collects.cover'))
  )
    throw new Problem(error.status, {
      detail: error.message,
      code: error.code,
      instance: error.instance,
      errors: [{ path: '/cover', message: error.message, code: error.code }],
    })
  throw error
}
