import { cursorRequest, pageRequest } from '../http/pages.ts'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import { sendCached } from '../platform/cache.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import {
  addResident,
  changeApartment,
  createApartment,
  getApartment,
  listApartments,
  removeApartment,
  removeResident,
} from './apartments.ts'
import { changeHouse, createHouse, houseDetail, listHouses, removeHouse, viewerOfHouse } from './houses.ts'
import {
  Apartment,
  ApartmentChange,
  Apartments,
  ApartmentsQuery,
  House,
  HouseChange,
  Houses,
  HousesQuery,
  NewApartment,
  NewHouse,
  NewResident,
  ResidentParams,
} from './schemas-houses.ts'
import { HouseDetail } from './schemas-meters.ts'
import { residents, staff } from './viewers.ts'

const aHouse = Ref(House, 'House')
const anApartment = Ref(Apartment, 'Apartment')

/** Houses, their flats, and who lives in them. */
export function houseRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/houses',
    {
      config: { access: residents },
      schema: {
        summary: 'Houses',
        description: 'By address. A resident sees the houses of their flats.',
        querystring: HousesQuery,
        response: { 200: Houses },
      },
    },
    async (req) => listHouses(platform, req.user, req.query, pageRequest(req)),
  )
  app.post(
    '/api/houses',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a house',
        description: 'In the time zone of the installation unless it names its own. A known address: 409.',
        body: NewHouse,
        response: { 201: aHouse },
      },
    },
    async (req) => createHouse(platform, req.user, req.body, req.once),
  )
  app.get(
    '/api/houses/:id',
    {
      config: { access: residents },
      schema: {
        summary: 'A house with its flats, their meters and newest readings, and its last run',
        description: 'Never stale. A resident sees the address, the totals and their own flats.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: Ref(HouseDetail, 'HouseDetail') },
      },
    },
    async (req, reply) => {
      const viewer = await viewerOfHouse(platform, req.user, req.params.id)
      return sendCached(platform.cache, req, reply, houseDetail(platform, req.user, req.params.id), viewer) as never
    },
  )
  app.patch(
    '/api/houses/:id',
    {
      config: { access: staff, versioned: true, refuses: [409] },
      schema: { summary: 'Change a house', params: IdParams, body: HouseChange, response: { 200: aHouse } },
    },
    async (req) => changeHouse(platform, req.user, req.params.id, req.body, req.headers['if-match']),
  )
  app.delete(
    '/api/houses/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Remove a house',
        description: 'One that has flats or runs: 409.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeHouse(platform, req.user, req.params.id),
  )

  app.get(
    '/api/houses/:id/apartments',
    {
      config: { access: residents },
      schema: {
        summary: 'Flats of a house',
        description: 'By number, 2 before 10. A resident sees their own.',
        params: IdParams,
        querystring: ApartmentsQuery,
        response: { 200: Apartments },
      },
    },
    async (req) => {
      await viewerOfHouse(platform, req.user, req.params.id)
      return listApartments(platform, req.user, req.params.id, req.query.search, cursorRequest(req, 'number'))
    },
  )
  app.post(
    '/api/houses/:id/apartments',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a flat',
        description: 'Its number is one in the house and its personal account one in all: else 409.',
        params: IdParams,
        body: NewApartment,
        response: { 201: anApartment },
      },
    },
    async (req) => createApartment(platform, req.user, req.params.id, req.body, req.once),
  )
  app.get(
    '/api/apartments/:id',
    {
      config: { access: residents },
      schema: { summary: 'A flat', params: IdParams, querystring: NoQuery, response: { 200: anApartment } },
    },
    async (req) => getApartment(platform.db, req.user, req.params.id),
  )
  app.patch(
    '/api/apartments/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Change a flat',
        description: '`residents`, if given, are all that it has from now on.',
        params: IdParams,
        body: ApartmentChange,
        response: { 200: anApartment },
      },
    },
    async (req) => changeApartment(platform, req.user, req.params.id, req.body),
  )
  app.delete(
    '/api/apartments/:id',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Remove a flat',
        description: 'One that has meters or bills is not removed but ended by `ended_on`: 409.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeApartment(platform, req.user, req.params.id),
  )
  app.post(
    '/api/apartments/:id/residents',
    {
      config: { access: staff },
      schema: {
        summary: 'Add a resident to a flat',
        description: 'Again: nothing changes.',
        params: IdParams,
        body: NewResident,
        response: { 201: anApartment },
      },
    },
    async (req) => addResident(platform, req.user, req.params.id, req.body.user),
  )
  app.delete(
    '/api/apartments/:id/residents/:user',
    {
      config: { access: staff },
      schema: {
        summary: 'Take a resident from a flat',
        description: 'Who is none already: 204.',
        params: ResidentParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeResident(platform, req.user, req.params.id, req.params.user),
  )
}
