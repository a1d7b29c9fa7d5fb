import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../platform/database.ts'
import { notify } from '../platform/notices.ts'
import type { ReasonCode } from './reasons.ts'

/** Whoever watches a mailing listens to this; whoever changes its state or counts notifies it. */
export const mailingTopic = (id: number) => `mailing ${id}`

/** The loops of mailings, for those who wake them. */
export const clockLoopName = 'mailings.clock'
export const senderLoopName = 'mailings.sender'

/** Messages that one statement moves, where a million may be meant. */
export const expireChunk = 10_000

/** Messages `m` of a mailing, after an id: all of them, or on from the last of a chunk. */
export const waitingOf = (mailing: number, after = 0) => sql`m.mailing_id = ${mailing} and m.id > ${after}
  and m.id between (select first_message_id from mailings.mailings where id = ${mailing})
    and (select last_message_id from mailings.mailings where id = ${mailing})`

/** Why each message `m` goes: for one reason, or at the end of its mailing. */
const outcomes = (reason: ReasonCode | 'end'): { status: RawBuilder<string>; lastError: RawBuilder<string> } => {
  if (reason !== 'end') return { status: sql`'expired'`, lastError: sql`${reason}::text` }
  // A try that failed is told as it failed; none, or one under way, was too late.
  const failed = sql`m.attempts > 0 and not m.claimed and m.last_error is not null`
  return {
    status: sql`case when ${failed} then 'error' else 'expired' end`,
    lastError: sql`case when ${failed} then m.last_error when m.claimed then 'cut_off'
      when m.due_at >= (select ends_at from mailings.mailings where id = m.mailing_id) and m.attempts = 0 then 'window'
      else 'ended' end`,
  }
}

/**
 * Ends messages `m` that are still processing and match: for a reason they become expired; at the `end` of their mailing
 * those whose last try failed become error. The only statement that does so; counters and minutes move in it. A message
 * under way stays `claimed`, so that its record may still say that it was sent. Takes them in the order of their ids, at
 * most `limit`; tells how many, and the last id to go on after.
 */
export async function expireMessages(
  tx: Tx,
  which: RawBuilder<unknown>,
  reason: ReasonCode | 'end',
  limit = expireChunk,
): Promise<{ count: number; last: number | null; mailings: number[] }> {
  const { status, lastError } = outcomes(reason)
  const { rows } = await sql<{ count: number; last: number | null; mailings: number[] | null }>`
    with due as materialized (
      select m.id, ${status} status, ${lastError} last_error from mailings.messages m
      where m.status = 'processing' and ${which} order by m.id limit ${limit} for no key update of m),
    moved as (
      update mailings.messages m set status = due.status, last_error = due.last_error from due where m.id = due.id
      returning m.id, m.mailing_id, m.operator_code, m.status),
    sums as (
      select mailing_id, operator_code, count(*) filter (where status = 'expired') expired,
        count(*) filter (where status = 'error') error, count(*) moved, max(id) last
      from moved group by mailing_id, operator_code),
    held as materialized (
      select s.* from mailings.counters c join sums s using (mailing_id, operator_code)
      order by c.mailing_id, c.operator_code for no key update of c),
    counted as (
      update mailings.counters c set expired = c.expired + h.expired, error = c.error + h.error from held h
      where (c.mailing_id, c.operator_code) = (h.mailing_id, h.operator_code)
      returning h.mailing_id, h.error, h.moved, h.last),
    noted as (
      insert into mailings.minutes as n (mailing_id, at, error)
      select mailing_id, date_trunc('minute', clock_timestamp()), sum(error) from counted
      group by mailing_id having sum(error) > 0 order by mailing_id
      on conflict (mailing_id, at) do update set error = n.error + excluded.error)
    select coalesce(sum(moved), 0)::int count, max(last) last, array_agg(distinct mailing_id) mailings from counted`.execute(
    tx,
  )
  const { count, last, mailings } = rows[0]!
  for (const id of mailings ?? []) await notify(tx, mailingTopic(id))
  return { count, last, mailings: mailings ?? [] }
}
