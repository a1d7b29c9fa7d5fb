import { sql } from 'kysely'
import type { State } from '../http/events.ts'
import {
  type CursorRequest,
  countRows,
  cursorAnswer,
  type PageOf,
  pageAnswer,
  type pageRequest,
  walk,
} from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { bareTransaction, type Db, run, type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound, violated } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import { change, type Once } from '../platform/idempotency.ts'
import { wake } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { billingLoop, tell } from './billing.ts'
import { issuesInWords } from './bills.ts'
import { chargeValues, chunkSettings, previewSql } from './charges.ts'
import type { Comparison, IncompleteFlat, Preview, Run, RunsQuery, TownRuns } from './schemas-runs.ts'
import { readTerms } from './terms.ts'

const columns = sql`r.id, r.house_id house, to_char(r.month, 'YYYY-MM') "month", r.status, r.total, r.processed, r.skipped,
  r.incomplete, case when r.status = 'completed' then 1 else coalesce(r.processed::float8 / nullif(r.total, 0), 0) end progress,
  r.amount, r.current, r.error, r.created_by, r.created_at, r.started_at, r.finished_at, r.published_at, r.published_by`

/** A run as it is now; 404 if there is none. */
export async function getRun(db: Db | Tx, id: number): Promise<Run> {
  const { rows } = await sql<Run>`select ${columns} from housing.billing_runs r where r.id = ${id}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** Has a house's bills of a month computed; 409 while that is under way. */
export async function startRun({ db }: Platform, user: User, house: number, month: string, once?: Once): Promise<Run> {
  try {
    return await change(db, once, async (tx) => {
      if (!(await tx.selectFrom('housing.houses').select('id').where('id', '=', house).executeTakeFirst()))
        throw notFound()
      const { id } = await tx
        .insertInto('housing.billing_runs')
        .values({ house_id: house, month: `${month}-01`, created_by: user.id })
        .returning('id')
        .executeTakeFirstOrThrow()
      await recordChange(tx, user, {
        action: 'housing.start_run',
        subject: 'housing.billing_runs',
        subject_id: id,
        after: { house, month },
      })
      await wake(tx, billingLoop.name)
      await tell(tx, id, month)
      return getRun(tx, id)
    })
  } catch (error) {
    if (violated(error) === 'billing_runs_active_key') throw new AppError(409, 'housing.run_in_progress')
    throw error
  }
}

/** Has the bills of every house computed for a month, but for houses where that is under way already. */
export async function startTown({ db }: Platform, user: User, month: string, once?: Once): Promise<TownRuns> {
  return change(db, once, async (tx) => {
    const { rows } = await sql<{ id: number }>`
      insert into housing.billing_runs (house_id, month, created_by)
      select id, ${`${month}-01`}::date, ${user.id} from housing.houses order by id
      on conflict (house_id, month) where status in ('queued', 'running') do nothing returning id`.execute(tx)
    await recordChange(tx, user, {
      action: 'housing.start_town',
      subject: 'housing.billing_runs',
      subject_id: null,
      after: { month, runs: rows.length },
    })
    await wake(tx, billingLoop.name)
    if (rows[0]) await tell(tx, rows[0].id, month)
    return { month, started: rows.length, ...(await townProgress(tx, month)) }
  })
}

/** How far the newest run of each house has come in a month. */
export async function townProgress(db: Db | Tx, month: string): Promise<Omit<TownRuns, 'month' | 'started'>> {
  const { rows } = await sql<Omit<TownRuns, 'month' | 'started'>>`
    select count(*)::int houses, coalesce(sum(total), 0) total, coalesce(sum(processed), 0) processed,
      coalesce(sum(case status when 'completed' then 1 when 'running' then coalesce(processed::float8 / nullif(total, 0), 0)
        else 0 end) / nullif(count(*), 0), 0) progress,
      coalesce(sum(amount) filter (where status = 'completed'), 0)::numeric(18, 2) amount,
      jsonb_build_object('queued', count(*) filter (where status = 'queued'),
        'running', count(*) filter (where status = 'running'), 'completed', count(*) filter (where status = 'completed'),
        'failed', count(*) filter (where status = 'failed'), 'cancelled', count(*) filter (where status = 'cancelled')) statuses
    from (select distinct on (house_id) * from housing.billing_runs where month = ${`${month}-01`}::date
          order by house_id, id desc) r`.execute(db)
  return rows[0]!
}

/** A run for those who watch it. */
export async function runState({ db }: Platform, id: number): Promise<State> {
  const now = await getRun(db, id)
  return { id: `${now.status} ${now.processed}`, data: now, done: now.finished_at !== null }
}

/** A month over all houses for those who watch it. */
export async function townState({ db }: Platform, month: string): Promise<State> {
  const now = await townProgress(db, month)
  const { queued = 0, running = 0 } = now.statuses
  return { id: `${JSON.stringify(now.statuses)} ${now.processed}`, data: now, done: queued + running === 0 }
}

/** Runs, newest first. */
export async function listRuns({ db }: Platform, query: RunsQuery, page: CursorRequest): Promise<PageOf<Run>> {
  const where = sql.join(
    [
      sql`true`,
      ...(query.house ? [sql`r.house_id = ${query.house}`] : []),
      ...(query.month ? [sql`r.month = ${`${query.month}-01`}::date`] : []),
      ...(query.status ? [sql`r.status = ${query.status}`] : []),
    ],
    sql` and `,
  )
  const { after, order } = walk(page, sql`r.id`)
  const { rows } = await sql<Run>`
    select ${columns} from housing.billing_runs r where ${where} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const count = await countRows(db, page, (limit) => sql`select from housing.billing_runs r where ${where} ${limit}`)
  return cursorAnswer(page, rows, count)
}

