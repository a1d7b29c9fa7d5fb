import { Csv, sendCsv } from '../http/csv.ts'
import { cursorRequest } from '../http/pages.ts'
import { IdParams, NoQuery } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { getMessage, listMessages, messagesCsv } from './deliveries.ts'
import {
  MailingStatistics,
  Messages,
  MessagesCsvQuery,
  MessagesQuery,
  Statistics,
  StatisticsQuery,
  WholeMessage,
} from './schemas-messages.ts'
import { getMailingStatistics, getStatistics } from './statistics.ts'
import { readers } from './viewers.ts'

/** What became of mailings: figures, and message by message. */
export function messageRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/mailings/stats',
    {
      config: { access: readers },
      schema: {
        summary: 'All mailings in figures',
        description: 'Exact at the instant at which it is read, however many messages there are.',
        querystring: StatisticsQuery,
        response: { 200: Statistics },
      },
    },
    async (req) => getStatistics(platform, cursorRequest(req)),
  )
  app.get(
    '/api/mailings/:id/stats',
    {
      config: { access: readers },
      schema: {
        summary: 'A mailing in figures',
        description: 'Exact at the instant at which it is read; what is sent twice by retries counts once.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: MailingStatistics },
      },
    },
    async (req) => getMailingStatistics(platform, req.params.id),
  )
  app.get(
    '/api/mailings/:id/messages',
    {
      config: { access: readers },
      schema: {
        summary: 'Messages of a mailing',
        params: IdParams,
        querystring: MessagesQuery,
        response: { 200: Messages },
      },
    },
    async (req) => listMessages(platform, req.params.id, req.query, cursorRequest(req), req.locale),
  )
  app.get(
    '/api/mailings/:id/messages.csv',
    {
      config: { access: readers },
      schema: {
        summary: 'Who did not get a mailing, and why, as CSV',
        params: IdParams,
        querystring: MessagesCsvQuery,
        response: { 200: Csv },
      },
    },
    async (req, reply) => {
      const rows = await messagesCsv(platform, req.params.id, req.query.status, req.locale)
      return sendCsv(reply, `mailing-${req.params.id}`, rows, req.query) as never
    },
  )
  app.get(
    '/api/messages/:id',
    {
      config: { access: readers },
      schema: {
        summary: 'A message, with its text',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: WholeMessage },
      },
    },
    async (req) => getMessage(platform, req.params.id, req.locale),
  )
}
