import type { FastifyReply } from 'fastify'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { viewerOfHouse } from './houses.ts'
import { createJoinCode, endJoinCodes, join, printJoinCodes } from './joins.ts'
import { remindNow } from './reminders.ts'
import { Apartment } from './schemas-houses.ts'
import { Join, JoinCode, NewReminders, Reminders, SheetQuery } from './schemas-joins.ts'
import { staff } from './viewers.ts'

const asPdf = (reply: FastifyReply, { name, content }: { name: string; content: Buffer }) =>
  reply.type('application/pdf').header('content-disposition', `inline; filename="${name}"`).send(content)

/** How residents come to their flats, and how they are asked for readings. */
export function joinRoutes(app: App, platform: Platform): void {
  app.post(
    '/api/apartments/:id/join-codes',
    {
      config: { access: staff },
      schema: {
        summary: 'Make a code that lets its bearer into a flat',
        description: 'Once, within 60 days. Nothing keeps the code itself.',
        params: IdParams,
        response: { 201: JoinCode },
      },
    },
    async (req) => createJoinCode(platform, req.user, req.params.id),
  )
  app.delete(
    '/api/apartments/:id/join-codes',
    {
      config: { access: staff },
      schema: {
        summary: 'End the codes of a flat that nobody has used',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => endJoinCodes(platform, req.user, req.params.id),
  )
  app.post(
    '/api/apartments/:id/join-codes/sheet',
    {
      config: { access: staff },
      schema: {
        summary: 'Print the code of a flat',
        description: 'A PDF with its open code as text and as QR; one is made where there is none.',
        produces: ['application/pdf'],
        params: IdParams,
        querystring: NoQuery,
      },
    },
    async (req, reply) =>
      asPdf(reply, await printJoinCodes(platform, req.user, { apartment: req.params.id }, req.locale)) as never,
  )
  app.post(
    '/api/houses/:id/join-codes/sheet',
    {
      config: { access: staff },
      schema: {
        summary: 'Print the codes of all flats of a house',
        description: 'Eight cards a page, to cut up; 400 flats a PDF, by number. Beyond the last: 404.',
        produces: ['application/pdf'],
        params: IdParams,
        querystring: SheetQuery,
      },
    },
    async (req, reply) => {
      await viewerOfHouse(platform, req.user, req.params.id)
      const of = { house: req.params.id, page: req.query.page ?? 1 }
      return asPdf(reply, await printJoinCodes(platform, req.user, of, req.locale)) as never
    },
  )
  app.post(
    '/api/profile/join',
    {
      config: { access: 'user', refuses: [429] },
      schema: {
        summary: 'Become a resident by a paper code',
        description: 'A code that is wrong, used or too old: 400. Ten tries an hour.',
        body: Join,
        response: { 200: Ref(Apartment, 'Apartment') },
      },
    },
    async (req) => join(platform, req.user, req.body.code),
  )
  app.post(
    '/api/houses/:id/reminders',
    {
      config: { access: staff },
      schema: {
        summary: 'Ask residents for missing readings by letter',
        description: 'Each at most once a day, at confirmed addresses.',
        params: IdParams,
        body: NewReminders,
        response: { 202: Reminders },
      },
    },
    async (req) => remindNow(platform, req.user, req.params.id, req.body.month),
  )
}
