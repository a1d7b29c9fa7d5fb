import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { hasRole, type User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { groupCommit } from '../platform/batch.ts'
import { run, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import type { Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../platform/pages.ts'
import type { NewPayment, Payment, PaymentChange, PaymentsQuery } from './schemas.ts'

type Gift = { payer: number; input: NewPayment }

// Locks in id order, so that two batches over the same collects never wait for each other in a ring.
const lockSql = `
  select id, closed_at is not null or ends_at <= clock_timestamp() as over
  from collects.collects where id = any($1::bigint[]) order by id for no key update`

// One statement writes the payments and the totals. What lost its transaction_id to somebody else is not returned.
// Donors are counted on the snapshot before this statement, which is exact because the collects are locked; looked up one
// by one, for `not exists` became a hash over all payments under plans made while the table was small (3 times slower).
const paySql = `
  with made as (
    insert into collects.payments (collect_id, payer_id, amount, transaction_id, comment, is_anonymous)
    select * from unnest($1::bigint[], $2::bigint[], $3::numeric[], $4::text[], $5::text[], $6::boolean[])
      t(collect_id, payer_id, amount, transaction_id, comment, is_anonymous)
    order by transaction_id
    on conflict (transaction_id) do nothing
    returning id, collect_id, payer_id, amount, status, transaction_id, comment, is_anonymous, created_at
  ), sums as (
    select m.collect_id, sum(m.amount) amount, count(*) payments, count(distinct m.payer_id) filter (where (
      select 1 from collects.payments p
      where p.collect_id = m.collect_id and p.payer_id = m.payer_id and p.status = 'completed' limit 1) is null) donors
    from made m group by m.collect_id
  ), counted as (
    update collects.collects c set collected_amount = c.collected_amount + s.amount,
      payments_count = c.payments_count + s.payments, donors_count = c.donors_count + s.donors
    from sums s where c.id = s.collect_id
  )
  select m.id, m.collect_id collect, m.payer_id payer, u.full_name, m.amount, m.status, m.transaction_id, m.comment,
    m.is_anonymous, m.created_at
  from made m join accounts.users u on u.id = m.payer_id`

/** Adds money to a collect. Many at once become one transaction; each caller learns its own outcome. */
export async function pay(platform: Platform, payer: User, input: NewPayment, once?: Once): Promise<Payment> {
  return platform.own(openPayments)({ payer: payer.id, input }, once)
}

const openPayments = (platform: Platform) =>
  groupCommit<Gift, Payment>({
    name: 'payments',
    pool: platform.pool,
    async work(client, gifts) {
      const ids = [...new Set(gifts.map((g) => g.input.collect))].sort((a, b) => a - b)
      const locked = await run<{ id: number; over: boolean }>(client, lockSql, [ids])
      const over = new Map(locked.map((c) => [c.id, c.over]))
      const taken = new Set<string>()
      // In the order of arrival: of two payments with one transaction_id the first that may happens.
      const accepted = gifts.map(
        ({ payer, input }): AppError | { payer: number; input: NewPayment; transaction_id: string } => {
          const isOver = over.get(input.collect)
          if (isOver === undefined) return fieldFault('/collect', 'validation.unknown_id')
          if (isOver) return new AppError(409, 'collects.over')
          const transaction_id = input.transaction_id ?? randomUUID()
          if (taken.has(transaction_id)) return new AppError(409, 'collects.transaction_id_taken')
          taken.add(transaction_id)
          return { payer, input, transaction_id }
        },
      )
      const rows = accepted.flatMap((a) => (a instanceof AppError ? [] : [a]))
      if (!rows.length) return accepted as AppError[]
      const made = await run<Payment>(client, paySql, [
        rows.map((r) => r.input.collect),
        rows.map((r) => r.payer),
        rows.map((r) => r.input.amount),
        rows.map((r) => r.transaction_id),
        rows.map((r) => r.input.comment ?? ''),
        rows.map((r) => r.input.is_anonymous ?? false),
      ])
      await platform.jobs.enqueue(
        client,
        'collects.payment_mail',
        made.map((p) => ({ payment_id: p.id })),
      )
      const byTransaction = new Map(made.map((p) => [p.transaction_id, p]))
      return accepted.map((a) =>
        a instanceof AppError
          ? a
          : (byTransaction.get(a.transaction_id) ?? new AppError(409, 'collects.transaction_id_taken')),
      )
    },
  })

/** What a viewer sees of a payment: who gave anonymously only the payer and administrators learn. */
const visible = (user: User) => {
  const hidden = hasRole(user, 'admin', 'auditor') ? sql`false` : sql`p.is_anonymous and p.payer_id <> ${user.id}`
  return sql`p.id, p.collect_id collect, case when ${hidden} then null else p.payer_id end payer,
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
            where c.author_id = ${user.id}))`
  const ends = sql`and ${after} order by ${order} limit ${page.limit + 1 + page.offset}`
  const { rows } = await sql<Payment>`
    select ${visible(user)} from ${ids(ends)} found join collects.payments p using (id) join accounts.users u on u.id = p.payer_id
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  return cursorAnswer(page, rows, await countRows(db, page, ids))
}

/** A payment that the caller may see: the payer, the author of the collect, administrators. */
export async function getPayment({ db }: Pick<Platform, 'db'>, user: User, id: number): Promise<Payment> {
  const { rows } = await sql<Payment>`
    select ${visible(user)} from collects.payments p join collects.collects c on c.id = p.collect_id
      join accounts.users u on u.id = p.payer_id
    where p.id = ${id} and (${hasRole(user, 'admin', 'auditor')} or p.payer_id = ${user.id} or c.author_id = ${user.id})`.execute(
    db,
  )
  if (!rows[0]) throw notFound()
  return rows[0]
}

/** Locks the collect of a payment and then the payment, as every change does. */
async function lockPayment(tx: Tx, user: User, id: number) {
  const place = await tx.selectFrom('collects.payments').select('collect_id').where('id', '=', id).executeTakeFirst()
  if (!place) throw notFound()
  const collect = await tx
    .selectFrom('collects.collects')
    .select('author_id')
    .where('id', '=', place.collect_id)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow()
  const payment = await tx
    .selectFrom('collects.payments')
    .select(['id', 'collect_id', 'payer_id', 'amount', 'status', 'comment', 'is_anonymous'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  const isPayer = payment?.payer_id === user.id
  const isAuthor = collect.author_id === user.id
  if (!payment || !(isPayer || isAuthor || hasRole(user, 'admin', 'auditor'))) throw notFound()
  return { payment, isPayer, isAuthor }
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
    const { payment, isAuthor } = await lockPayment(tx, user, id)
    if (!isAuthor && !hasRole(user, 'admin')) throw new AppError(403, 'collects.not_author')
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
    return getPayment({ db: tx }, user, id)
  })
}
