import { sql } from 'kysely'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import { wake } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { found } from './clients.ts'
import { clockLoopName, expireChunk, expireMessages } from './expire.ts'
import { phoneOf } from './phones.ts'
import type { NewStop, Stop } from './schemas-clients.ts'

const stop = sql`phone, reason, s.created_at, (
  select jsonb_build_object('id', u.id, 'full_name', u.full_name) from accounts.users u where u.id = s.created_by) created_by`

/** Numbers that are never written to, newest first unless asked otherwise. */
export async function listStops(
  { db }: Platform,
  search: string | undefined,
  page: CursorRequest,
): Promise<PageOf<Stop & { id: number }>> {
  const where = search?.trim() ? found(search, sql`reason`) : sql`true`
  const { after, order, key } = walk(page, sql`phone`, { created_at: [sql`s.created_at`, 'timestamptz'] })
  // All have eleven digits, so their order as text is that of the numbers that stand in the cursor.
  const { rows } = await sql<Stop & { id: number; key: string | null }>`
    select phone::bigint id, ${key} as key, ${stop} from mailings.stops s where ${where} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const count = await countRows(db, page, (limit) => sql`select from mailings.stops where ${where} ${limit}`)
  return cursorAnswer(page, rows, count)
}

async function getStop(db: Db | Tx, phone: string): Promise<Stop> {
  const { rows } = await sql<Stop>`select ${stop} from mailings.stops s where phone = ${phone}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/**
 * Stops numbers: none of them is written to from the commit on, and what waits for them expires in the same transaction.
 * One that is stopped already stays so, with its first reason. Returns how many are new.
 */
export async function stopPhones(tx: Tx, user: User, phones: string[], reasons: string[]): Promise<number> {
  const { rows } = await sql<{ phone: string }>`
    insert into mailings.stops (phone, reason, created_by)
    select phone, reason, ${user.id} from unnest(${phones}::text[], ${reasons}::text[]) with ordinality t(phone, reason, n)
    order by phone, n on conflict (phone) do nothing returning phone`.execute(tx)
  if (rows.length)
    await expireWaiting(
      tx,
      rows.map((row) => row.phone),
    )
  return rows.length
}

/** Expires what waits for these numbers, found through their clients. What a change of number hides, no claim lets out. */
async function expireWaiting(tx: Tx, phones: string[]): Promise<void> {
  const waiting = sql`array(
    select w.id from mailings.clients c join mailings.messages w on w.client_id = c.id
    where c.phone = any(${phones}::text[]) and w.status = 'processing')`
  let expired: Awaited<ReturnType<typeof expireMessages>>
  do {
    expired = await expireMessages(tx, sql`m.id = any(${waiting})`, 'stopped')
    if (expired.count) await wake(tx, clockLoopName)
  } while (expired.count === expireChunk)
}

/** Stops a number; again is no fault and changes nothing. */
export async function createStop({ db }: Platform, user: User, input: NewStop, once: Once | undefined): Promise<Stop> {
  const phone = phoneOf(input.phone)
  return change(db, once, async (tx) => {
    const made = await stopPhones(tx, user, [phone], [input.reason ?? ''])
    const after = await getStop(tx, phone)
    if (made) await record(tx, user, 'create_stop', undefined, after)
    return after
  })
}

/** Lets a number be written to again, from the next message on; throws 404 where it was not stopped. */
export async function removeStop({ db }: Platform, user: User, typed: string): Promise<void> {
  const phone = phoneOf(typed)
  await transaction(db, async (tx) => {
    const before = await getStop(tx, phone)
    const { numDeletedRows } = await tx.deleteFrom('mailings.stops').where('phone', '=', phone).executeTakeFirst()
    if (!numDeletedRows) throw notFound()
    await record(tx, user, 'remove_stop', before, undefined)
  })
}

const record = (tx: Tx, user: User, verb: string, before?: object, after?: object) =>
  recordChange(tx, user, { action: `mailings.${verb}`, subject: 'mailings.stops', subject_id: null, before, after })
