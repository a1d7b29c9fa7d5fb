import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { Csv, sendCsv } from '../http/csv.ts'
import { cursorRequest, pageRequest } from '../http/pages.ts'
import { IdParams, NoQuery, Ref } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { getStatement, listDebtors, listRecalculations, recalculate, receivePayment } from './account.ts'
import { billsCsv, checkBill, getBill, listBillsOfApartment, listBillsOfHouse } from './bills.ts'
import { askRunDocument, drawBill, fileLimit, readRunDocument } from './paper.ts'
import {
  Bill,
  Bills,
  BillsOfApartmentQuery,
  BillsOfHouseQuery,
  CsvQuery,
  Debtors,
  DebtorsQuery,
  NewPayment,
  NewRecalculation,
  Payment,
  Recalculation,
  Recalculations,
  RecalculationsQuery,
  Statement,
  StatementQuery,
} from './schemas-bills.ts'
import { readers, residents, staff } from './viewers.ts'

const aBill = Ref(Bill, 'Bill')
const pdf = { content: { 'application/pdf': { schema: Type.String({ format: 'binary' }) } } }

const sendPdf = (reply: FastifyReply, name: string, content: Buffer) =>
  reply.type('application/pdf').header('content-disposition', `inline; filename="${name}.pdf"`).send(content)

/** Bills, and the accounts that they are charged to. */
export function billRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/houses/:id/bills',
    {
      config: { access: readers },
      schema: {
        summary: 'Bills of a house and month',
        description:
          'By flat; those that count, of the newest completed run. Without a month: of the newest month that has any.',
        params: IdParams,
        querystring: BillsOfHouseQuery,
        response: { 200: Bills },
      },
    },
    async (req) => listBillsOfHouse(platform, req.params.id, req.query, cursorRequest(req, 'apartment'), req.locale),
  )
  app.get(
    '/api/houses/:id/bills.csv',
    {
      config: { access: readers },
      schema: {
        summary: 'Bills of a house and month as CSV',
        params: IdParams,
        querystring: CsvQuery,
        response: { 200: Csv },
      },
    },
    async (req, reply) => {
      const rows = await billsCsv(platform, req.params.id, req.query.month)
      return sendCsv(reply, `bills-${req.params.id}-${req.query.month}`, rows) as never
    },
  )
  app.get(
    '/api/apartments/:id/bills',
    {
      config: { access: residents },
      schema: {
        summary: 'Bills of a flat',
        description: 'The newest month first. Residents see published ones.',
        params: IdParams,
        querystring: BillsOfApartmentQuery,
        response: { 200: Bills },
      },
    },
    async (req) =>
      listBillsOfApartment(platform, req.user, req.params.id, req.query, cursorRequest(req, '-month'), req.locale),
  )
  app.get(
    '/api/bills/:id',
    {
      config: { access: residents },
      schema: { summary: 'A bill', params: IdParams, querystring: NoQuery, response: { 200: aBill } },
    },
    async (req) => getBill(platform, req.user, req.params.id, req.locale),
  )
  app.get(
    '/api/bills/:id/pdf',
    {
      config: { access: residents },
      schema: {
        summary: 'A bill as PDF',
        description:
          'With the payment QR code of ГОСТ Р 56042-2014, where the requisites are set and there is something to pay.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: pdf },
      },
    },
    async (req, reply) => {
      await checkBill(platform, req.user, req.params.id)
      return sendPdf(reply, `bill-${req.params.id}`, await drawBill(platform, req.params.id, req.locale)) as never
    },
  )
  app.post(
    '/api/billing-runs/:id/pdf',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Have all bills of a run made into one PDF',
        description: `At most ${fileLimit} bills; a job makes it, and it stays. 409 for a run that is larger or not completed.`,
        params: IdParams,
        response: { 202: Type.Object({ ready: Type.Boolean() }) },
      },
    },
    async (req, reply) => {
      reply.header('location', `/api/billing-runs/${req.params.id}/pdf`)
      return askRunDocument(platform, req.params.id)
    },
  )
  app.get(
    '/api/billing-runs/:id/pdf',
    {
      config: { access: readers },
      schema: {
        summary: 'All bills of a run as one PDF',
        description: '404 until it is made.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: pdf },
      },
    },
    async (req, reply) =>
      sendPdf(reply, `bills-${req.params.id}`, await readRunDocument(platform, req.params.id)) as never,
  )
  app.post(
    '/api/apartments/:id/payments',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Take in money for a flat',
        params: IdParams,
        body: NewPayment,
        response: { 201: Payment },
      },
    },
    async (req) => receivePayment(platform, req.user, req.params.id, req.body, req.once),
  )
  app.get(
    '/api/apartments/:id/statement',
    {
      config: { access: residents },
      schema: {
        summary: 'The account of a flat',
        description: 'Published bills and money received, newest first, with the balance after each.',
        params: IdParams,
        querystring: StatementQuery,
        response: { 200: Statement },
      },
    },
    async (req) => getStatement(platform, req.user, req.params.id, cursorRequest(req), req.locale),
  )
  app.get(
    '/api/houses/:id/debtors',
    {
      config: { access: readers },
      schema: {
        summary: 'Flats that owe',
        description:
          'The largest debt first. Money covers the oldest bill first, and what is left has the age of its bill.',
        params: IdParams,
        querystring: DebtorsQuery,
        response: { 200: Debtors },
      },
    },
    async (req) => listDebtors(platform, req.params.id, req.query.ordering, pageRequest(req)),
  )
  app.post(
    '/api/apartments/:id/recalculations',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a recalculation',
        description: 'A line of its own in the next bill of the flat that is published.',
        params: IdParams,
        body: NewRecalculation,
        response: { 201: Recalculation },
      },
    },
    async (req) => recalculate(platform, req.user, req.params.id, req.body, req.once),
  )
  app.get(
    '/api/apartments/:id/recalculations',
    {
      config: { access: readers },
      schema: {
        summary: 'Recalculations of a flat',
        params: IdParams,
        querystring: RecalculationsQuery,
        response: { 200: Recalculations },
      },
    },
    async (req) => listRecalculations(platform, req.user, req.params.id, cursorRequest(req)),
  )
}
