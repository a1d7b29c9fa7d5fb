import {
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IBackoff,
  type IBackoffFactory,
} from 'cockatiel'
import { type Dispatcher, Pool } from 'undici'
import type { Logger } from './log.ts'
import { outgoingBreaker, outgoingSeconds } from './metrics.ts'

export type OutgoingRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** Ends the wait for a turn, and cuts the call off before its deadline. */
  signal?: AbortSignal
  /** Asked right before the first byte leaves, also by a call that waited for its connection; false: nothing is sent. */
  mayStart?: () => boolean
}
export type OutgoingAnswer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }

/**
 * Why there is no answer: no connection could be made (`unreachable`: nothing was sent), the deadline passed, the
 * answer was no HTTP or broke off, it was longer than allowed, the caller cut it off, or the endpoint failed so often
 * that it is left alone for a while and nothing was tried (`resting`).
 */
export type OutgoingFault = 'unreachable' | 'timeout' | 'broken' | 'too_large' | 'aborted' | 'resting'

export class OutgoingError extends Error {
  readonly fault: OutgoingFault
  constructor(fault: OutgoingFault, message: string, cause?: unknown) {
    super(message, { cause })
    this.fault = fault
  }
}

export type Outgoing = {
  /** One try. Redirects are answers like others; so is any status. Throws OutgoingError and nothing else. */
  request(request: OutgoingRequest): Promise<OutgoingAnswer>
  state(): OutgoingState
  /** For how many milliseconds the endpoint is still left alone, 0 when a call may be made. */
  restsMs(): number
  /** Cuts off what is under way. */
  close(): Promise<void>
}
export type OutgoingState = {
  breaker: 'closed' | 'open' | 'half_open'
  in_flight: number
  latency_ms: { p50: number; p95: number; p99: number } | null
}

/** After so many failures in a row an endpoint is left alone: 1 s at first, and twice as long each time up to 30 s. */
const defaultBreaker = { failures: 10, pauseMs: 1000, longestPauseMs: 30_000 }
const latencySamples = 500

const connectCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * Calls of one origin: at most `concurrency` at once, the others wait for their turn for as long as their callers like, and
 * that counts as no failure. For each call one deadline of `timeoutMs` over connecting, headers and body; no more than
 * `maxBytes` of a body are read. A server that fails (no answer, or 5xx) many times in a row is left alone for a growing
 * while.
 */
