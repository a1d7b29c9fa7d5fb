import { Problem } from '../api.ts'

/** A picture that is refused as a whole is a fault of the field that it came from. */
export const atPicture =
  (field: string) =>
  (error: unknown): never => {
    if (error instanceof Problem && (error.status === 413 || error.status === 415 || error.code.startsWith('picture.')))
      throw new Problem(error.status, {
        detail: error.message,
        code: error.code,
        instance: error.instance,
        errors: [{ path: `/${field}`, message: error.message, code: error.code }],
      })
    throw error
  }

/** Sends fields and a picture as one form; without a picture they go as JSON. */
export function withFile(field: string, file: unknown) {
  if (!(file instanceof File)) return {}
  return {
    bodySerializer: (body: object) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(body)) form.append(name, value === null ? '' : String(value))
      form.append(field, file)
      return form
    },
  }
}
