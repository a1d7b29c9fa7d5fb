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
 *   GET    /api/apartments/:id/water            waterOf              meters, readings
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
 *   POST   /api/apartments/:id/join-codes       createJoinCode       join_codes
 *   DELETE /api/apartments/:id/join-codes       endJoinCodes         join_codes
 *   POST   /api/apartments/:id/join-codes/sheet  printJoinCodes      join_codes
 *   POST   /api/houses/:id/join-codes/sheet     printJoinCodes       join_codes
 *   POST   /api/profile/join                    join                 join_codes, residents
 *   POST   /api/houses/:id/reminders            remindNow            reminders                         housing.reminder
 *   POST   /api/houses/:id/import               importHouse          apartments, meters, readings
 *   GET    /api/tariffs                         listTariffs          tariffs
 *   POST   /api/tariffs                         createTariff         tariffs
 *   GET    /api/tariffs/:id                     getTariff            tariffs
 *   PATCH  /api/tariffs/:id                     changeTariff         tariffs
 *   DELETE /api/tariffs/:id                     removeTariff         tariffs, billing_runs
 *
 *   POST   /api/houses/:id/billing-runs         startRun             billing_runs                      loop housing.billing
 *   GET    /api/houses/:id/billing-runs         listRunsOfHouse      billing_runs
 *   POST   /api/houses/:id/billing-runs/preview  previewRun          (as a run, nothing written)
 *   POST   /api/billing-runs                    startTown            billing_runs                      loop housing.billing
 *   GET    /api/billing-runs                    listRuns             billing_runs
 *   GET    /api/billing-runs/progress           townProgress         billing_runs
 *   GET    /api/billing-runs/:id                getRun               billing_runs
 *   GET    /api/billing-runs/:id/events         runState             billing_runs
 *   GET    /api/billing-runs/events             townState            billing_runs
 *   POST   /api/billing-runs/:id/cancel         cancelRun            billing_runs
 *   POST   /api/billing-runs/:id/publish        publishRun           billing_runs, recalculations, entries, apartments   housing.letters
 *   GET    /api/billing-runs/:id/incomplete     listIncomplete       run_bills, bills
 *   GET    /api/billing-runs/:id/comparison     compareRun           run_bills, bills
 *   GET    /api/houses/:id/bills                listBillsOfHouse     run_bills, bills, bill_lines
 *   GET    /api/houses/:id/bills.csv            billsCsv             run_bills, bills, bill_lines
 *   GET    /api/apartments/:id/bills            listBillsOfApartment  bills, bill_lines
 *   GET    /api/bills/:id                       getBill              bills, bill_lines
 *   GET    /api/bills/:id/pdf                   checkBill, drawBill  bills, bill_lines, entries
 *   POST   /api/billing-runs/:id/pdf            askRunDocument       billing_runs                      housing.document
 *   GET    /api/billing-runs/:id/pdf            readRunDocument      billing_runs
 *   POST   /api/apartments/:id/payments         receivePayment       apartments, payments, entries
 *   GET    /api/apartments/:id/statement        getStatement         entries
 *   GET    /api/houses/:id/debtors              listDebtors          apartments, entries
 *   POST   /api/apartments/:id/recalculations   recalculate          recalculations
 *   GET    /api/apartments/:id/recalculations   listRecalculations   recalculations
 *
 * The loop housing.billing (billing.ts) computes the runs that wait: terms.ts freezes what it counts by, charges.ts is the
 * SQL of volumes and lines, shared with the preview. housing.letters adds a housing.bill_letter for each resident.
 */
import type { Module } from '../platform/module.ts'
import { audiences } from './audiences.ts'
import { billingLoop } from './billing.ts'
import { demonstrate } from './demo.ts'
import { home } from './home.ts'
import { billingInvariants } from './invariants.ts'
import { addressBills, mailBills } from './letters.ts'
import { messages } from './messages.ts'
import { makeRunDocuments, sweepDocuments } from './paper.ts'
import { mailReminders, remindHouses } from './reminders.ts'
import { routes } from './routes.ts'
import { Bill } from './schemas-bills.ts'
import { Apartment, House } from './schemas-houses.ts'
import { HouseDetail, Meter, Reading, Tariff } from './schemas-meters.ts'
import { Run } from './schemas-runs.ts'
import { seed } from './seed.ts'

declare module '../platform/access.ts' {
  interface Roles {
    bookkeeper: true
  }
}

export const housing: Module = {
  name: 'housing',
  messages,
  audiences,
  roles: ['bookkeeper'],
  routes,
  seed,
  demonstrate,
  home,
  notifications: { 'housing.bill': { letter: true }, 'housing.reminder': { letter: true } },
  shapes: [House, HouseDetail, Apartment, Meter, Reading, Tariff, Run, Bill],
  loops: [
    billingLoop,
    { name: 'housing.reminders', everySeconds: 600, run: remindHouses },
    { name: 'housing.documents', everySeconds: 3600, run: sweepDocuments },
  ],
  jobs: {
    'housing.reminder': { handle: mailReminders, batchSize: 50 },
    'housing.letters': { handle: addressBills, key: ({ run_id, after }) => `${run_id} ${after}` },
    'housing.document': { handle: makeRunDocuments, key: ({ run_id }) => String(run_id), expireInSeconds: 300 },
    'housing.bill_letter': { handle: mailBills, batchSize: 10, key: ({ bill_id, user_id }) => `${bill_id} ${user_id}` },
  },
  invariants: [
    ...billingInvariants,
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
