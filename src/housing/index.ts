/*
 * housing: houses, flats, meters, tariffs and the monthly bill.
 *
 *   URL                                         function             tables                            jobs
 *   GET    /api/houses                          listHouses           houses, apartments
 *   POST   /api/houses                          createHouse          houses
 *   GET    /api/houses/:id                      houseDetail          houses, apartments, meters        (cached: house:id, names)
 *   PATCH  /api/houses/:id                      changeHouse          houses
 *   DELETE /api/houses/:id                      removeHouse          houses, tariffs
 *   GET    /api/houses/:id/apartments           listApartments       apartments, residents
 *   POST   /api/houses/:id/apartments           createApartment      apartments, residents
 *   GET    /api/apartments/:id                  getApartment         apartments, residents
 *   PATCH  /api/apartments/:id                  changeApartment      apartments, residents
 *   DELETE /api/apartments/:id                  removeApartment      apartments, residents, join_codes
 *   POST   /api/apartments/:id/residents        addResident          residents
 *   DELETE /api/apartments/:id/residents/:user  removeResident       residents
 *   GET    /api/apartments/:id/meters           listMeters           meters, readings
 *   POST   /api/apartments/:id/meters           createMeter          meters
 *   GET    /api/meters/:id                      getMeter             meters, readings
 *   PATCH  /api/meters/:id                      changeMeter          meters
 *   DELETE /api/meters/:id                      removeMeter          meters
 *   GET    /api/meters/:id/readings             listReadings         readings
 *   POST   /api/meters/:id/readings             submitReading        readings
 *   GET    /api/readings/:id                    getReading           readings
 *   PATCH  /api/readings/:id                    correctReading       readings, reading_changes
 *   DELETE /api/readings/:id                    removeReading        readings
 *   GET    /api/readings/:id/changes            readingChanges       reading_changes
 *   GET    /api/houses/:id/readings             listMonth            meters, readings
 *   POST   /api/houses/:id/import               importHouse          apartments, meters, readings
 *   GET    /api/tariffs                         listTariffs          tariffs
 *   POST   /api/tariffs                         createTariff         tariffs
 *   GET    /api/tariffs/:id                     getTariff            tariffs
 *   PATCH  /api/tariffs/:id                     changeTariff         tariffs
 *   DELETE /api/tariffs/:id                     removeTariff         tariffs, billing_runs
 */
import type { Module } from '../platform/module.ts'
import { messages } from './messages.ts'
import { routes } from './routes.ts'
import { Apartment, House } from './schemas-houses.ts'
import { HouseDetail, Meter, Reading, Tariff } from './schemas-meters.ts'
import { seed } from './seed.ts'

declare module '../platform/access.ts' {
  interface Roles {
    bookkeeper: true
  }
}

export const housing: Module = {
  name: 'housing',
  messages,
  roles: ['bookkeeper'],
  routes,
  seed,
  shapes: [House, HouseDetail, Apartment, Meter, Reading, Tariff],
  invariants: [
    {
      name: 'the readings of a meter grow, unless it passed zero',
      sql: `select id, meter_id from (
              select r.id, r.meter_id, r.value, r.rollover,
                coalesce(lag(r.value) over (partition by r.meter_id order by r.month), m.initial_value) before
              from housing.readings r join housing.meters m on m.id = r.meter_id) t
            where (value < before) <> rollover`,
    },
    {
      name: 'a meter has readings only of months in which it was there',
      sql: `select r.id, r.meter_id from housing.readings r join housing.meters m on m.id = r.meter_id
            where r.month < date_trunc('month', m.installed_on) or r.month > m.removed_on or r.value >= 10::numeric ^ m.digits`,
    },
  ],
}
