import { type RawBuilder, sql } from 'kysely'
import { csvLine } from '../http/csv.ts'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { type Db, run } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import type { Bill, BillsQuery } from './schemas-bills.ts'
import { checkApartment, mayBeSeen, readsAll } from './viewers.ts'
import { formulaOf } from './words.ts'

/** A bill `b` with its flat `a` and the entry `e` of its account, where it has been published. */
export const billSource = sql`housing.bills b join housing.apartments a on a.id = b.apartment_id
  left join housing.entries e on e.bill_id = b.id`
// Frozen by the publication of the month, for later revisions too; before it, what the flat owes now.
const opening = `coalesce(e.opening_balance, (
  select x.opening_balance from housing.bills y join housing.entries x on x.bill_id = y.id
  where y.apartment_id = b.apartment_id and y.month = b.month), a.balance)`
export const billColumns = sql`b.id, b.run_id run, b.apartment_id apartment, a.number, a.house_id house, to_char(b.month, 'YYYY-MM') "month",
  b.revision, b.status, ${sql.raw(opening)} opening_balance, b.total,
  ${sql.raw(opening)} + b.total to_pay, e.at published_at, b.issues, b.created_at,
  (select coalesce(jsonb_agg(jsonb_build_object('service', l.service, 'quantity', l.quantity::text,
      'unit', case l.service when 'maintenance' then 'm2' when 'recalculation' then null else 'm3' end,
      'price', l.price::text, 'amount', l.amount::text, 'method', l.method, 'carried', l.carried::text, 'reason', c.reason,
      'meter', case when m.id is not null then jsonb_build_object('id', m.id, 'serial', m.serial,
        'previous', l.previous::text, 'current', l.current::text) end) order by l.position), '[]')
   from housing.bill_lines l left join housing.meters m on m.id = l.meter_id
   left join housing.recalculations c on c.id = l.recalculation_id where l.bill_id = b.id) lines`

/** Bills of a run that never closed are nobody's; of the others residents see what was published. */
const closed = sql`exists (select from housing.billing_runs r where r.id = b.run_id and r.status = 'completed')`
const visible = (user: User): RawBuilder<boolean> =>
  sql<boolean>`${closed} and ${readsAll(user) ? sql`true` : sql`e.bill_id is not null`} and ${mayBeSeen(user, 'b.apartment_id')}`

export type BillRow = Omit<Bill, 'lines'> & { lines: Omit<Bill['lines'][number], 'formula'>[] }

/** Adds what is said in the caller's language: the formula of each line, and what was missing. */
function inWords(platform: Platform, locale: Locale, row: BillRow): Bill {
  return {
    ...row,
    lines: row.lines.map((l) => ({ ...l, formula: formulaOf(platform, locale, l) })),
    issues: issuesInWords(platform, locale, row.issues),
  }
}

/** What was missing, with a sentence for each. */
export const issuesInWords = (platform: Platform, locale: Locale, issues: Bill['issues']): Bill['issues'] =>
  issues.map((issue) => ({
    ...issue,
    message: platform.translate(locale, `housing.issue.${issue.code}`, {
      service: platform.translate(locale, `housing.service.${issue.service}`),
      month: issue.month && formatsOf(platform, locale).month(issue.month),
    }),
  }))

/** Throws 404 unless the caller may see this bill. */
export async function checkBill({ db }: Platform, user: User, id: number): Promise<void> {
  const { rows } = await sql`select from ${billSource} where b.id = ${id} and ${visible(user)}`.execute(db)
  if (!rows[0]) throw notFound()
}

/** One bill, for whoever may see it. */
export async function getBill(platform: Platform, user: User, id: number, locale: Locale): Promise<Bill> {
  const { rows } = await sql<BillRow>`
    select ${billColumns} from ${billSource} where b.id = ${id} and ${visible(user)}`.execute(platform.db)
  if (!rows[0]) throw notFound()
  return inWords(platform, locale, rows[0])
}

