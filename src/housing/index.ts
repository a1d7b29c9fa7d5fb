/*
 * housing: houses, flats, meters, tariffs and the monthly bill.
 *
 *   URL                                         function             tables                            jobs
 *   GET    /api/houses                          listHouses           houses, apartments
 *   POST   /api/houses                          createHouse          houses
 *   PATCH  /api/houses/:id                      changeHouse          houses
 *   DELETE /api/houses/:id                      removeHouse          houses, tariffs
 *   GET    /api/houses/:id/apartments           listApartments       apartments, residents
 *   POST   /api/houses/:id/apartments           createApartment      apartments, residents
 *   GET    /api/apartments/:id                  getApartment         apartments, residents
 *   PATCH  /api/apartments/:id                  changeApartment      apartments, residents
 *   DELETE /api/apartments/:id                  removeApartment      apartments, residents, join_codes
 *   POST   /api/apartments/:id/residents        addResident          residents
 *   DELETE /api/apartments/:id/residents/:user  removeResident       residents
 */
import type { Module } from '../platform/module.ts'
import { messages } from './messages.ts'
import { routes } from './routes.ts'
import { Apartment, House } from './schemas-houses.ts'

export const housing: Module = {
  name: 'housing',
  messages,
  routes,
  shapes: [House, Apartment],
  invariants: [],
}
