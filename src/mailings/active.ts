import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { AppError } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { clockLoopName, expireChunk, expireMessages, senderLoopName, waitingOf } from './expire.ts'
import { getMailing, isPast, lockMailing, record, tell } from './mailings.ts'
import type { Mailing } from './schemas-mailings.ts'
import { failed, revive } from './waiting.ts'

/**
 * Cancels a mailing, begun or not: after the answer nothing is claimed. What waits is expired at once, or, beyond one chunk,
 * by the clock right after. 409 when it is over.
 */
export async function cancelMailing(
  { db }: Platform,
  user: User,
  id: number,
  once: Once | undefined,
): Promise<Mailing> {
  return change(db, once, async (tx) => {
    const before = await lockMailing(tx, id)
    if (before.status === 'finished' || before.status === 'cancelled') throw new AppError(409, 'mailings.over')
    const { count } = await expireMessages(tx, waitingOf(id), 'cancelled')
    await sql`
      update mailings.mailings set status = 'cancelled', finished_at = now(), paused_at = null, pause_reason = null,
        draining = ${count === expireChunk}, updated_at = now() where id = ${id}`.execute(tx)
    const after = await getMailing(tx, id)
    await record(tx, user, 'cancel_mailing', id, before, after)
    await tell(tx, id, clockLoopName)
    return after
  })
}

/** Has nothing new claimed until it is resumed; the end stays where it is. 409 unless it runs, and a second time. */
export async function pauseMailing({ db }: Platform, user: User, id: number, once: Once | undefined): Promise<Mailing> {
  return change(db, once, async (tx) => {
    const before = await lockMailing(tx, id)
    if (before.status !== 'running') throw new AppError(409, 'mailings.not_running')
    if (before.paused_at) throw new AppError(409, 'mailings.paused')
    await sql`update mailings.mailings set paused_at = now(), updated_at = now() where id = ${id}`.execute(tx)
    const after = await getMailing(tx, id)
    await record(tx, user, 'pause_mailing', id, before, after)
    await tell(tx, id, senderLoopName)
    return after
  })
}

/** Goes on with a mailing that was paused, by hand or by itself. 409 unless it is paused. */
export async function resumeMailing(
  { db }: Platform,
  user: User,
  id: number,
  once: Once | undefined,
): Promise<Mailing> {
  return change(db, once, async (tx) => {
    const before = await lockMailing(tx, id)
    if (before.status !== 'running') throw new AppError(409, 'mailings.not_running')
    if (!before.paused_at) throw new AppError(409, 'mailings.not_paused')
    await sql`
      update mailings.mailings set paused_at = null, pause_reason = null, updated_at = now() where id = ${id}`.execute(
      tx,
    )
    // What made it pause by itself is judged anew.
    await tx.updateTable('mailings.recent_answers').set({ answers: '' }).where('mailing_id', '=', id).execute()
    const after = await getMailing(tx, id)
    await record(tx, user, 'resume_mailing', id, before, after)
    await tell(tx, id, senderLoopName)
    return after
  })
}

/**
 * Sends those in error again, each at once or when its local window opens, with three refusals ahead of it; a finished
 * mailing runs again. 409 before the start, once cancelled, and from its end on. Tells how many.
 */
export async function retryMailing(
  { db }: Platform,
  user: User,
  id: number,
  once: Once | undefined,
): Promise<{ count: number }> {
  return change(db, once, async (tx) => {
    const { status, ends_at } = await lockMailing(tx, id)
    if (status === 'scheduled') throw new AppError(409, 'mailings.not_started')
    if (status === 'cancelled' || (await isPast(tx, ends_at))) throw new AppError(409, 'mailings.over')
    const count = await revive(tx, id, failed)
    await record(tx, user, 'retry_mailing', id, undefined, { count })
    await tell(tx, id, senderLoopName, clockLoopName)
    return { count }
  })
}
