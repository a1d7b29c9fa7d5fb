import { Csv, csvOf, sendCsv } from '../http/csv.ts'
import { cursorRequest } from '../http/pages.ts'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import { sendEdition } from '../platform/etags.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { changeClient, clientsCsv, createClient, getClient, listClients, removeClient } from './clients.ts'
import { importClients, importStops } from './import.ts'
import { Client } from './schemas.ts'
import {
  ClientChange,
  Clients,
  ClientsExportQuery,
  ClientsImportQuery,
  ClientsQuery,
  ClientsReport,
  clientEdits,
  NewClient,
  NewStop,
  Stop,
  StopParams,
  Stops,
  StopsQuery,
  WholeClient,
} from './schemas-clients.ts'
import { createStop, listStops, removeStop } from './stops.ts'
import { readers, staff } from './viewers.ts'

const aClient = Ref(Client, 'Client')

/** Clients, and the numbers that are never written to. */
export function clientRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/clients',
    {
      config: { access: readers },
      schema: { summary: 'Clients', querystring: ClientsQuery, response: { 200: Clients } },
    },
    async (req) => listClients(platform, req.query, cursorRequest(req)),
  )
  app.post(
    '/api/clients',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a client',
        description: 'In the time zone of the installation unless they have their own. A phone that is there: 409.',
        body: NewClient,
        response: { 201: aClient },
      },
    },
    async (req) => createClient(platform, req.user, req.body, req.once),
  )
  app.get(
    '/api/clients/:id',
    {
      config: { access: readers },
      schema: { summary: 'A client', params: IdParams, querystring: NoQuery, response: { 200: aClient } },
    },
    async (req, reply) => sendEdition(req, reply, await getClient(platform.db, req.params.id), clientEdits) as never,
  )
  const changing = (summary: string) => ({
    summary,
    description: 'Messages that are there keep their number.',
    params: IdParams,
    response: { 200: aClient },
  })
  app.put(
    '/api/clients/:id',
    {
      config: { access: staff, versioned: true, refuses: [409] },
      schema: { ...changing('Replace a client'), body: WholeClient },
    },
    async (req) => changeClient(platform, req.user, req.params.id, req.body, req.headers['if-match']),
  )
  app.patch(
    '/api/clients/:id',
    {
      config: { access: staff, versioned: true, refuses: [409] },
      schema: { ...changing('Change a client'), body: ClientChange },
    },
    async (req) => changeClient(platform, req.user, req.params.id, req.body, req.headers['if-match']),
  )
  app.delete(
    '/api/clients/:id',
    {
      config: { access: staff },
      schema: {
        summary: 'Remove a client',
        description: 'Messages not yet sent expire; the rest keep the phone, with `client` null.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeClient(platform, req.user, req.params.id),
  )

  const importing = (summary: string, description: string) => ({
    summary,
    description: `A \`text/csv\` body of any size, or a form with a file. \`;\`, \`,\` or tabs; UTF-8 or windows-1251. ${description} Phones in any usual spelling; only they are needed. One that is there already is skipped, so the same file again changes nothing. Good rows are kept.`,
    consumes: ['text/csv', 'multipart/form-data'],
    querystring: ClientsImportQuery,
    response: { 200: ClientsReport },
  })
  app.post(
    '/api/clients/import',
    {
      config: { access: staff, csv: true },
      schema: importing('Take clients from a CSV', 'Columns `phone`, `operator_code`, `tag`, `timezone` in any order.'),
    },
    async (req) => importClients(platform, req.user, await csvOf(req), { ...req.query, locale: req.locale }),
  )
  app.get(
    '/api/clients/export',
    {
      config: { access: readers },
      schema: {
        summary: 'Clients as CSV',
        description: 'All that the filters leave, oldest first.',
        querystring: ClientsExportQuery,
        response: { 200: Csv },
      },
    },
    async (req, reply) => sendCsv(reply, 'clients', clientsCsv(platform, req.query), req.query) as never,
  )

  app.get(
    '/api/clients/stops',
    {
      config: { access: readers },
      schema: { summary: 'Numbers that are never written to', querystring: StopsQuery, response: { 200: Stops } },
    },
    async (req) => listStops(platform, req.query.search, cursorRequest(req, '-created_at')),
  )
  app.post(
    '/api/clients/stops',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Never write to a number',
        description:
          'It wins over every mailing, and messages that wait for the number expire at once. A number that is stopped already stays so, with its first reason.',
        body: NewStop,
        response: { 201: Stop },
      },
    },
    async (req) => createStop(platform, req.user, req.body, req.once),
  )
  app.post(
    '/api/clients/stops/import',
    {
      config: { access: staff, csv: true },
      schema: importing('Take numbers never to be written to from a CSV', 'Columns `phone` and `reason` in any order.'),
    },
    async (req) => importStops(platform, req.user, await csvOf(req), { ...req.query, locale: req.locale }),
  )
  app.delete(
    '/api/clients/stops/:phone',
    {
      config: { access: staff },
      schema: {
        summary: 'Let a number be written to again',
        description: 'From the next mailing on: what has expired stays so.',
        params: StopParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeStop(platform, req.user, req.params.phone),
  )
}
