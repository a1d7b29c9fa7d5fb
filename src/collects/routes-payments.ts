import { Type } from 'typebox'
import { sendCsv } from '../http/csv.ts'
import { cursorRequest, pageRequest } from '../http/pages.ts'
import { IdParams, NoQuery, Ref } from '../http/schemas.ts'
import { sendCached } from '../platform/cache.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { collectFeed, feedCsv } from './feed.ts'
import { printReceipt } from './papers.ts'
import { changePayment, getPayment, listPayments, pay, refundPayment, totalPayments } from './payments.ts'
import {
  Feed,
  FeedQuery,
  Gift,
  NewPayment,
  Payment,
  PaymentChange,
  Payments,
  PaymentsQuery,
  PaymentTotals,
  TotalsQuery,
} from './schemas.ts'

const ownerOrAdmin = ['owner', 'admin'] as const
const aPayment = Ref(Payment, 'Payment')

export function paymentRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/collects/:id/payments',
    {
      config: { access: 'anyone' },
      schema: { summary: 'The feed of a collect', params: IdParams, querystring: FeedQuery, response: { 200: Feed } },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectFeed(req.params.id, cursorRequest(req))) as never,
  )
  app.get(
    '/api/collects/:id/payments.csv',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: {
        summary: 'The feed of a collect as CSV, for its organisers',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: { content: { 'text/csv': { schema: Type.String() } } } },
      },
    },
    async (req, reply) =>
      sendCsv(reply, `collect-${req.params.id}`, await feedCsv(platform, req.user, req.params.id, req.locale)) as never,
  )
  app.post(
    '/api/payments',
    {
      config: { access: 'user', idempotent: true },
      schema: { summary: 'Give to a collect', body: NewPayment, response: { 201: aPayment } },
    },
    async (req) => pay(platform, req.user, req.body, req.once),
  )
  app.post(
    '/api/collects/:id/payments',
    {
      config: { access: 'user', idempotent: true },
      schema: { summary: 'Give to this collect', params: IdParams, body: Gift, response: { 201: aPayment } },
    },
    async (req) =>
      pay(platform, req.user, { ...req.body, collect: req.params.id }, req.once).catch((error) => {
        // Here the id stands in the address, not in the body.
        throw error instanceof AppError && error.faults?.[0]?.path === '/collect' ? notFound() : error
      }),
  )
  app.get(
    '/api/payments',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: {
        summary: 'One’s own payments and those of one’s collects',
        querystring: PaymentsQuery,
        response: { 200: Payments },
      },
    },
    async (req) => listPayments(platform, req.user, req.query, cursorRequest(req)),
  )
  app.get(
    '/api/payments/totals',
    {
      config: { access: ['owner'] },
      schema: {
        summary: 'What the caller gave, by collect',
        description: 'The latest first, without what was given back.',
        querystring: TotalsQuery,
        response: { 200: PaymentTotals },
      },
    },
    async (req) => totalPayments(platform, req.user, pageRequest(req)),
  )
  app.get(
    '/api/payments/:id/receipt',
    {
      config: { access: ['owner'] },
      schema: {
        summary: 'The receipt of a payment, as PDF',
        produces: ['application/pdf'],
        params: IdParams,
        querystring: NoQuery,
      },
    },
    async (req, reply) =>
      reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="payment-${req.params.id}.pdf"`)
        .send(await printReceipt(platform, req.user, req.params.id, req.locale)),
  )
  app.get(
    '/api/payments/:id',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: { summary: 'A payment', params: IdParams, response: { 200: aPayment } },
    },
    async (req) => getPayment(platform, req.user, req.params.id),
  )
  app.patch(
    '/api/payments/:id',
    {
      config: { access: ['owner'] },
      schema: {
        summary: 'Change comment or anonymity',
        params: IdParams,
        body: PaymentChange,
        response: { 200: aPayment },
      },
    },
    async (req) => changePayment(platform, req.user, req.params.id, req.body),
  )
  app.post(
    '/api/payments/:id/refund',
    {
      config: { access: ownerOrAdmin, refuses: [409] },
      schema: { summary: 'Give a payment back', params: IdParams, response: { 200: aPayment } },
    },
    async (req) => refundPayment(platform, req.user, req.params.id),
  )
}
