import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { drainJobs, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse, addMeter, addReading } from '../../test/housing.ts'
import { remindHouses } from './reminders.ts'

let app: TestApp
let admin: string
let anna: Person
let boris: Person
before(async () => {
  // The tests say what day it is; the loop would ask for today.
  app = await startApp({}, { loops: false })
  admin = await logInAdmin(app)
  anna = await person(app)
  boris = await person(app)
  await sql`update accounts.users set email_confirmed_at = now() where id = ${anna.id}`.execute(app.platform.db)
})
after(() => app[Symbol.asyncDispose]())

const signal = new AbortController().signal
const remind = (at: string) => remindHouses(app.platform, signal, at)
async function letters(): Promise<Json[]> {
  await drainJobs(app)
  const { body } = await app.get('/api/outbox?page_size=100', { token: admin })
  return body.results.filter((letter: Json) => /Показания счётчиков/.test(letter.subject)).reverse()
}
/** A house in a zone with flats of Anna and of Boris, each with a meter. */
async function home(fields: object) {
  const house = await addHouse(app, admin, { window_from: 1, window_to: 1, ...fields })
  const flats: { flat: number; meter: number; serial: string }[] = []
  for (const { id } of [anna, boris]) {
    const flat = await addApartment(app, admin, house.id, { residents: [id] })
    const { id: meter, serial } = await addMeter(app, admin, flat.id)
    flats.push({ flat: flat.id, meter, serial })
  }
  return { house, hers: flats[0]!, his: flats[1]! }
}

// Guarantee: residents with a confirmed address whose flat lacks a reading are asked in the morning of the first day of
// the window and a day before its last, in the zone of the house, once each however often the loop runs.
test('the window of a house asks for what is missing', async () => {
  const { house, hers } = await home({
    window_from: 20,
    window_to: 25,
    timezone: 'Asia/Omsk',
    address: 'Омск, Мира, 1',
  })
  const before = (await letters()).length
  const said = async () => (await letters()).slice(before).map((l) => [l.to, /до (\d+) числа/.exec(l.text)?.[1]])
  // Nine in the morning of Omsk is three in UTC.
  for (const early of ['2025-03-19T20:00:00Z', '2025-03-20T02:59:59Z', '2025-03-27T05:00:00Z']) await remind(early)
  assert.deepEqual(await said(), [])
  await Promise.all([1, 2, 3].map(() => remind('2025-03-20T03:00:00Z')))
  // Who moves in after that hears of the end.
  const vera = await person(app)
  await sql`update accounts.users set email_confirmed_at = now() where id = ${vera.id}`.execute(app.platform.db)
  await app.post(`/api/apartments/${hers.flat}/residents`, { user: vera.id }, { token: admin })
  await remind('2025-03-21T12:00:00Z')
  assert.deepEqual(await said(), [[anna.email, '25']])
  await app.delete(`/api/apartments/${hers.flat}/residents/${vera.id}`, { token: admin })
  await remind('2025-03-24T03:00:00Z')
  await remind('2025-03-25T12:00:00Z')
  assert.equal((await said()).length, 2)
  const other = await addMeter(app, admin, hers.flat, { kind: 'hot_water' })
  await addReading(app, admin, hers.meter, '2025-04', 3)
  await remind('2025-04-20T04:00:00Z')
  const [, , third] = (await letters()).slice(before)
  assert.ok(third.text.includes(other.serial) && !third.text.includes(hers.serial), third.text)
  assert.ok(third.text.includes(house.address) && third.text.includes('04.2025'))
  await addReading(app, admin, other.id, '2025-04', 3)
  await remind('2025-04-24T04:00:00Z')
  assert.equal((await said()).length, 3)
})

// Guarantee: a window of a day or two asks once, and a loop that was away asks when it is back.
test('a short window asks once', async () => {
  await home({ window_from: 10, window_to: 11 })
  const before = (await letters()).length
  await remind('2025-06-10T12:00:00Z')
  await remind('2025-06-11T12:00:00Z')
  assert.equal((await letters()).length, before + 1)
  await remind('2025-07-11T12:00:00Z')
  assert.equal((await letters()).length, before + 2)
})

// Guarantee: a letter that waited goes to nobody whose reading came meanwhile.
test('who was faster than the letter gets none', async () => {
  await using idle = await startApp({}, { worker: false })
  const token = await logInAdmin(idle)
  const people = [await person(idle), await person(idle)]
  await sql`update accounts.users set email_confirmed_at = now()`.execute(idle.platform.db)
  const house = await addHouse(idle, token)
  const meters: number[] = []
  for (const { id } of people) {
    const flat = await addApartment(idle, token, house.id, { residents: [id] })
    meters.push((await addMeter(idle, token, flat.id)).id)
  }
  const asked = await idle.post(`/api/houses/${house.id}/reminders`, { month: '2025-01' }, { token })
  assert.deepEqual([asked.status, asked.body], [202, { count: 2 }])
  await addReading(idle, token, meters[0]!, '2025-01', 3)
  await idle.platform.jobs.work(idle.platform)
  await drainJobs(idle)
  const { rows } = await sql<{
    to: string
  }>`select "to" from platform.outbox where key like 'reminder-%'`.execute(idle.platform.db)
  assert.deepEqual(rows, [{ to: people[1]!.email }])
})

// Guarantee: the office asks once a day for a month, and only those who still lack a reading.
test('the office asks', async () => {
  const { house, hers } = await home({})
  const path = `/api/houses/${house.id}/reminders`
  const ask = async (month: string) => (await app.post(path, { month }, { token: admin })).body
  const before = (await letters()).length
  assert.deepEqual([await ask('2025-01'), await ask('2025-01')], [{ count: 1 }, { count: 0 }])
  assert.equal((await letters()).length, before + 1)
  await addReading(app, admin, hers.meter, '2025-02', 3)
  assert.deepEqual(await ask('2025-02'), { count: 0 })
  assert.equal((await app.post(path, { month: '2025-01' }, { token: anna.token })).status, 403)
  assert.equal((await app.post('/api/houses/999999/reminders', { month: '2025-01' }, { token: admin })).status, 404)
  await app.audit()
})
