import { sql } from 'kysely'
import type { Static } from 'typebox'
import { type CursorRequest, cursorAnswer, walk } from '../http/pages.ts'
import type { Db, Tx } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { summed } from './counters.ts'
import type { Counts } from './schemas.ts'
import type { MailingStatistics, Statistics } from './schemas-messages.ts'

/** One look at the database, so that what is told adds up at any instant. */
const atOnce = <T>(db: Db, read: (tx: Tx) => Promise<T>): Promise<T> =>
  db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read)

const byOperator = sql`coalesce((select jsonb_agg(jsonb_build_object('operator_code', operator_code) || counts order by total desc, operator_code)
  from (select operator_code, ${summed} counts, sum(total) total from counted group by operator_code) o), '[]') by_operator`

/** All mailings together, by operator and by day, and each with its counts, newest first. */
export function getStatistics({ config, db }: Platform, page: CursorRequest): Promise<Static<typeof Statistics>> {
  return atOnce(db, async (tx) => {
    const all = await sql<{ mailings: number; messages: Counts; by_operator: [] }>`
      with counted as materialized (
        select operator_code, sum(total) total, sum(sent) sent, sum(error) error, sum(expired) expired
        from mailings.counters group by operator_code)
      select (select count(*) from mailings.mailings) mailings, (select ${summed} from counted) messages, ${byOperator}`.execute(
      tx,
    )
    const days = await sql<{ day: string; sent: number; error: number }>`
      select (at at time zone ${config.TIMEZONE})::date as day, sum(sent) sent, sum(error) error from mailings.minutes
      where at >= ((now() at time zone ${config.TIMEZONE})::date - 30)::timestamp at time zone ${config.TIMEZONE}
      group by 1 order by 1`.execute(tx)
    const { after, order } = walk(page, sql`l.id`)
    const { rows } = await sql<Static<typeof Statistics>['results'][number]>`
      select l.id, l.status, l.starts_at, l.ends_at, (select ${summed} from mailings.counters where mailing_id = l.id) counts
      from mailings.mailings l where ${after} order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(
      tx,
    )
    const { mailings } = all.rows[0]!
    const listed = cursorAnswer(page, rows, { count: page.withCount ? mailings : null })
    return { ...listed, ...all.rows[0]!, by_day: days.rows }
  })
}

/** One mailing in figures, all of one instant; throws 404. */
export function getMailingStatistics({ db }: Platform, id: number): Promise<MailingStatistics> {
  return atOnce(db, async (tx) => {
    type Sums = Pick<MailingStatistics, 'counts' | 'by_operator' | 'attempts'>
    const { rows } = await sql<Sums>`
      with counted as materialized (select * from mailings.counters where mailing_id = ${id})
      select (select ${summed} from counted) counts, (select coalesce(sum(attempts), 0)::bigint from counted) attempts, ${byOperator}
      from mailings.mailings where id = ${id}`.execute(tx)
    if (!rows[0]) throw notFound()
    const minutes = await sql<MailingStatistics['per_minute'][number]>`
      select at, sent, error from (
        select at, sent, error from mailings.minutes where mailing_id = ${id} order by at desc limit 10080) m order by at`.execute(
      tx,
    )
    // Of each part of the answers the bucket in which it ends, by its middle.
    const latency = await sql<MailingStatistics['latency_ms']>`
      with upto as (
        select bucket, sum(answers) over (order by bucket) upto, sum(answers) over () total
        from mailings.latencies where mailing_id = ${id}),
      ends as (
        select part, round(1.1 ^ (min(bucket) + 0.5), 1)::float8 ms
        from upto join unnest('{0.5,0.95,0.99}'::numeric[]) part on upto >= part * total group by part)
      select max(ms) filter (where part = 0.5) p50, max(ms) filter (where part = 0.95) p95,
        max(ms) filter (where part = 0.99) p99 from ends`.execute(tx)
    return { ...rows[0], per_minute: minutes.rows, latency_ms: latency.rows[0]! }
  })
}