export function openOutgoing(options: {
  name: string
  origin: string
  timeoutMs: number
  maxBytes: number
  concurrency: number
  log: Logger
  breaker?: Partial<typeof defaultBreaker>
}): Outgoing {
  const { name, timeoutMs, maxBytes, log } = options
  const limits = { ...defaultBreaker, ...options.breaker }
  const pool = new Pool(new URL(options.origin).origin, {
    connections: options.concurrency,
    connect: { timeout: timeoutMs },
    // The deadline below ends head and body alike; these would only blur it.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  })
  let restsUntil = 0
  /** The backoff of the breaker, which does not say itself when it ends. */
  const watched = <T>(pauses: IBackoffFactory<T>): IBackoffFactory<T> => ({
    next(context): IBackoff<T> {
      const pause = pauses.next(context)
      restsUntil = performance.now() + pause.duration
      return { duration: pause.duration, next: watched(pause).next }
    },
  })
  // A probe that its caller cut off proves nothing, so it must not close the breaker.
  const breaker = circuitBreaker(
    handleWhen(
      (error) => (error as OutgoingError).fault !== 'aborted' || breaker.state === CircuitState.HalfOpen,
    ).orWhenResult((answer) => (answer as OutgoingAnswer).status >= 500),
    {
      breaker: new ConsecutiveBreaker(limits.failures),
      halfOpenAfter: watched(new ExponentialBackoff({ initialDelay: limits.pauseMs, maxDelay: limits.longestPauseMs })),
    },
  )
  const states = { [CircuitState.HalfOpen]: 1, [CircuitState.Open]: 2 } as Record<CircuitState, number>
  outgoingBreaker.set({ endpoint: name }, 0)
  breaker.onStateChange((state) => outgoingBreaker.set({ endpoint: name }, states[state] ?? 0))
  breaker.onBreak(() => log.warn({ endpoint: name }, 'the endpoint fails and is left alone for a while'))
  breaker.onReset(() => log.info({ endpoint: name }, 'the endpoint answers again'))
  const turns = bulkhead(options.concurrency, Number.POSITIVE_INFINITY)
  const latencies: number[] = []
  let inFlight = 0

  const aborted = (cause?: unknown) => new OutgoingError('aborted', `${name}: cut off`, cause)
  function faultOf(error: unknown): OutgoingError {
    if (error instanceof OutgoingError) return error
    const { code = '', message } = error as { code?: string; message: string }
    const fault = connectCodes.has(code) ? 'unreachable' : 'broken'
    return new OutgoingError(fault, `${name}: ${fault}, ${code || message}`, error)
  }

  /** One exchange, over at the deadline whatever it waits for: a connection hears no signal while it is being made. */
  function once({ method, path, headers, body, signal, mayStart }: OutgoingRequest): Promise<OutgoingAnswer> {
    return new Promise((resolve, reject) => {
      let exchange: Dispatcher.DispatchController | undefined
      let over = false
      const chunks: Buffer[] = []
      let bytes = 0
      const answer: OutgoingAnswer = { status: 0, headers: {}, body: Buffer.alloc(0) }
      const end = (): boolean => {
        if (over) return false
        over = true
        clearTimeout(late)
        signal?.removeEventListener('abort', onAbort)
        return true
      }
      const fail = (error: unknown) => {
        if (!end()) return
        reject(faultOf(error))
        // Destroys the connection: what comes of this answer must not be taken for that of the next.
        exchange?.abort(error as Error)
      }
      const onAbort = () => fail(aborted(signal?.reason))
      const late = setTimeout(
        () => fail(new OutgoingError('timeout', `${name}: no whole answer within ${timeoutMs} ms`)),
        timeoutMs,
      )
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort)
      pool.dispatch(
        { method, path, headers: { 'user-agent': 'dvor', ...headers }, body: body ?? null },
        {
          onRequestStart(controller) {
            // Thrown here, nothing of it is written, and the connection stays as it is.
            if (over || mayStart?.() === false) throw aborted()
            exchange = controller
          },
          onResponseStart(_controller, status, given) {
            answer.status = status
            answer.headers = given
          },
          onResponseData(_controller, chunk) {
            bytes += chunk.length
            if (bytes > maxBytes) fail(new OutgoingError('too_large', `${name}: the answer is over ${maxBytes} bytes`))
            else chunks.push(chunk)
          },
          onResponseEnd() {
            if (!end()) return
            answer.body = Buffer.concat(chunks)
            resolve(answer)
          },
          onResponseError: (_controller, error) => fail(error),
        },
      )
    })
  }

  /** A call whose turn has come: nothing is sent while the endpoint rests. */
  async function attempt(request: OutgoingRequest): Promise<OutgoingAnswer> {
    const resting = () => new OutgoingError('resting', `${name}: failed too often and is left alone for a while`)
    // While one call tries whether the endpoint is back, the others do not wait for it.
    if (breaker.state === CircuitState.HalfOpen) throw resting()
    const started = performance.now()
    inFlight++
    let outcome = 'resting'
    try {
      const answer = await breaker.execute(() => once(request))
      outcome = String(answer.status)
      return answer
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw resting()
      outcome = error.fault
      throw error
    } finally {
      inFlight--
      const ms = performance.now() - started
      outgoingSeconds.observe({ endpoint: name, outcome }, ms / 1000)
      if (outcome !== 'resting' && latencies.push(ms) > latencySamples) latencies.shift()
    }
  }

  return {
    async request(request) {
      const { signal } = request
      if (signal?.aborted) throw aborted(signal.reason)
      if (!signal || turns.executionSlots > 0) return turns.execute(() => attempt(request))
      const { promise: cut, reject } = Promise.withResolvers<never>()
      const onAbort = () => reject(aborted(signal.reason))
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        // Whose wait was ended is passed over when the turn comes.
        return await Promise.race([cut, turns.execute(() => attempt(request), signal)])
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    restsMs: () => (breaker.state === CircuitState.Open ? Math.max(0, restsUntil - performance.now()) : 0),
    state() {
      const sorted = [...latencies].sort((a, b) => a - b)
      const at = (share: number) => Math.round(sorted[Math.ceil(sorted.length * share) - 1]!)
      return {
        breaker:
          breaker.state === CircuitState.Open
            ? 'open'
            : breaker.state === CircuitState.HalfOpen
              ? 'half_open'
              : 'closed',
        in_flight: inFlight,
        latency_ms: sorted.length ? { p50: at(0.5), p95: at(0.95), p99: at(0.99) } : null,
      }
    },
    close: () => pool.destroy(),
  }
}