/** The run whose bills are current in a house and month, or in its newest billed month. */
async function findCurrentRun(db: Db, house: number, month: string | undefined) {
  const { rows } = await sql<{ run: number | null; month: string | null }>`
    select r.id run, r.month from housing.houses h left join lateral (
      select id, month from housing.billing_runs where house_id = h.id and current
        ${month ? sql`and month = ${`${month}-01`}::date` : sql``} order by month desc limit 1) r on true
    where h.id = ${house}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** The bills of a house and month by flat; with `revisions` all of completed runs, else those that count. */
export async function listBillsOfHouse(
  platform: Platform,
  house: number,
  query: BillsQuery,
  page: CursorRequest,
  locale: Locale,
): Promise<PageOf<Bill>> {
  const { run, month } = await findCurrentRun(platform.db, house, query.month)
  const marks = query.revisions
    ? sql`(select m.apartment_id, b.id from housing.run_bills m
        join housing.bills b on b.apartment_id = m.apartment_id and b.month = ${month}::date
        where m.run_id = ${run} and ${closed})`
    : sql`(select m.apartment_id, m.bill_id id from housing.run_bills m where m.run_id = ${run})`
  const { after, order, key } = walk(page, sql`k.id`, { apartment: [sql`k.apartment_id`, 'bigint'] })
  const { rows } = await sql<BillRow & { key: string }>`
    select ${billColumns}, k.key from (
      select k.id, k.key, row_number() over () n from (
        select k.id, ${key} key from ${marks} k where ${after}
        order by ${order} limit ${page.limit + 1} offset ${page.offset}) k) k
    join ${billSource} on b.id = k.id order by k.n`.execute(platform.db)
  const results = rows.map((row) => inWords(platform, locale, row))
  return cursorAnswer(
    page,
    results,
    await countRows(platform.db, page, (limit) => sql`select from ${marks} k ${limit}`),
  )
}

/** The bills of a flat, newest month first. */
export async function listBillsOfApartment(
  platform: Platform,
  user: User,
  apartment: number,
  query: BillsQuery,
  page: CursorRequest,
  locale: Locale,
): Promise<PageOf<Bill>> {
  await checkApartment(platform.db, user, apartment)
  const which = readsAll(user)
    ? query.revisions
      ? closed
      : sql`exists (select from housing.billing_runs r join housing.run_bills m
          on m.run_id = r.id and m.apartment_id = b.apartment_id
          where r.house_id = a.house_id and r.month = b.month and r.current and m.bill_id = b.id)`
    : sql`e.bill_id is not null`
  const where = sql`b.apartment_id = ${apartment} and ${which}
    ${query.month ? sql`and b.month = ${`${query.month}-01`}::date` : sql``}`
  const { after, order, key } = walk(page, sql`b.id`, { month: [sql`b.month`, 'date'] })
  const { rows } = await sql<BillRow & { key: string }>`
    select ${billColumns}, ${key} key from ${billSource} where ${where} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(platform.db)
  const results = rows.map((row) => inWords(platform, locale, row))
  const count = await countRows(platform.db, page, (limit) => sql`select from ${billSource} where ${where} ${limit}`)
  return cursorAnswer(page, results, count)
}

const services = ['cold_water', 'hot_water', 'maintenance', 'recalculation']
const csvColumns = [
  'number',
  'account',
  'area',
  ...services,
  'total',
  'opening_balance',
  'to_pay',
  'status',
  'revision',
]
const csvSql = `
  select m.apartment_id, a.number, a.account, b.area, ${services.map((s) => `l.${s}`).join(', ')}, b.total,
    ${opening} opening_balance, ${opening} + b.total to_pay, b.status, b.revision
  from (select * from housing.run_bills where run_id = $1 and apartment_id > $2 order by apartment_id limit 1000) m
  join housing.apartments a on a.id = m.apartment_id join housing.bills b on b.id = m.bill_id
  left join housing.entries e on e.bill_id = b.id
  cross join lateral (select ${services.map((s) => `coalesce(sum(amount) filter (where service = '${s}'), 0)::numeric(14, 2) ${s}`).join(', ')}
    from housing.bill_lines where bill_id = b.id) l
  order by m.apartment_id`

/** The current bills of a month as CSV, a line for each flat; a thousand at a time, however many there are. */
export async function billsCsv({ db, pool }: Platform, house: number, month: string): Promise<AsyncIterable<string>> {
  const current = await findCurrentRun(db, house, month)
  return (async function* () {
    yield csvLine(csvColumns)
    for (let after = 0; current.run !== null; ) {
      const rows = await run<Record<string, unknown>>(pool, csvSql, [current.run, after])
      if (!rows.length) return
      yield rows.map((row) => csvLine(csvColumns.map((name) => row[name]))).join('')
      after = rows.at(-1)!.apartment_id as number
    }
  })()
}
