import { cursorRequest, pageRequest } from '../http/pages.ts'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { viewerOfHouse } from './houses.ts'
import { changeMeter, createMeter, getMeter, listMeters, removeMeter } from './meters.ts'
import {
  correctReading,
  getReading,
  listMonth,
  listReadings,
  readingChanges,
  removeReading,
  submitReading,
} from './readings.ts'
import {
  Meter,
  MeterChange,
  Meters,
  MetersQuery,
  MonthReadings,
  MonthReadingsQuery,
  NewMeter,
  NewReading,
  NewTariff,
  Reading,
  ReadingChange,
  ReadingHistory,
  ReadingHistoryQuery,
  Readings,
  ReadingsQuery,
  Tariff,
  TariffChange,
  Tariffs,
  TariffsQuery,
  Water,
} from './schemas-meters.ts'
import { changeTariff, createTariff, getTariff, listTariffs, removeTariff } from './tariffs.ts'
import { readers, residents, staff } from './viewers.ts'
import { waterOf } from './water.ts'

/** Who enters readings; an auditor only reads. */
const submitters = ['owner', ...staff] as const
const aMeter = Ref(Meter, 'Meter')
const aReading = Ref(Reading, 'Reading')
const aTariff = Ref(Tariff, 'Tariff')

/** Meters, their readings, and tariffs. */
export function meterRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/apartments/:id/meters',
    {
      config: { access: residents },
      schema: { summary: 'Meters of a flat', params: IdParams, querystring: MetersQuery, response: { 200: Meters } },
    },
    async (req) => listMeters(platform, req.user, req.params.id, pageRequest(req)),
  )
  app.post(
    '/api/apartments/:id/meters',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a meter to a flat',
        description:
          'A replaced meter is ended by its `removed_on` with a last reading, and the new one begins at its `initial_value`: the month of the change sums both.',
        params: IdParams,
        body: NewMeter,
        response: { 201: aMeter },
      },
    },
    async (req) => createMeter(platform, req.user, req.params.id, req.body, req.once),
  )
  app.get(
    '/api/apartments/:id/water',
    {
      config: { access: residents },
      schema: {
        summary: 'The water of a flat beside the mean of its house',
        description: 'By month and kind, of the last twelve months; volumes by readings.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: Water },
      },
    },
    async (req) => waterOf(platform, req.user, req.params.id) as never,
  )
  app.get(
    '/api/meters/:id',
    {
      config: { access: residents },
      schema: { summary: 'A meter', params: IdParams, querystring: NoQuery, response: { 200: aMeter } },
    },
    async (req) => getMeter(platform.db, req.user, req.params.id),
  )
  app.patch(
    '/api/meters/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Change or end a meter',
        description:
          'What published months were counted by does not change: 409. Nor may a reading lie outside its days.',
        params: IdParams,
        body: MeterChange,
        response: { 200: aMeter },
      },
    },
    async (req) => changeMeter(platform, req.user, req.params.id, req.body),
  )
  app.delete(
    '/api/meters/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Remove a meter',
        description: 'One that has readings or stands on a bill is ended by `removed_on` instead: 409.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeMeter(platform, req.user, req.params.id),
  )

  app.get(
    '/api/meters/:id/readings',
    {
      config: { access: residents },
      schema: {
        summary: 'Readings of a meter, newest first',
        params: IdParams,
        querystring: ReadingsQuery,
        response: { 200: Readings },
      },
    },
    async (req) => listReadings(platform, req.user, req.params.id, req.query, cursorRequest(req)),
  )
  app.post(
    '/api/meters/:id/readings',
    {
      config: { access: submitters, idempotent: true },
      schema: {
        summary: 'Submit a reading',
        description:
          'One a month (a second: 409), of no month to come, by residents only of this month and the last, of none whose bills are published (409). Less than the reading before needs `rollover: true`. An odd jump is kept, and `question` asks about it.',
        params: IdParams,
        body: NewReading,
        response: { 201: aReading },
      },
    },
    async (req) => submitReading(platform, req.user, req.params.id, req.body, req.once),
  )
  app.get(
    '/api/readings/:id',
    {
      config: { access: residents },
      schema: { summary: 'A reading', params: IdParams, querystring: NoQuery, response: { 200: aReading } },
    },
    async (req) => getReading(platform.db, req.user, req.params.id),
  )
  app.patch(
    '/api/readings/:id',
    {
      config: { access: submitters, refuses: [409] },
      schema: {
        summary: 'Correct a reading',
        description:
          'Until the bills of its month are published. What it was is kept. Residents correct what residents entered.',
        params: IdParams,
        body: ReadingChange,
        response: { 200: aReading },
      },
    },
    async (req) => correctReading(platform, req.user, req.params.id, req.body),
  )
  app.delete(
    '/api/readings/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Take a reading away',
        description: 'Until the bills of its month are published. The audit log keeps it.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeReading(platform, req.user, req.params.id),
  )
  app.get(
    '/api/readings/:id/changes',
    {
      config: { access: residents },
      schema: {
        summary: 'What a reading was before each correction, newest first',
        params: IdParams,
        querystring: ReadingHistoryQuery,
        response: { 200: ReadingHistory },
      },
    },
    async (req) => readingChanges(platform, req.user, req.params.id, pageRequest(req)) as never,
  )
  app.get(
    '/api/houses/:id/readings',
    {
      config: { access: readers },
      schema: {
        summary: 'The meters of a house in a month, with their readings or without',
        description: 'By flat. `missing` counts those without a reading.',
        params: IdParams,
        querystring: MonthReadingsQuery,
        response: { 200: MonthReadings },
      },
    },
    async (req) => {
      await viewerOfHouse(platform, req.user, req.params.id)
      return listMonth(platform, req.params.id, req.query, pageRequest(req)) as never
    },
  )

  app.get(
    '/api/tariffs',
    {
      config: { access: residents },
      schema: {
        summary: 'Tariffs, the newest valid first',
        description: 'A resident sees the general ones and those of their houses.',
        querystring: TariffsQuery,
        response: { 200: Tariffs },
      },
    },
    async (req) => listTariffs(platform, req.user, req.query, pageRequest(req)),
  )
  app.post(
    '/api/tariffs',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a tariff',
        description: 'The newest valid one wins, a house’s own before the general. The same month again: 409.',
        body: NewTariff,
        response: { 201: aTariff },
      },
    },
    async (req) => createTariff(platform, req.user, req.body, req.once),
  )
  app.get(
    '/api/tariffs/:id',
    {
      config: { access: residents },
      schema: { summary: 'A tariff', params: IdParams, querystring: NoQuery, response: { 200: aTariff } },
    },
    async (req) => getTariff(platform.db, req.user, req.params.id),
  )
  app.patch(
    '/api/tariffs/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Change a tariff',
        description: 'Runs that began before keep the price that they began with.',
        params: IdParams,
        body: TariffChange,
        response: { 200: aTariff },
      },
    },
    async (req) => changeTariff(platform, req.user, req.params.id, req.body),
  )
  app.delete(
    '/api/tariffs/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Remove a tariff',
        description: 'One by which something was charged is ended by a newer one instead: 409.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeTariff(platform, req.user, req.params.id),
  )
}
