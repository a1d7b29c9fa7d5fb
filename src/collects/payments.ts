import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Static } from 'typebox'
import {
  type CursorRequest,
  countRows,
  cursorAnswer,
  type PageOf,
  pageAnswer,
  type pageRequest,
  walk,
} from '../http/pages.ts'
import { hasRole, type User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { freeOf, groupCommit, locked } from '../platform/batch.ts'
import { run, sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import type { Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { addNotifications } from '../platform/notifications.ts'
import { organises } from './organisers.ts'
import type { NewPayment, Payment, PaymentChange, PaymentsQuery, PaymentTotals } from './schemas.ts'

type Gift = { payer: number; input: NewPayment }
type Decided = { n: number; is_over: boolean; is_above: boolean; max_amount: string | null; id: number | null }

// Locks in id order, so that two batches over the same collects never wait for each other in a ring.
const lockSql = (skip: boolean) => `
  with ${
    skip
      ? freeOf('collect', 'select id from collects.collects where id = any($1::bigint[])', 'got')
      : `got as materialized (
    select id from collects.collects where id = any($1::bigint[]) order by id for no key update)`
  }
  select id, got.id is not null as got from collects.collects left join got using (id) where id = any($1::bigint[])`

// One statement writes the payments and the totals, once the collects are locked: so a collect is over or not at the very
// instant that the payment bears. Of payments with one transaction_id the first that may happens. Donors are counted
// before anything is written, looked up one by one: `not exists` became a hash over all payments under plans made while
// the table was small (3 times slower).
const paySql = `
  with given as materialized (
    select t.*, c.title collect_title, c.max_amount, c.closed_at is not null or c.ends_at <= statement_timestamp() is_over,
      coalesce(t.amount > c.max_amount, false) is_above, (
      select 1 from collects.payments p
      where p.collect_id = t.collect_id and p.payer_id = t.payer_id and p.status = 'completed' limit 1) is null is_new
    from unnest($1::bigint[], $2::bigint[], $3::numeric[], $4::text[], $5::text[], $6::boolean[]) with ordinality
      t(collect_id, payer_id, amount, transaction_id, comment, is_anonymous, n)
    join collects.collects c on c.id = t.collect_id
  ), chosen as materialized (
    select distinct on (transaction_id) * from given where not is_over and not is_above order by transaction_id, n
  ), made as (
    insert into collects.payments (collect_id, payer_id, amount, transaction_id, comment, is_anonymous)
    select collect_id, payer_id, amount, transaction_id, comment, is_anonymous from chosen order by transaction_id
    on conflict (transaction_id) do nothing
    returning id, amount, status, transaction_id, created_at
  ), sums as (
    select c.collect_id, sum(c.amount) amount, count(*) payments, count(distinct c.payer_id) filter (where c.is_new) donors
    from made m join chosen c using (transaction_id) group by c.collect_id
  ), counted as (
    update collects.collects c set collected_amount = c.collected_amount + s.amount,
      payments_count = c.payments_count + s.payments, donors_count = c.donors_count + s.donors
    from sums s where c.id = s.collect_id
  )
  select g.n, g.is_over, g.is_above, g.max_amount, m.id, g.collect_id collect, g.collect_title, g.payer_id payer, u.full_name, m.amount, m.status, m.transaction_id,
    g.comment, g.is_anonymous, m.created_at
  from given g join accounts.users u on u.id = g.payer_id
  left join chosen c using (n) left join made m on m.transaction_id = c.transaction_id`

/** Adds money to a collect. Many at once become one transaction; each caller learns its own outcome. */
export async function pay(platform: Platform, payer: User, input: NewPayment, once?: Once): Promise<Payment> {
  return platform.own(openPayments)({ payer: payer.id, input }, once)
}

const openPayments = (platform: Platform) =>
  groupCommit<Gift, Payment>({
    name: 'payments',
    pool: platform.batchPool,
    async work(client, gifts, { skipLocked }) {
      const ids = [...new Set(gifts.map((g) => g.input.collect))].sort((a, b) => a - b)
      const rows = await run<{ id: number; got: boolean }>(client, lockSql(skipLocked), [ids])
      const got = new Map(rows.map((c) => [c.id, c.got]))
      const open = gifts.filter((g) => got.get(g.input.collect))
      const results = open.length
        ? await run<Omit<Payment, 'id'> & Decided>(client, paySql, [
            open.map((g) => g.input.collect),
            open.map((g) => g.payer),
            open.map((g) => g.input.amount),
            open.map((g) => g.input.transaction_id ?? randomUUID()),
            open.map((g) => g.input.comment ?? ''),
            open.map((g) => g.input.is_anonymous ?? false),
          ])
        : []
      const made = results.flatMap(({ id }) => (id === null ? [] : [{ payment_id: id }]))
      await platform.jobs.enqueue(client, 'collects.payment_mail', made)
      const outcomes = new Map(results.map(({ n, ...row }) => [open[n - 1], row]))
      return gifts.map((gift) => {
        const outcome = outcomes.get(gift)
        if (outcome) {
          const { is_over, is_above, max_amount, id, ...payment } = outcome
          if (id !== null) return { id, ...payment }
          if (is_above && !is_over) return fieldFault('/amount', 'collects.above_most', { most: max_amount })
          return new AppError(409, is_over ? 'collects.over' : 'collects.transaction_id_taken')
        }
        return got.has(gift.input.collect) ? locked : fieldFault('/collect', 'validation.unknown_id')
      })
    },
  })

/** What a viewer sees of a payment: who gave anonymously only the payer and administrators learn. */
const visible = (user: User) => {
  const hidden = hasRole(user, 'admin', 'auditor') ? sql`false` : sql`p.is_anonymous and p.payer_id <> ${user.id}`
  return sql`p.id, p.collect_id collect, c.title collect_title, case when ${hidden} then null else p.payer_id end payer,
    case when ${hidden} then null else u.full_name end full_name,
    p.amount, p.status, p.transaction_id, p.comment, p.is_anonymous, p.created_at`
}

/** One's own payments and those of one's collects; all of them for administrators. Newest first, walked by cursor. */
export async function listPayments(
  { db }: Platform,
  user: User,
  query: PaymentsQuery,
  page: CursorRequest,
): Promise<PageOf<Payment>> {
  const filters = sql.join(
    [
      sql`true`,
      ...(query.collect ? [sql`p.collect_id = ${query.collect}`] : []),
      ...(query.status ? [sql`p.status = ${query.status}`] : []),
    ],
    sql` and `,
  )
  const { after, order } = walk(page, sql`p.id`)
  // Each branch walks an index of its own and stops early, however many payments there are.
  const ids = (end: RawBuilder<unknown>) =>
    hasRole(user, 'admin', 'auditor')
      ? sql`(select p.id from collects.payments p where ${filters} ${end})`
      : sql`((select p.id from collects.payments p where p.payer_id = ${user.id} and ${filters} ${end})
          union (select p.id from collects.collects c cross join lateral (
            select p.id from collects.payments p where p.collect_id = c.id and ${filters} ${end}) p
            where ${organises(user)}))`
  const ends = sql`and ${after} order by ${order} limit ${page.limit + 1 + page.offset}`
  const { rows } = await sql<Payment>`
    select ${visible(user)} from ${ids(ends)} found join collects.payments p using (id) join accounts.users u on u.id = p.payer_id
      join collects.collects c on c.id = p.collect_id
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  return cursorAnswer(page, rows, await countRows(db, page, ids))
}

/** A payment that the caller may see: the payer, organisers of the collect, administrators. */
export async function getPayment({ db }: Pick<Platform, 'db'>, user: User, id: number): Promise<Payment> {
  const { rows } = await sql<Payment>`
    select ${visible(user)} from collects.payments p join collects.collects c on c.id = p.collect_id
      join accounts.users u on u.id = p.payer_id
    where p.id = ${id} and (${hasRole(user, 'admin', 'auditor')} or p.payer_id = ${user.id} or ${organises(user)})`.execute(
    db,
  )
  if (!rows[0]) throw notFound()
  return rows[0]
}

type Total = Static<typeof PaymentTotals>['results'][number]

/** What somebody gave and did not get back, by collect, the latest first. */
export async function totalPayments(
  { db }: Platform,
  user: User,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<Total>> {
  const given = sql`collects.payments p where p.payer_id = ${user.id} and p.status = 'completed'`
  const { rows } = await sql<Total>`
    select c.id collect, c.title, t.amount, t.payments_count, t.last_at
    from (select collect_id, sum(amount)::numeric(18, 2) amount, count(*) payments_count, max(created_at) last_at
          from ${given} group by collect_id) t
    join collects.collects c on c.id = t.collect_id
    order by t.last_at desc, c.id limit ${page.limit} offset ${page.offset}`.execute(db)
  const all = await sql<{ n: number }>`select count(distinct p.collect_id) n from ${given}`.execute(db)
  return pageAnswer(page, rows, all.rows[0]!.n)
}

/** Locks the collect of a payment and then the payment, as every change does. */
async function lockPayment(tx: Tx, user: User, id: number) {
  const place = await tx.selectFrom('collects.payments').select('collect_id').where('id', '=', id).executeTakeFirst()
  if (!place) throw notFound()
  const { rows: collects } = await sql<{ is_organiser: boolean }>`
    select ${organises(user)} is_organiser from collects.collects c where c.id = ${place.collect_id} for no key update`.execute(
    tx,
  )
  const payment = await tx
    .selectFrom('collects.payments')
    .select(['id', 'collect_id', 'payer_id', 'amount', 'status', 'comment', 'is_anonymous'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  const isPayer = payment?.payer_id === user.id
  const isOrganiser = collects[0]!.is_organiser
  if (!payment || !(isPayer || isOrganiser || hasRole(user, 'admin', 'auditor'))) throw notFound()
  return { payment, isPayer, isOrganiser }
}

// A new payment says itself who gave what and when, and never changes but by these.
const recordPayment = (tx: Tx, user: User, verb: string, id: number, before: object, after: object) =>
  recordChange(tx, user, { action: `collects.${verb}`, subject: 'collects.payments', subject_id: id, before, after })

/** Changes comment and anonymity; only the payer may. */
export async function changePayment({ db }: Platform, user: User, id: number, input: PaymentChange): Promise<Payment> {
  return transaction(db, async (tx) => {
    const { payment, isPayer } = await lockPayment(tx, user, id)
    if (!isPayer) throw new AppError(403, 'collects.not_payer')
    if (Object.keys(input).length) {
      await tx.updateTable('collects.payments').set(input).where('id', '=', id).execute()
      await recordPayment(tx, user, 'change_payment', id, payment, { ...payment, ...input })
    }
    return getPayment({ db: tx }, user, id)
  })
}

/** Gives money back, once: it leaves the feed and the totals, and so does the donor who gave nothing else. */
export async function refundPayment({ db }: Platform, user: User, id: number): Promise<Payment> {
  return transaction(db, async (tx) => {
    const { payment, isOrganiser } = await lockPayment(tx, user, id)
    if (!isOrganiser && !hasRole(user, 'admin')) throw new AppError(403, 'collects.not_organiser')
    if (payment.status !== 'completed') throw new AppError(409, 'collects.not_refundable')
    await sql`
      update collects.collects c set collected_amount = collected_amount - ${payment.amount}::numeric,
        payments_count = payments_count - 1,
        donors_count = donors_count - case when exists (
          select from collects.payments p where p.collect_id = c.id and p.payer_id = ${payment.payer_id}
            and p.status = 'completed' and p.id <> ${id}) then 0 else 1 end
      where c.id = ${payment.collect_id}`.execute(tx)
    await tx
      .updateTable('collects.payments')
      .set({ status: 'refunded', refunded_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    await recordPayment(tx, user, 'refund', id, { status: payment.status }, { status: 'refunded' })
    const refunded = await getPayment({ db: tx }, user, id)
    await addNotifications(sqlOf(tx), [
      {
        user_id: payment.payer_id,
        kind: 'collects.refund',
        key: `payment-${id}`,
        path: '/payments',
        params: { title: refunded.collect_title, amount: payment.amount },
      },
    ])
    return refunded
  })
}
