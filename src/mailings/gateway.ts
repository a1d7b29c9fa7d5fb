import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../platform/module.ts'
import { type Outgoing, OutgoingError, type OutgoingFault, openOutgoing } from '../platform/outgoing.ts'
import { reasonOf } from './reasons.ts'
import { mailingsSettings } from './settings.ts'

/** What one call of the gateway came to; `answerMs` where the gateway answered, `retryAfterMs` where it asked for a pause. */
export type Outcome = {
  /** `refused` counts towards the three that end a message; `failed` is tried again; `unsent`: no byte left. */
  kind: 'sent' | 'refused' | 'failed' | 'cut_off' | 'unsent'
  reason: string | null
  answerMs: number | null
  /** Whether the answer counts as an error of the last 200; null where it counts as none of them. */
  error: boolean | null
  retryAfterMs?: number | undefined
}
export type Call = {
  id: number
  phone: string
  text: string
  signal?: AbortSignal
  mayStart?: () => boolean
}

/** An answer of this length is none of a gateway. */
const maxBytes = 64 << 10
const longestPauseMs = 86_400_000

/** The connection of this process to the gateway, or the one of an installation that has none. */
export function openGateway(platform: Platform): Outgoing {
  const { GATEWAY_URL, GATEWAY_TIMEOUT_MS, GATEWAY_CONCURRENCY } = mailingsSettings(platform)
  if (GATEWAY_URL === 'sandbox') return sandbox()
  return openOutgoing({
    name: 'gateway',
    origin: GATEWAY_URL,
    timeoutMs: GATEWAY_TIMEOUT_MS,
    maxBytes,
    concurrency: GATEWAY_CONCURRENCY,
    log: platform.log,
  })
}
export const gatewayOf = (platform: Platform): Outgoing => platform.own(openGateway, (gateway) => gateway.close())

/** Takes every message after a moment, so that one sees a mailing go. */
function sandbox(): Outgoing {
  let inFlight = 0
  const ok = { status: 200, headers: {}, body: Buffer.from('{"code":0,"message":"OK"}') }
  return {
    async request({ signal, mayStart }) {
      if (mayStart?.() === false) throw new OutgoingError('aborted', 'sandbox: cut off')
      inFlight++
      try {
        await pause(30 + Math.random() * 60, undefined, { signal })
        return ok
      } catch (error) {
        throw new OutgoingError('aborted', 'sandbox: cut off', error)
      } finally {
        inFlight--
      }
    },
    state: () => ({ breaker: 'closed', in_flight: inFlight, latency_ms: null }),
    restsMs: () => 0,
    close: async () => {},
  }
}

/** Sends one message as the contract says. What goes wrong is an outcome, not an error. */
export async function callGateway(platform: Platform, { id, phone, text, signal, mayStart }: Call): Promise<Outcome> {
  const { GATEWAY_URL, GATEWAY_TOKEN } = mailingsSettings(platform)
  const base = GATEWAY_URL === 'sandbox' ? '' : new URL(GATEWAY_URL).pathname.replace(/\/$/, '')
  let began = false
  const started = performance.now()
  try {
    const answer = await gatewayOf(platform).request({
      method: 'POST',
      path: `${base}/v1/send/${id}`,
      headers: {
        'content-type': 'application/json',
        ...(GATEWAY_TOKEN ? { authorization: `Bearer ${GATEWAY_TOKEN}` } : {}),
      },
      body: JSON.stringify({ id, phone: Number(phone), text }),
      signal,
      mayStart: () => {
        began = mayStart?.() ?? true
        return began
      },
    })
    return outcomeOf(answer, performance.now() - started)
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    return faultOutcome(error.fault, began)
  }
}

function faultOutcome(fault: OutgoingFault, began: boolean): Outcome {
  const nothing = { answerMs: null, error: null }
  // Nothing was tried: the endpoint rests, or the end or a stop came first.
  if (fault === 'resting' || (fault === 'aborted' && !began)) return { kind: 'unsent', reason: null, ...nothing }
  if (fault === 'aborted') return { kind: 'cut_off', reason: reasonOf('cut_off'), ...nothing }
  return { kind: 'failed', reason: reasonOf(fault), answerMs: null, error: fault === 'too_large' ? true : null }
}

type Answer = Awaited<ReturnType<Outgoing['request']>>

/** Only a 200 with the code 0 is a yes, and only 4xx and another code are a no; anything else says nothing. */
export function outcomeOf({ status, headers, body }: Answer, answerMs: number): Outcome {
  const retryAfterMs = pauseOf(headers)
  if (status === 429) return { kind: 'failed', reason: reasonOf('status', 429), answerMs, error: null, retryAfterMs }
  if (status >= 500) return { kind: 'failed', reason: reasonOf('status', status), answerMs, error: true, retryAfterMs }
  if (status >= 400) return { kind: 'refused', reason: reasonOf('status', status), answerMs, error: true }
  const said = status === 200 ? parsed(body) : undefined
  if (!Number.isSafeInteger(said?.code)) return { kind: 'failed', reason: reasonOf('garbage'), answerMs, error: true }
  if (said!.code === 0) return { kind: 'sent', reason: null, answerMs, error: false }
  const words = typeof said!.message === 'string' ? ` ${said!.message}` : ''
  return { kind: 'refused', reason: reasonOf('code', said!.code + words), answerMs, error: true }
}

function parsed(body: Buffer): { code: number; message?: unknown } | undefined {
  try {
    const value = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** `Retry-After` as seconds or as a date, which is held against the gateway's own `Date` and not against our clock. */
function pauseOf(headers: Answer['headers']): number | undefined {
  const [asked, now] = [headers['retry-after'], headers.date].map((h) => String(h ?? ''))
  if (/^\d+$/.test(asked!)) return Math.min(Number(asked) * 1000, longestPauseMs)
  const at = Date.parse(asked!)
  if (Number.isNaN(at)) return undefined
  return Math.min(Math.max(0, at - (Date.parse(now!) || Date.now())), longestPauseMs)
}

const firstPauseMs = 1000
const longestRetryMs = 60_000

/**
 * How long a message waits after its nth try failed: about a second at first and about twice as long each time, no less than
 * the gateway asked for, and so that one try more fits in before the end.
 */
export function retryPauseMs(attempt: number, leftMs: number, askedMs = 0): number {
  const grown = Math.min(firstPauseMs * 2 ** (attempt - 1), longestRetryMs) * (0.75 + Math.random() / 2)
  return Math.max(Math.min(grown, Math.max(firstPauseMs, leftMs / 2)), askedMs)
}
