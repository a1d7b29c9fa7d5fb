import createClient from 'openapi-fetch'
import type { components, paths } from './api.gen.ts'
import { language } from './i18n.ts'
import { accessToken, endSession, loginAgain, refreshSession } from './session.ts'

export type Shapes = components['schemas']

/** A refusal of the server (RFC 9457), or no answer at all (`status` 0). */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  /** Id of the request, by which an administrator finds it in the log. */
  readonly instance: string
  readonly faults: { path: string; message: string }[]
  /** What it is about: sums that are others now. */
  readonly values: Record<string, string>

  constructor(status: number, body: Partial<Shapes['Problem']> = {}) {
    super(body.detail ?? body.title ?? '')
    this.status = status
    this.code = body.code ?? ''
    this.instance = body.instance ?? ''
    this.faults = body.errors ?? []
    this.values = body.values ?? {}
  }
}

/** True when nobody is at fault and the same request may succeed later. */
export const isAway = (error: unknown) => error instanceof Problem && (error.status === 0 || error.status >= 502)

function withHeaders(request: Request): Request {
  request.headers.set('accept-language', language())
  const token = accessToken()
  if (token) request.headers.set('authorization', `Bearer ${token}`)
  return request
}

declare global {
  interface Window {
    /** What the page itself has asked the API already, by path. */
    dvorAsked?: Record<string, Promise<Response>>
  }
}

/** The answer that is on its way since the page was read; each serves once. */
function askedAhead(request: Request): Promise<Response> | undefined {
  const path = request.method === 'GET' ? request.url.slice(location.origin.length) : ''
  const answer = window.dvorAsked?.[path]
  if (answer) delete window.dvorAsked?.[path]
  return answer
}

const codeOf = async (response: Response): Promise<unknown> =>
  (
    await response
      .clone()
      .json()
      .catch(() => undefined)
  )?.code

/** Asks the person of a login that has ended to sign in again; who will not is a visitor from now on. */
async function stays(): Promise<boolean> {
  if (accessToken() === undefined) return false
  if (await loginAgain()) return true
  endSession()
  return false
}

/**
 * Sends a request. One that came with a token that has run out is sent again with a fresh one, and one that needs a
 * recent login after the person has signed in again; so what they typed stays.
 */
async function send(request: Request): Promise<Response> {
  const token = accessToken()
  if (!token) return askedAhead(request) ?? fetch(withHeaders(request))
  let response = await fetch(withHeaders(request.clone()))
  if (response.status === 401 && (accessToken() !== token || (await refreshSession()) || (await stays())))
    response = await fetch(withHeaders(request.clone()))
  if (response.status === 403 && (await codeOf(response)) === 'accounts.login_again' && (await loginAgain()))
    response = await fetch(withHeaders(request))
  return response
}

export const api = createClient<paths>({ fetch: send, querySerializer: { array: { style: 'form', explode: true } } })

/** The answer of a call to `api`; throws a Problem when it is none. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const result = await call.catch(() => {
    throw new Problem(0)
  })
  if (!result.response.ok) throw new Problem(result.response.status, result.error as Partial<Shapes['Problem']>)
  return result.data as T
}

/** The cursor in `next` of a list, for the page after it. */
export const cursorOf = (next: string | null) =>
  next ? (new URL(next, location.origin).searchParams.get('cursor') ?? undefined) : undefined

/** A fresh Idempotency-Key. Not `crypto.randomUUID`, which plain http does not have. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