/** The runs of one house; 404 if there is none. */
export async function listRunsOfHouse(platform: Platform, query: RunsQuery & { house: number }, page: CursorRequest) {
  const house = await platform.db
    .selectFrom('housing.houses')
    .select('id')
    .where('id', '=', query.house)
    .executeTakeFirst()
  if (!house) throw notFound()
  return listRuns(platform, query, page)
}

/** Stops a run after the chunk in work; its bills never count. 409 when it is over. */
export async function cancelRun({ db }: Platform, user: User, id: number): Promise<Run> {
  return transaction(db, async (tx) => {
    const { rows } = await sql<{ month: string }>`
      update housing.billing_runs set status = 'cancelled', finished_at = now()
      where id = ${id} and status in ('queued', 'running') returning month`.execute(tx)
    const after = await getRun(tx, id)
    if (!rows[0]) throw new AppError(409, 'housing.run_over')
    await recordChange(tx, user, {
      action: 'housing.cancel_run',
      subject: 'housing.billing_runs',
      subject_id: id,
      after: { status: 'cancelled', processed: after.processed },
    })
    await tell(tx, id, rows[0].month)
    return after
  })
}

/** Missing readings that a preview names; the rest is only counted. */
const previewLimit = 1000
const previewChunk = 5000

type Missing = { apartment: number; meter: number; no_reading: boolean; gap: boolean }

/** What a run of the month would do now, computed by the same SQL in one snapshot; nothing is written. */
export async function previewRun({ pool }: Platform, house: number, month: string): Promise<Preview> {
  const first = `${month}-01`
  const before = new Date(Date.parse(`${first}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 7)
  return bareTransaction(pool, `begin isolation level repeatable read read only; ${chunkSettings}`, async (client) => {
    const terms = await readTerms((text, values) => run(client, text, values), house, first)
    if (!terms) throw notFound()
    const missing: Preview['missing_readings'] = []
    const answer = { apartments: 0, incomplete: 0, missing_count: 0 }
    let amount = '0'
    for (let after: number | null = 0; after !== null; ) {
      const [part]: {
        apartments: number
        incomplete: number
        amount: string
        last: number | null
        missing: Missing[]
      }[] = await run(client, previewSql(terms), [...chargeValues(first, terms), house, after, previewChunk, amount])
      amount = part!.amount
      answer.apartments += part!.apartments
      answer.incomplete += part!.incomplete
      for (const { apartment, meter, no_reading, gap } of part!.missing) {
        const months = [...(gap ? [before] : []), ...(no_reading ? [month] : [])]
        answer.missing_count += months.length
        for (const one of months) if (missing.length < previewLimit) missing.push({ apartment, meter, month: one })
      }
      after = part!.last
    }
    return { ...answer, missing_readings: missing, amount }
  })
}

/** Flats of a run whose bill is incomplete, with what is missing. */
export async function listIncomplete(
  platform: Platform,
  id: number,
  page: CursorRequest,
  locale: Locale,
): Promise<PageOf<IncompleteFlat>> {
  const { db } = platform
  await getRun(db, id)
  const { after, order } = walk(page, sql`m.apartment_id`)
  const { rows } = await sql<IncompleteFlat>`
    select m.apartment_id id, a.number, b.id bill, b.issues
    from housing.run_bills m join housing.apartments a on a.id = m.apartment_id join housing.bills b on b.id = m.bill_id
    where m.run_id = ${id} and m.incomplete and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const results = rows.map((row) => ({ ...row, issues: issuesInWords(platform, locale, row.issues) }))
  const { incomplete } = await getRun(db, id)
  return cursorAnswer(page, results, { count: page.withCount ? incomplete : null })
}

/** The bills of a run beside the current ones of the month before, the largest differences first. */
export async function compareRun(
  { db }: Platform,
  id: number,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<Comparison>> {
  const { processed } = await getRun(db, id)
  const { rows } = await sql<Comparison>`
    select m.apartment_id apartment, a.number, b.id bill, b.total, o.total before, b.total - coalesce(o.total, 0) difference,
      b.status
    from housing.billing_runs r
    join housing.run_bills m on m.run_id = r.id
    join housing.bills b on b.id = m.bill_id
    join housing.apartments a on a.id = m.apartment_id
    left join housing.billing_runs l on l.house_id = r.house_id and l.month = r.month - interval '1 month' and l.current
    left join housing.run_bills p on p.run_id = l.id and p.apartment_id = m.apartment_id
    left join housing.bills o on o.id = p.bill_id
    where r.id = ${id}
    order by abs(b.total - coalesce(o.total, 0)) desc, m.apartment_id limit ${page.limit} offset ${page.offset}`.execute(
    db,
  )
  return pageAnswer(page, rows, processed)
}
