import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { State } from '../http/events.ts'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import { change, type Once } from '../platform/idempotency.ts'
import { wake } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { notify } from '../platform/notices.ts'
import { summed } from './counters.ts'
import { clockLoopName, mailingTopic, senderLoopName } from './expire.ts'
import { type Aim, aimKept, aimOf, filterOf, knownPlaceholders } from './filters.ts'
import {
  type Mailing,
  type MailingChange,
  type MailingsQuery,
  mailingEdits,
  type NewMailing,
} from './schemas-mailings.ts'
import { checkText } from './text.ts'
import { outsideWindow, reschedule, revive } from './waiting.ts'

const columns = sql`l.id, l.text, l.starts_at, l.ends_at,
  case when l.audience is null then jsonb_build_object('operator_codes', l.operator_codes, 'tags', l.tags)
    else l.audience_parameters || jsonb_build_object('audience', l.audience) end as filter,
  case when l.local_from is not null then
    jsonb_build_object('from', to_char(l.local_from, 'HH24:MI'), 'to', to_char(l.local_to, 'HH24:MI')) end as local_window,
  l.status, l.unreachable, l.created_by, l.created_at, l.updated_at, l.started_at, l.finished_at, l.paused_at, l.pause_reason,
  t.counts`
/** Counts of a mailing `l`, from the counters that the statements keep which move its messages. */
const counts = sql`cross join lateral (
  select ${summed} counts
  from mailings.counters where mailing_id = l.id) t`

