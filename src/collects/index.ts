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
 *   GET    /files/covers/:name                 files.read
 */
import type { Module } from '../platform/module.ts'
import { sweepCovers } from './covers.ts'
import { demonstrate } from './demo.ts'
import { mailCreated, mailPayment } from './mails.ts'
import { messages } from './messages.ts'
import { routes } from './routes.ts'
import { Collect, FeedItem, Payment } from './schemas.ts'
import { seed } from './seed.ts'

export const collects: Module = {
  name: 'collects',
  messages,
  routes,
  seed,
  demonstrate,
  shapes: [FeedItem, Collect, Payment],
  jobs: {
    'collects.created_mail': { handle: mailCreated, batchSize: 50 },
    'collects.payment_mail': { handle: mailPayment, batchSize: 50 },
    'collects.remove_cover': {
      batchSize: 20,
      handle: async ({ files }, jobs) => {
        await files.remove(jobs.map((j) => (j.data as { cover: string }).cover))
        return jobs.map(() => undefined)
      },
    },
  },
  loops: [{ name: 'collects.covers', everySeconds: 3600, run: sweepCovers }],
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
      name: 'a payment has one letter at most',
      sql: `select key, count(*) from platform.outbox where key like 'payment-%' group by key having count(*) > 1`,
    },
  ],
}
