import { Type } from 'typebox'
import { streamEvents } from '../http/events.ts'
import { cursorRequest, pageRequest } from '../http/pages.ts'
import { IdParams, NoQuery, Ref } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { monthTopic, runTopic } from './billing.ts'
import { publishRun } from './publish.ts'
import {
  cancelRun,
  compareRun,
  getRun,
  listIncomplete,
  listRuns,
  listRunsOfHouse,
  previewRun,
  runState,
  startRun,
  startTown,
  townProgress,
  townState,
} from './runs.ts'
import {
  ComparisonQuery,
  Comparisons,
  IncompleteFlats,
  IncompleteQuery,
  NewRun,
  Preview,
  Run,
  Runs,
  RunsOfHouseQuery,
  RunsQuery,
  TownProgress,
  TownQuery,
  TownRuns,
} from './schemas-runs.ts'
import { readers, staff } from './viewers.ts'

const aRun = Ref(Run, 'BillingRun')
const eventStream = { content: { 'text/event-stream': { schema: Type.String() } } }

/** The monthly run: of a house, of all houses, its preview, its progress and its publication. */
export function runRoutes(app: App, platform: Platform): void {
  app.post(
    '/api/houses/:id/billing-runs',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Compute the bills of a month',
        description:
          'Goes on after the answer: the run tells its progress. Tariffs and flats are frozen at its start. A finished month again makes new revisions of the bills that changed. 409 while one of this house and month is in progress.',
        params: IdParams,
        body: NewRun,
        response: { 202: aRun },
      },
    },
    async (req, reply) => {
      const started = await startRun(platform, req.user, req.params.id, req.body.month, req.once)
      reply.header('location', `/api/billing-runs/${started.id}`)
      return started
    },
  )
  app.get(
    '/api/houses/:id/billing-runs',
    {
      config: { access: readers },
      schema: {
        summary: 'Runs of a house',
        params: IdParams,
        querystring: RunsOfHouseQuery,
        response: { 200: Runs },
      },
    },
    async (req) => listRunsOfHouse(platform, { ...req.query, house: req.params.id }, cursorRequest(req)),
  )
  app.post(
    '/api/houses/:id/billing-runs/preview',
    {
      config: { access: staff },
      schema: {
        summary: 'What a run would do now',
        description: 'Computed as a run does it, in one snapshot; nothing is written.',
        params: IdParams,
        body: NewRun,
        response: { 200: Preview },
      },
    },
    async (req) => previewRun(platform, req.params.id, req.body.month),
  )
  app.post(
    '/api/billing-runs',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Compute the bills of a month for every house',
        description: 'Houses where a run of this month is in progress go on with it.',
        body: NewRun,
        response: { 202: TownRuns },
      },
    },
    async (req, reply) => {
      reply.header('location', `/api/billing-runs/progress?month=${req.body.month}`)
      return startTown(platform, req.user, req.body.month, req.once)
    },
  )
  app.get(
    '/api/billing-runs',
    {
      config: { access: readers },
      schema: { summary: 'Runs of all houses', querystring: RunsQuery, response: { 200: Runs } },
    },
    async (req) => listRuns(platform, req.query, cursorRequest(req)),
  )
  app.get(
    '/api/billing-runs/progress',
    {
      config: { access: readers },
      schema: {
        summary: 'Progress of a month over all houses',
        description: 'Counts the newest run of each house.',
        querystring: TownQuery,
        response: { 200: TownProgress },
      },
    },
    async (req) => townProgress(platform.db, req.query.month),
  )
  app.get(
    '/api/billing-runs/:id',
    {
      config: { access: readers },
      schema: { summary: 'A run', params: IdParams, querystring: NoQuery, response: { 200: aRun } },
    },
    async (req) => getRun(platform.db, req.params.id),
  )
  app.get(
    '/api/billing-runs/:id/events',
    {
      config: { access: readers },
      schema: {
        summary: 'Progress of a run as it goes',
        description: 'Server-sent events, each the run as it is now; the last one when it is over.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: eventStream },
      },
    },
    async (req, reply) =>
      streamEvents(platform, req, reply, {
        topic: runTopic(req.params.id),
        read: () => runState(platform, req.params.id),
      }) as never,
  )
  app.get(
    '/api/billing-runs/events',
    {
      config: { access: readers },
      schema: {
        summary: 'Progress of a month over all houses as it goes',
        description: 'Server-sent events; the last one when no run of the month is waiting or running.',
        querystring: TownQuery,
        response: { 200: eventStream },
      },
    },
    async (req, reply) =>
      streamEvents(platform, req, reply, {
        topic: monthTopic(req.query.month),
        read: () => townState(platform, req.query.month),
      }) as never,
  )
  app.post(
    '/api/billing-runs/:id/cancel',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Stop a run',
        description: 'Its bills never count. 409 when it is over.',
        params: IdParams,
        response: { 200: aRun },
      },
    },
    async (req) => cancelRun(platform, req.user, req.params.id),
  )
  app.post(
    '/api/billing-runs/:id/publish',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Publish the bills of a run',
        description:
          'Freezes them and their opening balances, charges them to the accounts, shows them to residents and mails them to those with a confirmed address. The readings of the month are closed; what a later run changes enters the next bill as a recalculation. 409 for a run that is not the newest completed one of its month, and a second time.',
        params: IdParams,
        response: { 200: aRun },
      },
    },
    async (req) => publishRun(platform, req.user, req.params.id),
  )
  app.get(
    '/api/billing-runs/:id/incomplete',
    {
      config: { access: readers },
      schema: {
        summary: 'Flats whose bill lacks a line',
        params: IdParams,
        querystring: IncompleteQuery,
        response: { 200: IncompleteFlats },
      },
    },
    async (req) => listIncomplete(platform, req.params.id, cursorRequest(req), req.locale),
  )
  app.get(
    '/api/billing-runs/:id/comparison',
    {
      config: { access: readers },
      schema: {
        summary: 'Its bills beside those of the month before',
        description: 'The largest differences first.',
        params: IdParams,
        querystring: ComparisonQuery,
        response: { 200: Comparisons },
      },
    },
    async (req) => compareRun(platform, req.params.id, pageRequest(req)),
  )
}
