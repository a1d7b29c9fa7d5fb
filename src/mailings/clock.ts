import { setTimeout as pause } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { transaction } from '../platform/database.ts'
import type { Loop } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { startMailing } from './audience.ts'
import { clockLoopName, expireChunk, expireMessages, waitingOf } from './expire.ts'
import { tell } from './mailings.ts'

/** Begins mailings, ends them and finishes those that are done. One process does; two at once only share the work. */
export const clockLoop: Loop<Platform> = { name: clockLoopName, everySeconds: 1, run: keepTime }

type Step = 'end' | 'drain' | 'finish' | 'start'
type Due = { id: number; step: Step }

/** Mailings in hand at once; of them so many that begin, so that a long audience never holds up an end. */
const mostSteps = 4
const mostStarts = 2

const hasWaiting = sql`exists (select from mailings.counters c where c.mailing_id = l.id and c.sent + c.error + c.expired < c.total)`

/** What is to be done now, ends first. */
async function findDue({ db }: Platform): Promise<Due[]> {
  const { rows } = await sql<Due>`
    (select l.id, case when l.ends_at <= now() then 'end' else 'finish' end step from mailings.mailings l
     where l.status = 'running' and (l.ends_at <= now() or not ${hasWaiting}) order by l.ends_at)
    union all (select l.id, 'drain' from mailings.mailings l where l.draining order by l.id)
    union all (select l.id, 'start' from mailings.mailings l
      where l.status = 'scheduled' and l.starts_at <= now() order by l.starts_at, l.id limit 100)`.execute(db)
  return rows
}

/** Takes every mailing one step on that is due for one, several side by side, until there is none. */
async function keepTime(platform: Platform, signal: AbortSignal): Promise<void> {
  const inHand = new Map<number, { step: Step; done: Promise<void> }>()
  // What failed is left to the next run.
  const failed = new Set<number>()
  while (!signal.aborted) {
    for (const { id, step } of await findDue(platform)) {
      const starts = [...inHand.values()].filter((one) => one.step === 'start').length
      if (inHand.size === mostSteps || inHand.has(id) || failed.has(id)) continue
      if (step === 'start' && starts === mostStarts) continue
      const done = steps[step](platform, id, signal)
        .catch((error) => {
          failed.add(id)
          if (!signal.aborted) platform.log.warn({ err: error, mailing_id: id, step }, 'a step of a mailing failed')
        })
        .finally(() => inHand.delete(id))
      inHand.set(id, { step, done })
    }
    if (!inHand.size) return
    await Promise.race([
      ...[...inHand.values()].map(({ done }) => done),
      pause(1000, undefined, { signal }).catch(() => {}),
    ])
  }
  await Promise.all([...inHand.values()].map(({ done }) => done))
}

const steps: Record<Step, (platform: Platform, id: number, signal: AbortSignal) => Promise<void>> = {
  start: startMailing,
  async end(platform, id, signal) {
    const due = sql`status = 'running' and ends_at <= clock_timestamp()`
    await expireAll(platform, id, due, 'end', signal)
    await finish(platform, id)
  },
  async drain(platform, id, signal) {
    await expireAll(platform, id, sql`draining`, 'cancelled', signal)
    await sql`
      update mailings.mailings l set draining = false where id = ${id} and draining and not ${hasWaiting}`.execute(
      platform.db,
    )
  },
  finish,
}

/** Ends what waits of a mailing while it is as it was, a chunk a transaction, so that no claim of another waits long. */
async function expireAll(
  { db }: Platform,
  id: number,
  isStill: RawBuilder<unknown>,
  reason: 'end' | 'cancelled',
  signal: AbortSignal,
): Promise<void> {
  let after: number | null = 0
  while (after !== null && !signal.aborted) {
    const from: number = after
    after = await transaction(db, async (tx) => {
      const { rows } = await sql`
        select from mailings.mailings where id = ${id} and ${isStill} for share skip locked`.execute(tx)
      if (!rows.length) return null
      const { count, last } = await expireMessages(tx, waitingOf(id, from), reason)
      return count === expireChunk ? last : null
    })
  }
}

/** Closes a mailing that runs and has nothing waiting any more. */
async function finish({ db, log }: Platform, id: number): Promise<void> {
  const finished = await transaction(db, async (tx) => {
    // Two statements: what is counted must be seen after the row is held, for a retry may have passed between them.
    const { rows } = await sql`
      select from mailings.mailings where id = ${id} and status = 'running' for no key update skip locked`.execute(tx)
    if (!rows.length) return false
    const { numAffectedRows } = await sql`
      update mailings.mailings l set status = 'finished', finished_at = clock_timestamp(), paused_at = null, pause_reason = null
      where id = ${id} and not ${hasWaiting}`.execute(tx)
    if (!numAffectedRows) return false
    await tell(tx, id)
    return true
  })
  if (finished) log.info({ mailing_id: id }, 'a mailing is finished')
}
