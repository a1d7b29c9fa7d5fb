import type pg from 'pg'
import { bareTransaction, type Client, repeated, run } from './database.ts'
import { AppError, isDatabaseAway } from './errors.ts'
import { claimKeys, dropKeys, type Once, replayed, storeAnswers } from './idempotency.ts'
import { batchSize, batchSplits } from './metrics.ts'

/**
 * Gathers calls: those that arrive while one run is under way become the next run, begun after they arrived.
 * An idle gatherer adds no wait. `work` answers each item in its place, with an Error for one that fails alone.
 */
export function gather<I, O>(limit: number, work: (items: I[]) => Promise<(O | Error)[]>): (item: I) => Promise<O> {
  let waiting: { item: I; resolve: (result: O) => void; reject: (error: unknown) => void }[] = []
  let running = false

  async function pump() {
    while (waiting.length) {
      const now = waiting.slice(0, limit)
      waiting = waiting.slice(limit)
      try {
        const results = await work(now.map((w) => w.item))
        now.forEach((w, i) => {
          const result = results[i]
          result instanceof Error ? w.reject(result) : w.resolve(result as O)
        })
      } catch (error) {
        for (const w of now) w.reject(error)
      }
    }
    running = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) {
        running = true
        setImmediate(pump)
      }
    })
}

type Call<I> = { input: I; once: Once | undefined; arrived: number }
const busy = Symbol('the key is held by another transaction')
type Outcome<O> = O | AppError | typeof busy

/** How long a call may wait for its key or for a locked row before it is told to come again. */
const patienceMs = 5000
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/**
 * Group commit: calls that arrive together become one transaction, and each learns its own outcome after the commit.
 * `work` locks in the written order, decides in the order of its inputs and answers each: a value, or an AppError for
 * a refusal, which changes nothing. If the transaction fails as a whole, its calls are run one by one beside the next
 * batches, so that a bad or a locked row neither fails nor holds its neighbours.
 */
export function groupCommit<I, O>(options: {
  name: string
  pool: pg.Pool
  limit?: number
  work(client: Client, inputs: I[]): Promise<(O | AppError)[]>
}): (input: I, once?: Once) => Promise<O> {
  function commit(calls: Call<I>[], lockTimeoutMs: number): Promise<Outcome<O>[]> {
    batchSize.observe({ batch: options.name }, calls.length)
    const begin = `begin; set local lock_timeout = '${lockTimeoutMs}ms'`
    return repeated(() =>
      bareTransaction(options.pool, begin, async (client) => {
        const sql = <R>(text: string, values?: unknown[]) => run<R>(client, text, values)
        const outcomes: Outcome<O>[] = new Array(calls.length)
        const keyed = calls.flatMap((call, i) => (call.once ? [{ i, once: call.once }] : []))
        const claims = keyed.length
          ? await claimKeys(
              sql,
              keyed.map((k) => k.once),
            )
          : []
        keyed.forEach(({ i, once }, n) => {
          const claim = claims[n]!
          if (claim === 'busy') outcomes[i] = busy
          else if (claim instanceof AppError) outcomes[i] = claim
          else if (claim !== 'new') outcomes[i] = replayed(once, claim.body) as O
        })

        const open = calls.flatMap((_, i) => (outcomes[i] === undefined ? [i] : []))
        const results = open.length
          ? await options.work(
              client,
              open.map((i) => calls[i]!.input),
            )
          : []
        const refused: Once[] = []
        const answers: { once: Once; body: string }[] = []
        open.forEach((i, n) => {
          const result = results[n]!
          const once = calls[i]!.once
          outcomes[i] = result
          if (once && result instanceof AppError) refused.push(once)
          else if (once) answers.push({ once, body: once.serialize(result) })
        })
        if (refused.length) await dropKeys(sql, refused)
        if (answers.length) await storeAnswers(sql, answers)
        return outcomes
      }),
    )
  }

  /** A key held by another transaction is waited for outside of any batch. */
  async function settle(call: Call<I>, outcome: Outcome<O>): Promise<O | Error> {
    if (outcome !== busy) return outcome as O | AppError
    if (performance.now() - call.arrived > patienceMs)
      return new AppError(409, 'request.key_busy', {}, { retryAfterSeconds: 1 })
    await pause(25)
    return again(call).catch((error) => error)
  }

  const isLocked = (error: unknown) => (error as { code?: string }).code === '55P03'

  /** Waits for a locked row beside everybody else; two at a time, so that the pool stays free. */
  const patient = [0, 1].map(() =>
    gather<Call<I>, O>(1, async ([call]) => {
      const left = Math.ceil(patienceMs - (performance.now() - call!.arrived))
      const tooLong = new AppError(503, 'request.busy', {}, { retryAfterSeconds: 1 })
      if (left <= 0) return [tooLong]
      try {
        return [(await settle(call!, (await commit([call!], left))[0]!)) as O]
      } catch (error) {
        return [isLocked(error) ? tooLong : (error as Error)]
      }
    }),
  )
  let turn = 0

  const alone = gather<Call<I>, Outcome<O>>(1, async ([call]) => commit([call!], 50))

  async function runAlone(call: Call<I>): Promise<O | Error> {
    try {
      return await settle(call, await alone(call))
    } catch (error) {
      if (!isLocked(error)) return error as Error
      return patient[turn++ % 2]!(call).catch((e) => e)
    }
  }

  // The result of a call is wrapped, so that a batch need not wait for those of its calls that go on beside it.
  const enter = gather<Call<I>, { result: Promise<O | Error> }>(options.limit ?? 1000, async (calls) => {
    const { leaders, leaderOf } = joinRepeats(calls)
    let results: Promise<O | Error>[]
    try {
      const outcomes = await commit(leaders, 1000)
      results = leaders.map((call, i) => settle(call, outcomes[i]!))
    } catch (error) {
      if (isDatabaseAway(error) || (error as AppError).status === 503) throw error
      batchSplits.inc({ batch: options.name })
      results = leaders.map(runAlone)
    }
    const place = new Map(leaders.map((call, i) => [call, i]))
    return calls.map((call) => {
      const leader = leaderOf.get(call)
      if (leader instanceof Error) return { result: Promise.resolve(leader) }
      const result = results[place.get(leader ?? call)!]!
      if (leader && call.once) call.once.replayed = true
      return { result }
    })
  })

  async function again(call: Call<I>): Promise<O> {
    const { result } = await enter(call)
    const value = await result
    if (value instanceof Error) throw value
    return value
  }

  return (input, once) => again({ input, once, arrived: performance.now() })
}

/** Calls with the same key in one batch: the first is run, the rest share its outcome, or 422 if they differ. */
function joinRepeats<I>(calls: Call<I>[]) {
  const first = new Map<string, Call<I>>()
  const leaders: Call<I>[] = []
  const leaderOf = new Map<Call<I>, Call<I> | AppError>()
  for (const call of calls) {
    const id = call.once && `${call.once.userId} ${call.once.route} ${call.once.key}`
    const leader = id === undefined ? undefined : first.get(id)
    if (leader)
      leaderOf.set(call, leader.once!.hash.equals(call.once!.hash) ? leader : new AppError(422, 'request.key_reused'))
    else {
      leaders.push(call)
      if (id !== undefined) first.set(id, call)
    }
  }
  return { leaders, leaderOf }
}
