import { sql } from 'kysely'
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
import type { Tx } from '../platform/database.ts'
import { fieldFault, notFound } from '../platform/errors.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import type { Debtor, NewPayment, NewRecalculation, Payment, Recalculation, Statement } from './schemas-bills.ts'
import { checkApartment } from './viewers.ts'

/** Locks a flat, whose account is about to change, and gives its balance. */
async function lockApartment(tx: Tx, id: number): Promise<{ balance: string; today: string }> {
  const { rows } = await sql<{ balance: string; today: string }>`
    select a.balance, (now() at time zone h.timezone)::date today
    from housing.apartments a join housing.houses h on h.id = a.house_id where a.id = ${id} for no key update of a`.execute(
    tx,
  )
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** Takes in money for the account of a flat. */
export async function receivePayment(
  { db }: Platform,
  user: User,
  apartment: number,
  input: NewPayment,
  once?: Once,
): Promise<Payment> {
  return change(db, once, async (tx) => {
    const { balance, today } = await lockApartment(tx, apartment)
    if (input.paid_on > today) throw fieldFault('/paid_on', 'housing.paid_in_future')
    if (input.bill !== undefined) {
      const bill =
        await sql`select from housing.entries where bill_id = ${input.bill} and apartment_id = ${apartment}`.execute(tx)
      if (!bill.rows.length) throw fieldFault('/bill', 'validation.unknown_id')
    }
    const { rows } = await sql<Payment>`
      with made as (
        insert into housing.payments (apartment_id, amount, paid_on, reference, bill_id, created_by)
        values (${apartment}, ${input.amount}, ${input.paid_on}, ${input.reference ?? ''}, ${input.bill ?? null}, ${user.id})
        returning *),
      entered as (
        insert into housing.entries (apartment_id, payment_id, amount, opening_balance)
        select apartment_id, id, -amount, ${balance}::numeric from made),
      kept as (
        update housing.apartments a set balance = a.balance - m.amount from made m where a.id = m.apartment_id returning a.balance)
      select m.id, m.apartment_id apartment, m.amount, m.paid_on, m.reference, m.bill_id bill, k.balance, m.created_by, m.created_at
      from made m, kept k`.execute(tx)
    const payment = rows[0]!
    await recordChange(tx, user, {
      action: 'housing.receive_payment',
      subject: 'housing.payments',
      subject_id: payment.id,
      after: payment,
    })
    return payment
  })
}

/** The account of a flat: published bills and money received, newest first, with the balance after each. */
export async function getStatement(
  platform: Platform,
  user: User,
  apartment: number,
  page: CursorRequest,
  locale: Locale,
): Promise<PageOf<Statement['results'][number]> & { balance: string }> {
  const { db, translate } = platform
  await checkApartment(db, user, apartment)
  const { after, order } = walk(page, sql`e.id`)
  type Row = Statement['results'][number] & { month: string | null; reference: string | null }
  const { rows } = await sql<Row>`
    select e.id, e.at, case when e.bill_id is null then 'payment' else 'bill' end kind, e.bill_id bill, e.amount,
      e.opening_balance + e.amount balance, b.month, p.reference
    from housing.entries e left join housing.bills b on b.id = e.bill_id left join housing.payments p on p.id = e.payment_id
    where e.apartment_id = ${apartment} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const { balance } = await db
    .selectFrom('housing.apartments')
    .select('balance')
    .where('id', '=', apartment)
    .executeTakeFirstOrThrow()
  const results = rows.map(({ month, reference, ...row }) => ({
    ...row,
    detail: month
      ? translate(locale, 'housing.statement.bill', { month: formatsOf(platform, locale).month(month) })
      : reference || translate(locale, 'housing.statement.payment'),
  }))
  const count = await countRows(
    db,
    page,
    (limit) => sql`select from housing.entries where apartment_id = ${apartment} ${limit}`,
  )
  return { ...cursorAnswer(page, results, count), balance }
}

/** Flats of a house that owe, the largest first, with the age of what they owe: money covers the oldest bill first. */
export async function listDebtors(
  { db }: Platform,
  house: number,
  ordering: 'balance' | '-balance' | undefined,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<Debtor> & { total: string }> {
  const direction = sql.raw(ordering === 'balance' ? 'asc' : 'desc')
  const { rows } = await sql<Debtor>`
    select jsonb_build_object('id', d.id, 'number', d.number) apartment, d.balance, o.since, o.days_0_30, o.days_31_90,
      o.days_over_90
    from (select id, number, balance from housing.apartments where house_id = ${house} and balance > 0
          order by balance ${direction}, id limit ${page.limit} offset ${page.offset}) d
    cross join lateral (
      -- Of each charge what is left when all credits have covered the oldest.
      select min(at) since,
        coalesce(sum(owed) filter (where at > now() - interval '31 days'), 0)::numeric(18, 2) days_0_30,
        coalesce(sum(owed) filter (where at <= now() - interval '31 days' and at > now() - interval '91 days'), 0)::numeric(18, 2) days_31_90,
        coalesce(sum(owed) filter (where at <= now() - interval '91 days'), 0)::numeric(18, 2) days_over_90
      from (select at, amount, least(amount, charged - paid) owed
            from (select at, amount, sum(greatest(amount, 0)) over (order by id) charged, -sum(least(amount, 0)) over () paid
                  from housing.entries where apartment_id = d.id) e
            where amount > 0 and charged > paid) owed) o
    order by d.balance ${direction}, d.id`.execute(db)
  const all = await sql<{ n: number; total: string }>`
    select count(a.id) n, coalesce(sum(a.balance), 0)::numeric(18, 2) total
    from housing.houses h left join housing.apartments a on a.house_id = h.id and a.balance > 0
    where h.id = ${house} group by h.id`.execute(db)
  if (!all.rows[0]) throw notFound()
  return { ...pageAnswer(page, rows, all.rows[0].n), total: all.rows[0].total }
}

const recalculation = sql`id, apartment_id apartment, amount, reason, to_char(month, 'YYYY-MM') "month", bill_id bill,
  created_by, created_at`

/** Adds a line of its own to the next bill of a flat that is published. */
export async function recalculate(
  { db }: Platform,
  user: User,
  apartment: number,
  { amount, reason }: NewRecalculation,
  once?: Once,
): Promise<Recalculation> {
  if (/^-?0+(\.0+)?$/.test(amount)) throw fieldFault('/amount', 'housing.zero_amount')
  return change(db, once, async (tx) => {
    const found = await sql`select from housing.apartments where id = ${apartment} for key share`.execute(tx)
    if (!found.rows.length) throw notFound()
    const { rows } = await sql<Recalculation>`
      insert into housing.recalculations (apartment_id, amount, reason, created_by)
      values (${apartment}, ${amount}, ${reason}, ${user.id}) returning ${recalculation}`.execute(tx)
    await recordChange(tx, user, {
      action: 'housing.recalculate',
      subject: 'housing.recalculations',
      subject_id: rows[0]!.id,
      after: rows[0]!,
    })
    return rows[0]!
  })
}

/** Recalculations of a flat, those of revisions too, newest first. */
export async function listRecalculations(
  { db }: Platform,
  user: User,
  apartment: number,
  page: CursorRequest,
): Promise<PageOf<Recalculation>> {
  await checkApartment(db, user, apartment)
  const { after, order } = walk(page, sql`id`)
  const { rows } = await sql<Recalculation>`
    select ${recalculation} from housing.recalculations where apartment_id = ${apartment} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const count = await countRows(
    db,
    page,
    (limit) => sql`select from housing.recalculations where apartment_id = ${apartment} ${limit}`,
  )
  return cursorAnswer(page, rows, count)
}
