import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../platform/database.ts'

/** A pause after a failure is kept when the window moves, but not a wait for the window that was. */
const longestPause = sql`interval '5 minutes'`

/** Computes anew when the messages of a locked mailing that wait are due, after its local window was changed. */
export async function reschedule(tx: Tx, id: number): Promise<void> {
  await sql`
    with own as materialized (
      select m.id, c.timezone, l.local_from, l.local_to,
        case when m.attempts = 0 then now() else least(m.due_at, now() + ${longestPause}) end free_at
      from mailings.mailings l
      join mailings.messages m on m.mailing_id = l.id and m.id between l.first_message_id and l.last_message_id
      join mailings.clients c on c.id = m.client_id
      where l.id = ${id} and m.status = 'processing' and not m.claimed order by m.id for no key update of m),
    zones as materialized (
      select timezone, mailings.opens_at(now(), timezone, local_from, local_to) at
      from (select distinct timezone, local_from, local_to from own) z)
    update mailings.messages m set due_at = greatest(z.at, own.free_at) from own join zones z using (timezone)
    where m.id = own.id and m.due_at <> greatest(z.at, own.free_at)`.execute(tx)
}

/** Messages `m` that did not go out and may go out again. */
export const failed = sql`m.status = 'error'`
export const outsideWindow = sql`m.status = 'expired' and m.last_error = 'window'`

/**
 * Has messages of a locked mailing wait again, whose client is still there and whose window opens before the end; a mailing
 * that was finished runs again if there are any. Tells how many.
 */
export async function revive(tx: Tx, id: number, which: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with own as materialized (
      select m.id, m.status, c.timezone, l.ends_at, l.local_from, l.local_to
      from mailings.mailings l join mailings.messages m on m.mailing_id = l.id join mailings.clients c on c.id = m.client_id
      where l.id = ${id} and ${which} order by m.id for no key update of m),
    zones as materialized (
      select timezone, mailings.opens_at(now(), timezone, local_from, local_to) at
      from (select distinct timezone, local_from, local_to from own) z),
    moved as (
      update mailings.messages m set status = 'processing', refusals = 0, claimed = false,
        last_error = nullif(m.last_error, 'window'), due_at = z.at
      from own join zones z using (timezone) where m.id = own.id and z.at < own.ends_at
      returning m.operator_code, own.status),
    sums as materialized (
      select operator_code, count(*) filter (where status = 'error') error, count(*) filter (where status = 'expired') expired
      from moved group by operator_code),
    held as materialized (
      select s.* from mailings.counters c join sums s using (operator_code)
      where c.mailing_id = ${id} order by c.operator_code for no key update of c),
    counted as (
      update mailings.counters c set error = c.error - h.error, expired = c.expired - h.expired from held h
      where c.mailing_id = ${id} and c.operator_code = h.operator_code returning h.error + h.expired moved)
    select coalesce(sum(moved), 0)::int count from counted`.execute(tx)
  const { count } = rows[0]!
  if (count)
    await sql`
      update mailings.mailings set status = 'running', finished_at = null where id = ${id} and status = 'finished'`.execute(
      tx,
    )
  return count
}
