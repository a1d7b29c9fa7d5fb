import { sql } from 'kysely'
import { recordChange } from '../platform/audit.ts'
import { run, transaction } from '../platform/database.ts'
import type { Platform } from '../platform/module.ts'
import { notify } from '../platform/notices.ts'
import type { Claimed } from './claim.ts'
import { mailingTopic } from './expire.ts'
import type { Outcome } from './gateway.ts'
import { pauseReasonOf } from './reasons.ts'

/** How a call of a claimed message went, and how long the message waits if it is to be tried again. */
export type Result = { message: Claimed; outcome: Outcome; pauseMs: number }

/**
 * Writes how calls went, in one statement: messages in the order of their ids, each only if it still bears this attempt, and
 * with them all that counts them. A message that expired during its call is sent if the gateway took it. Returns of each
 * mailing how many of its last 200 answers are errors. May be repeated: the second time changes nothing.
 */
export async function recordResults(
  { pool }: Platform,
  results: Result[],
): Promise<{ mailing_id: number; errors: number }[]> {
  return run(
    pool,
    // Each part reads from the one before, so that the locks come in the written order; two records of one mailing pass
    // recent_answers one after the other, and what follows it needs no order among them.
    `with held as materialized (
       select m.id, m.mailing_id, m.operator_code, m.status was, r.kind, r.reason, r.pause_ms, r.answer_ms, r.error, r.n,
         case when r.kind = 'sent' then 'sent'
           when m.status <> 'processing' then m.status
           when r.kind = 'cut_off' then 'expired'
           when r.kind = 'refused' and m.refusals >= 2 then 'error'
           else 'processing' end becomes
       from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::text[])
         with ordinality r(id, attempt, kind, reason, pause_ms, answer_ms, error, n)
       join mailings.messages m on m.id = r.id
       where m.claimed and m.attempts = r.attempt order by m.id for no key update of m),
     changed as (
       update mailings.messages m set claimed = false, status = h.becomes,
         sent_at = case when h.becomes = 'sent' then clock_timestamp() end,
         refusals = m.refusals + (h.kind = 'refused')::int,
         due_at = case when h.becomes = 'processing' then clock_timestamp() + make_interval(secs => h.pause_ms / 1000)
           else m.due_at end,
         last_error = case when h.becomes = 'sent' then null when h.was = 'processing' then h.reason else m.last_error end
       from held h where m.id = h.id),
     answered as (
       insert into mailings.recent_answers as a (mailing_id, answers)
       select mailing_id, right(string_agg(error, '' order by n), 200) from held group by mailing_id order by mailing_id
       on conflict (mailing_id) do update set answers = right(a.answers || excluded.answers, 200)
       returning mailing_id, length(replace(answers, '0', '')) errors),
     sums as (
       select mailing_id, operator_code, count(*) attempts,
         count(*) filter (where becomes = 'sent') sent, count(*) filter (where becomes = 'error' and was <> 'error') error,
         count(*) filter (where becomes = 'expired' and was <> 'expired')
           - count(*) filter (where becomes <> 'expired' and was = 'expired') expired
       from held join answered using (mailing_id) group by mailing_id, operator_code),
     counters as materialized (
       select s.* from mailings.counters c join sums s using (mailing_id, operator_code)
       order by c.mailing_id, c.operator_code for no key update of c),
     counted as (
       update mailings.counters c set sent = c.sent + s.sent, error = c.error + s.error, expired = c.expired + s.expired,
         attempts = c.attempts + s.attempts
       from counters s where (c.mailing_id, c.operator_code) = (s.mailing_id, s.operator_code)
       returning s.mailing_id, s.sent, s.error),
     noted as (
       insert into mailings.minutes as t (mailing_id, at, sent, error)
       select mailing_id, date_trunc('minute', clock_timestamp()), sum(sent), sum(error) from counted
       group by mailing_id having sum(sent) + sum(error) > 0 order by mailing_id
       on conflict (mailing_id, at) do update set sent = t.sent + excluded.sent, error = t.error + excluded.error),
     timed as (
       insert into mailings.latencies as l (mailing_id, bucket, answers)
       select mailing_id, floor(ln(greatest(answer_ms, 1)) / ln(1.1)), count(*) from held join answered using (mailing_id)
       where answer_ms is not null group by 1, 2 order by 1, 2
       on conflict (mailing_id, bucket) do update set answers = l.answers + excluded.answers)
     select mailing_id, errors from answered`,
    [
      results.map((r) => r.message.id),
      results.map((r) => r.message.attempt),
      results.map((r) => r.outcome.kind),
      results.map((r) => r.outcome.reason),
      results.map((r) => r.pauseMs),
      results.map((r) => r.outcome.answerMs),
      results.map(({ outcome: { error } }) => (error === null ? '' : error ? '1' : '0')),
    ],
  )
}

/** Of the last 200 answers more than these must be errors. */
export const pauseAbove = 100

/**
 * Pauses a mailing whose gateway refuses more than it takes. The answers are forgotten with it, so that after `resume` it
 * takes as many again.
 */
export async function pauseFailing({ db }: Platform, id: number, lastReason: string): Promise<boolean> {
  return transaction(db, async (tx) => {
    const mailing = await tx
      .selectFrom('mailings.mailings')
      .select(['status', 'paused_at'])
      .where('id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (mailing?.status !== 'running' || mailing.paused_at) return false
    const recent = await tx
      .selectFrom('mailings.recent_answers')
      .select('answers')
      .where('mailing_id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst()
    const errors = recent?.answers.replaceAll('0', '').length ?? 0
    if (errors <= pauseAbove) return false
    const after = await tx
      .updateTable('mailings.mailings')
      .set({ paused_at: sql`clock_timestamp()`, pause_reason: pauseReasonOf(errors, lastReason) })
      .where('id', '=', id)
      .returning(['paused_at', 'pause_reason'])
      .executeTakeFirstOrThrow()
    await tx.updateTable('mailings.recent_answers').set({ answers: '' }).where('mailing_id', '=', id).execute()
    await recordChange(tx, undefined, {
      action: 'mailings.pause',
      subject: 'mailings.mailings',
      subject_id: id,
      before: { paused_at: null, pause_reason: null },
      after,
    })
    await notify(tx, mailingTopic(id))
    return true
  })
}
