import type pg from 'pg'
import { bareTransaction, type Client, repeated, run } from './database.ts'
import { AppError, isBusy, isDatabaseAway } from './errors.ts'
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

/**
 * For `skipLocked`: CTEs that lock the rows of a select which nobody holds and whose stamp nobody holds, for it would be waited
 * for when it is set; `name` is those of both. The scope of a row is `scope:id`.
 */
export const freeOf = (scope: string, rows: string, name: string): string => `
  free as materialized (${rows} order by id for no key update skip locked),
  stamped as materialized (
    select scope from platform.stamps where scope = any(array(select '${scope}:' || id from free)) order by scope
    for no key update skip locked),
  ${name} as materialized (
    select * from free where not exists (
      select from platform.stamps s where s.scope = '${scope}:' || free.id and s.scope not in (select scope from stamped)))`

type Call<I> = { input: I; once: Once | undefined; isRepeat: boolean }

/** What `work` answers for an input whose rows somebody else holds. */
export const locked = Symbol('a row is locked')
const keyHeld = Symbol('the key is in use')
type Outcome<O> = O | Error | typeof locked | typeof keyHeld

/** How long a call may wait for its key or for a locked row before it is told to come again. */
const patienceMs = 5000
/** How long a batch waits for a lock before it goes on without what it has not got. */
const lockMs = 300

/**
 * Group commit: calls that arrive together become one transaction, and each learns its own outcome after the commit.
 * `work` locks in the written order, decides in the order of its inputs and answers each: a value, or an AppError for a
 * refusal, which changes nothing. When a lock is waited for too long, the batch runs again with `skipLocked`, in which
 * `work` locks what is free and answers `locked` for the rest: those are parked outside and come again with later
 * batches. When it fails otherwise it is halved, so that one bad call fails alone.
 */
export function groupCommit<I, O>(options: {
  name: string
  pool: pg.Pool
  limit?: number
  work(client: Client, inputs: I[], mode: { skipLocked: boolean }): Promise<(O | AppError | typeof locked)[]>
}): (input: I, once?: Once) => Promise<O> {
  async function inTransaction(client: Client, calls: Call<I>[], skipLocked: boolean): Promise<Outcome<O>[]> {
    const sql = <R>(text: string, values?: unknown[]) => run<R>(client, text, values)
    const keys = calls.flatMap((call) => call.once ?? [])
    const claims = keys.length ? await claimKeys(sql, keys) : []
    const outcomes = calls.map(({ once }): Outcome<O> | undefined => {
      const claim = once && claims.shift()!
      if (!claim || claim === 'new') return undefined
      if (claim === 'busy') return keyHeld
      return claim instanceof AppError ? claim : (replayed(once, claim.body) as O)
    })
    const open = calls.flatMap((_, i) => (outcomes[i] === undefined ? [i] : []))
    const inputs = open.map((i) => calls[i]!.input)
    const results = open.length ? await options.work(client, inputs, { skipLocked }) : []
    const refused: Once[] = []
    const answers: { once: Once; body: string }[] = []
    open.forEach((i, n) => {
      const result = results[n]!
      const { once } = calls[i]!
      outcomes[i] = result
      if (!once) return
      if (result instanceof AppError || result === locked) refused.push(once)
      else answers.push({ once, body: once.serialize(result) })
    })
    if (refused.length) await dropKeys(sql, refused)
    if (answers.length) await storeAnswers(sql, answers)
    return outcomes as Outcome<O>[]
  }

  async function commit(calls: Call<I>[], skipLocked: boolean): Promise<Outcome<O>[]> {
    batchSize.observe({ batch: options.name }, calls.length)
    const begin = `begin; set local lock_timeout = '${lockMs}ms'`
    try {
      return await repeated(() =>
        bareTransaction(options.pool, begin, (client) => inTransaction(client, calls, skipLocked)),
      )
    } catch (error) {
      const isLocked = (error as { code?: string }).code === '55P03'
      if (isLocked && !skipLocked) return commit(calls, true)
      // Nobody knows what happened, or there was no connection: the same for all of them.
      if (isDatabaseAway(error) || error instanceof AppError || (isBusy(error) && !isLocked))
        return calls.map(() => error as Error)
      if (calls.length === 1) return [isLocked ? locked : (error as Error)]
      batchSplits.inc({ batch: options.name })
      const half = calls.length >> 1
      return [...(await commit(calls.slice(0, half), skipLocked)), ...(await commit(calls.slice(half), skipLocked))]
    }
  }

  const enter = gather<Call<I>, Exclude<Outcome<O>, Error>>(
    options.limit ?? 1000,
    (calls) =>
      commit(
        calls,
        calls.some((call) => call.isRepeat),
      ) as Promise<(Exclude<Outcome<O>, Error> | Error)[]>,
  )

  return async (input, once) => {
    const arrived = performance.now()
    const call = { input, once, isRepeat: false }
    for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 2, 250)) {
      const outcome = await enter(call)
      if (outcome !== locked && outcome !== keyHeld) return outcome as O
      if (performance.now() - arrived > patienceMs)
        throw outcome === locked
          ? new AppError(503, 'request.busy', {}, { retryAfterSeconds: 1 })
          : new AppError(409, 'request.key_busy', {}, { retryAfterSeconds: 1 })
      call.isRepeat ||= outcome === locked
      await new Promise((done) => setTimeout(done, pauseMs))
    }
  }
}
