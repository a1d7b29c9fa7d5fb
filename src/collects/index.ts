/*
 * collects: people give money together.
 *
 *   URL                                        function          tables               jobs
 *   GET    /api/collects                       collectList       collects             (cached: collects, names)
 *   POST   /api/collects                       createCollect     collects             collects.created_mail
 *   GET    /api/collects/:id                   collectDetail     collects, payments   (cached: collect:id, names)
 *   GET    /api/collects/:id/payments          collectFeed       collects, payments   (cached: collect:id, names)
 *   PATCH  /api/collects/:id                   changeCollect     collects             collects.remove_cover
 *   PUT    /api/collects/:id/cover             changeCollect     collects             collects.remove_cover
 *   DELETE /api/collects/:id/cover             removeCover       collects             collects.remove_cover
 *   POST   /api/collects/:id/close             closeCollect      collects
 *   DELETE /api/collects/:id                   deleteCollect     collects             collects.remove_cover
 *   POST   /api/payments                       pay               collects, payments   collects.payment_mail
 *   POST   /api/collects/:id/payments          pay               collects, payments   collects.payment_mail
 *   GET    /api/payments                       listPayments      payments
 *   GET    /api/payments/:id                   getPayment        payments
 *   PATCH  /api/payments/:id                   changePayment     payments
 *   POST   /api/payments/:id/refund            refundPayment     collects, payments
 *   GET    /api/collects/:id/payments.csv      feedCsv           payments
 *   GET    /api/collects/:id/poster.pdf        printPoster       collects
 *   GET    /api/payments/totals                totalPayments     collects, payments
 *   GET    /api/payments/:id/receipt           printReceipt      collects, payments
 *   GET    /api/collects/:id/updates           updateList        updates              (cached: collect:id, names)
 *   POST   /api/collects/:id/updates           tellUpdate        updates              collects.update_givers
 *   DELETE /api/collects/:id/updates/:update   removeUpdate      updates              collects.remove_cover
 *   GET    /api/collects/:id/expenses          expenseList       collects, expenses   (cached: collect:id, names)
 *   POST   /api/collects/:id/expenses          spend             collects, expenses
 *   DELETE /api/collects/:id/expenses/:expense  removeExpense    collects, expenses   collects.remove_cover
 *   POST   /api/collects/:id/organisers        addOrganiser      organisers
 *   DELETE /api/collects/:id/organisers/:user  removeOrganiser   organisers
 *   GET    /files/covers/:name                 files.read
 *   GET    /files/updates/:name                files.read
 *   GET    /files/receipts/:name               files.read
 *
 *   collects.update_givers adds a collects.update_letter for each who gave; collects.remove_cover removes any picture.
 */
import { sweepFiles } from '../platform/file-sweep.ts'
import type { Module } from '../platform/module.ts'
import { audiences } from './audiences.ts'
import { demonstrate } from './demo.ts'
import { home } from './home.ts'
import { mailCreated, mailPayment } from './mails.ts'
import { messages } from './messages.ts'
import { preview } from './preview.ts'
import { routes } from './routes.ts'
import { Collect, FeedItem, Payment } from './schemas.ts'
import { Expense, Update } from './schemas-news.ts'
import { seed } from './seed.ts'
import { addressUpdate, mailUpdates } from './updates.ts'

/** Where pictures lie, and the rows that name them. */
const pictures = [
  { folder: 'covers', table: 'collects.collects', column: 'cover' },
  { folder: 'updates', table: 'collects.updates', column: 'picture' },
  { folder: 'receipts', table: 'collects.expenses', column: 'receipt' },
]

export const collects: Module = {
  name: 'collects',
  messages,
  routes,
  audiences,
  seed,
  demonstrate,
  home,
  previews: [preview],
  notifications: {
    'collects.payment': { letter: true },
    'collects.update': { letter: true },
    'collects.refund': { letter: false },
  },
  shapes: [FeedItem, Collect, Payment, Update, Expense],
  jobs: {
    'collects.created_mail': { handle: mailCreated, batchSize: 50 },
    'collects.payment_mail': { handle: mailPayment, batchSize: 50 },
    'collects.update_givers': { handle: addressUpdate, key: ({ update_id, after }) => `${update_id} ${after}` },
    'collects.update_letter': {
      handle: mailUpdates,
      batchSize: 50,
      key: ({ update_id, user_id }) => `${update_id} ${user_id}`,
    },
    'collects.remove_cover': {
      batchSize: 20,
      handle: async ({ files }, jobs) => {
        await files.remove(jobs.map((j) => (j.data as { cover: string }).cover))
        return jobs.map(() => undefined)
      },
    },
  },
  loops: pictures.map((named) => ({
    name: `collects.${named.folder}`,
    everySeconds: 3600,
    run: (platform, signal) => sweepFiles(platform, signal, named),
  })),
  invariants: [
    {
      name: 'collected_amount, payments_count and donors_count are those of the completed payments',
      sql: `select c.id, c.collected_amount, p.amount, c.payments_count, p.payments, c.donors_count, p.donors
            from collects.collects c cross join lateral (
              select coalesce(sum(amount), 0) amount, count(*) payments, count(distinct payer_id) donors
              from collects.payments where collect_id = c.id and status = 'completed') p
            where (c.collected_amount, c.payments_count, c.donors_count) is distinct from (p.amount, p.payments, p.donors)`,
    },
    {
      name: 'within a collect payments are numbered in the order of their time',
      sql: `select id, collect_id from (select id, collect_id, created_at,
              lag(created_at) over (partition by collect_id order by id) before from collects.payments) t
            where before > created_at`,
    },
    {
      name: 'no payment was made when its collect was over',
      sql: `select p.id, p.created_at, c.ends_at, c.closed_at from collects.payments p
            join collects.collects c on c.id = p.collect_id where p.created_at >= least(c.ends_at, c.closed_at)`,
    },
    {
      name: 'spent_amount is the sum of the expenses',
      sql: `select c.id, c.spent_amount, e.amount from collects.collects c cross join lateral (
              select coalesce(sum(amount), 0) amount from collects.expenses where collect_id = c.id) e
            where c.spent_amount <> e.amount`,
    },
    {
      name: 'no payment is larger than its collect took when it was made, as far as that never changed',
      sql: `select p.id, p.amount, c.max_amount from collects.payments p join collects.collects c on c.id = p.collect_id
            where p.amount > c.max_amount and c.updated_at < p.created_at`,
    },
    {
      name: 'an author is no co-organiser of their own collect',
      sql: `select c.id, c.author_id from collects.collects c
            join collects.organisers o on o.collect_id = c.id and o.user_id = c.author_id`,
    },
    {
      name: 'who gave hears of an update once at most',
      sql: `select key, count(*) from platform.outbox where key like 'update-%' group by key having count(*) > 1`,
    },
    {
      name: 'a payment has one letter at most',
      sql: `select key, count(*) from platform.outbox where key like 'payment-%' group by key having count(*) > 1`,
    },
  ],
}
