import assert from 'node:assert/strict'
import { clockLoop } from '../src/mailings/clock.ts'
import { startLoops } from '../src/platform/loops.ts'
import { type Client, eventually, type Json, type TestApp } from './harness.ts'

let made = 0

/** A phone that no other test of this process uses. */
export const aPhone = (operator = '999'): string => `7${operator}${String(++made).padStart(7, '0')}`

/** An instant so many seconds from now. */
export const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString()

export async function addClient(app: Client, token: string, fields: Record<string, unknown> = {}): Promise<Json> {
  const answer = await app.post('/api/clients', { phone: aPhone(), timezone: 'Europe/Moscow', ...fields }, { token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

/** A mailing of an hour from now on. */
export async function addMailing(app: Client, token: string, fields: Record<string, unknown> = {}): Promise<Json> {
  const body = { text: 'Собрание в семь', starts_at: inSeconds(-1), ends_at: inSeconds(3600), ...fields }
  const answer = await app.post('/api/mailings', body, { token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

/** Waits until a mailing is as wanted. */
export const mailingWhen = (app: Client, token: string, id: number, what: string, is: (mailing: Json) => boolean) =>
  eventually(`mailing ${id} ${what}`, async () => {
    const { body, text } = await app.get(`/api/mailings/${id}`, { token })
    assert.ok(body?.id, text)
    return is(body) && body
  })

/** The clock of mailings alone, in this process: nothing is sent. */
export const startClock = (app: TestApp): (() => Promise<void>) => startLoops(app.platform, [clockLoop])

/** As a worker does: takes messages of a mailing, or says how a try of them went. */
export function workerOf(app: TestApp) {
  const { pool } = app.platform
  return {
    claim: (mailing: number, most = 1_000_000): Promise<number[]> =>
      pool
        .query(
          `update mailings.messages set claimed = true, attempts = attempts + 1 where id in (
             select id from mailings.messages where mailing_id = $1 and status = 'processing' and not claimed
             order by id limit $2) returning id`,
          [mailing, most],
        )
        .then(({ rows }) => rows.map((row) => row.id).sort((a, b) => a - b)),
    /** All of them: sent, in error for good, or failed and to be tried again. */
    record: (ids: number[], outcome: 'sent' | 'error' | 'again') =>
      pool.query(
        `with moved as (
           update mailings.messages set claimed = false,
             status = case $2 when 'again' then 'processing' else $2 end,
             sent_at = case $2 when 'sent' then now() end, last_error = case when $2 <> 'sent' then 'status 503' end
           where id = any($1::bigint[]) returning mailing_id, operator_code, status),
         noted as (
           insert into mailings.minutes as n (mailing_id, at, sent) select mailing_id, date_trunc('minute', now()), count(*)
           from moved where status = 'sent' group by 1 on conflict (mailing_id, at) do update set sent = n.sent + excluded.sent)
         update mailings.counters c set sent = c.sent + n.sent, error = c.error + n.error from (
           select mailing_id, operator_code, count(*) filter (where status = 'sent') sent,
             count(*) filter (where status = 'error') error from moved group by 1, 2) n
         where (c.mailing_id, c.operator_code) = (n.mailing_id, n.operator_code)`,
        [ids, outcome],
      ),
  }
}

/** What became of the messages of a mailing: how many of each status and reason. */
export async function outcomesOf(app: TestApp, mailing: number): Promise<Record<string, number>> {
  const { rows } = await app.platform.pool.query(
    `select concat_ws(' ', status, last_error) outcome, count(*)::int n from mailings.messages where mailing_id = $1
     group by 1 order by 1`,
    [mailing],
  )
  return Object.fromEntries(rows.map(({ outcome, n }) => [outcome, n]))
}

/** So many clients at once, of operators 900 to 902 in turn. */
export async function addClients(app: TestApp, count: number, tag: string, timezone = 'Europe/Moscow'): Promise<void> {
  await app.platform.pool.query(
    `insert into mailings.clients (phone, operator_code, tag, timezone)
     select '7' || (900 + n % 3) || lpad((coalesce((select max(id) from mailings.clients), 0) + n)::text, 7, '0'),
       (900 + n % 3)::text, $2, $3 from generate_series(1, $1::int) n`,
    [count, tag, timezone],
  )
}
