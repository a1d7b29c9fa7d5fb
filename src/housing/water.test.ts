import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse, addMeter, addReading, monthFromNow } from '../../test/housing.ts'

let app: TestApp
let admin: string

before(async () => {
  app = await startApp({}, { worker: false })
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

// Guarantee: a resident sees their own water by month beside the mean of those flats of the house that have a reading, two
// meters of a kind as one; no other house and no stranger's flat.
test('the water of a flat stands beside the mean of its house', async () => {
  const resident = await person(app)
  const house = await addHouse(app, admin)
  const mine = await addApartment(app, admin, house.id, { residents: [resident.id] })
  const next = await addApartment(app, admin, house.id)
  const elsewhere = await addApartment(app, admin, (await addHouse(app, admin)).id)
  const [now, last] = [monthFromNow(0), monthFromNow(-1)]
  const meters = [await addMeter(app, admin, mine.id), await addMeter(app, admin, mine.id)]
  for (const meter of meters) {
    await addReading(app, admin, meter.id, last, '2.5')
    await addReading(app, admin, meter.id, now, '4')
  }
  await addReading(app, admin, (await addMeter(app, admin, next.id)).id, last, '11')
  await addReading(app, admin, (await addMeter(app, admin, elsewhere.id)).id, last, '500')
  const hot = await addMeter(app, admin, mine.id, { kind: 'hot_water', digits: 4 })
  await addReading(app, admin, hot.id, monthFromNow(-13), '9990')
  const rolled = { month: last, value: '5', rollover: true }
  assert.equal((await app.post(`/api/meters/${hot.id}/readings`, rolled, { token: admin })).status, 201)

  const path = `/api/apartments/${mine.id}/water`
  assert.deepEqual((await app.get(path, { token: resident.token })).body.results, [
    { month: now, kind: 'cold_water', volume: '3.000', mean: '3.000' },
    { month: last, kind: 'cold_water', volume: '5.000', mean: '8.000' },
    { month: last, kind: 'hot_water', volume: '15.000', mean: '15.000' },
  ])
  assert.equal((await app.get(`/api/apartments/${next.id}/water`, { token: resident.token })).status, 404)
})