/** A mailing with its counts as they are now; 404 if there is none. */
export async function getMailing(db: Db | Tx, id: number): Promise<Mailing> {
  const { rows } = await sql<Mailing>`select ${columns} from mailings.mailings l ${counts} where l.id = ${id}`.execute(
    db,
  )
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** A mailing for those who watch it. */
export async function mailingState({ db }: Platform, id: number): Promise<State & { data: Mailing }> {
  const now = await getMailing(db, id)
  const isOver = now.status === 'finished' || now.status === 'cancelled'
  const { updated_at, paused_at, status, counts } = now
  const sum = [status, updated_at, paused_at, ...Object.values(counts)].join(' ')
  return { id: sum, data: now, done: isOver && counts.processing === 0 }
}

/** Mailings, newest first. */
export async function listMailings(
  { db }: Platform,
  { status }: MailingsQuery,
  page: CursorRequest,
): Promise<PageOf<Mailing>> {
  const where = status ? sql`l.status = ${status}` : sql`true`
  const { after, order } = walk(page, sql`l.id`)
  const { rows } = await sql<Mailing>`
    select ${columns} from (
      select * from mailings.mailings l where ${where} and ${after}
      order by ${order} limit ${page.limit + 1} offset ${page.offset}) l ${counts} order by ${order}`.execute(db)
  const count = await countRows(db, page, (limit) => sql`select from mailings.mailings l where ${where} ${limit}`)
  return cursorAnswer(page, rows, count)
}

/**
 * Locks a mailing for a change of its course, which claims, and records through their foreign keys, see at once. Waits for a
 * start in work as long as the largest takes; what follows may take long too. Throws 404.
 */
export async function lockMailing(tx: Tx, id: number): Promise<Mailing> {
  await sql`set local statement_timeout = '5min'; set local lock_timeout = '30s'`.execute(tx)
  const { rows } = await sql`select from mailings.mailings where id = ${id} for no key update`.execute(tx)
  if (!rows.length) throw notFound()
  return getMailing(tx, id)
}

/** Tells who watches a mailing, and those who work on it, when this transaction commits. */
export async function tell(tx: Tx, id: number, ...loops: string[]): Promise<void> {
  await notify(tx, mailingTopic(id))
  for (const name of loops) await wake(tx, name)
}

export const record = (tx: Tx, user: User, verb: string, id: number, before?: object, after?: object) =>
  recordChange(tx, user, { action: `mailings.${verb}`, subject: 'mailings.mailings', subject_id: id, before, after })

type Times = Pick<Mailing, 'starts_at' | 'ends_at' | 'local_window'>

/** Throws 400 at the field of times that cannot be. */
async function checkTimes(tx: Tx, { starts_at, ends_at, local_window }: Times): Promise<void> {
  if (Date.parse(ends_at) <= Date.parse(starts_at)) throw fieldFault('/ends_at', 'mailings.ends_before_start')
  if (await isPast(tx, ends_at)) throw fieldFault('/ends_at', 'validation.in_past')
  if (local_window && local_window.from === local_window.to)
    throw fieldFault('/local_window/to', 'mailings.window_empty')
}

const rowOf = (input: Omit<NewMailing, 'filter'>, aim: Aim) => ({
  text: input.text,
  starts_at: input.starts_at,
  ends_at: input.ends_at,
  ...aim,
  audience_parameters: aim.audience_parameters && JSON.stringify(aim.audience_parameters),
  local_from: input.local_window?.from ?? null,
  local_to: input.local_window?.to ?? null,
})

/** Adds a mailing, which begins by itself at its start, or at once when that has come. */
export async function createMailing(
  platform: Platform,
  user: User,
  input: NewMailing,
  once: Once | undefined,
): Promise<Mailing> {
  return change(platform.db, once, async (tx) => {
    const aim = await aimOf(platform, tx, input.filter ?? {})
    checkText(input.text, knownPlaceholders(platform, aim))
    await checkTimes(tx, { local_window: null, ...input })
    const { id } = await tx
      .insertInto('mailings.mailings')
      .values({ ...rowOf(input, aim), created_by: user.id })
      .returning('id')
      .executeTakeFirstOrThrow()
    const after = await getMailing(tx, id)
    await record(tx, user, 'create_mailing', id, undefined, after)
    await tell(tx, id, clockLoopName)
    return after
  })
}

const isSame = (field: string, a: unknown, b: unknown) =>
  field.endsWith('_at') ? Date.parse(a as string) === Date.parse(b as string) : isDeepStrictEqual(a, b)

/**
 * Changes a mailing, unless it is another edition than the caller's If-Match names: 412. Once started only its end and its
 * local window change, for what is not yet sent, and after its end nothing: 409.
 */
export async function changeMailing(
  platform: Platform,
  user: User,
  id: number,
  input: MailingChange,
  match?: string,
): Promise<Mailing> {
  return transaction(platform.db, async (tx) => {
    const before = await lockMailing(tx, id)
    checkMatch(match, before, mailingEdits)
    // What it was made with stays, though the house may be gone meanwhile.
    const aim = input.filter ? await aimOf(platform, tx, input.filter) : aimKept(before.filter)
    const wanted = { ...before, ...input, filter: filterOf(aim) }
    const changed = mailingEdits.filter((f) => !isSame(f, wanted[f as 'text'], before[f as 'text']))
    if (!changed.length) return before
    if (before.status !== 'scheduled') await checkStarted(tx, before, changed)
    if (input.text !== undefined || input.filter) checkText(wanted.text, knownPlaceholders(platform, aim))
    await checkTimes(tx, wanted)
    await tx
      .updateTable('mailings.mailings')
      .set({ ...rowOf(wanted, aim), updated_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    if (before.status !== 'scheduled') {
      if (changed.includes('local_window')) await reschedule(tx, id)
      await revive(tx, id, outsideWindow)
    }
    const after = await getMailing(tx, id)
    await record(tx, user, 'change_mailing', id, before, after)
    await tell(tx, id, clockLoopName, senderLoopName)
    return after
  })
}

/** Throws 409 where a mailing that has started cannot change so. */
async function checkStarted(tx: Tx, { status, ends_at }: Mailing, changed: string[]): Promise<void> {
  if (status === 'cancelled' || (await isPast(tx, ends_at))) throw new AppError(409, 'mailings.over')
  if (changed.some((field) => field !== 'ends_at' && field !== 'local_window'))
    throw new AppError(409, 'mailings.started')
}

/** True once the database's clock has come to this instant. */
export async function isPast(tx: Tx, at: string): Promise<boolean> {
  const { rows } = await sql<{ past: boolean }>`select ${at}::timestamptz <= clock_timestamp() past`.execute(tx)
  return rows[0]!.past
}

/**
 * Removes a mailing and its messages. One that runs is stopped before: what comes after that answer in time is forgotten,
 * and nothing new is claimed. A removal that is broken off leaves it cancelled.
 */
export async function removeMailing({ db }: Platform, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    await lockMailing(tx, id)
    await sql`update mailings.mailings set status = 'cancelled', finished_at = now(), paused_at = null, pause_reason = null,
      draining = true where id = ${id} and status = 'running'`.execute(tx)
    await tell(tx, id)
  })
  await transaction(db, async (tx) => {
    const before = await lockMailing(tx, id)
    await sql`
      delete from mailings.messages m using mailings.mailings l
      where l.id = ${id} and m.id between l.first_message_id and l.last_message_id and m.mailing_id = l.id`.execute(tx)
    await tx.deleteFrom('mailings.mailings').where('id', '=', id).execute()
    await record(tx, user, 'remove_mailing', id, before)
    await tell(tx, id)
  })
}
