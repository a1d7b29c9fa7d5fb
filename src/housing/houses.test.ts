import assert from 'node:assert/strict'
import { after, before, mock, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse, addMeter, addReading, monthFromNow } from '../../test/housing.ts'
import { withRole } from '../../test/shop.ts'

let app: TestApp
let admin: string
let anna: Person
let boris: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна', last_name: 'Соколова' })
  boris = await person(app)
})
after(() => app[Symbol.asyncDispose]())

// Guarantee: a house is what was written, its totals are those of its living flats, and it has its address alone.
test('a house is added, changed and removed', async () => {
  const house = await addHouse(app, admin, { address: 'Тверь, Лесная, 1', timezone: 'Asia/Omsk', norm_hot_water: 3 })
  assert.deepEqual(
    [house.apartments_count, house.total_area, house.timezone, house.norm_hot_water, house.window_from],
    [0, '0.00', 'Asia/Omsk', '3.000', 20],
  )
  assert.equal((await app.post('/api/houses', { address: 'тверь, лесная, 1' }, { token: admin })).status, 409)
  for (const area of ['40.5', 30]) await addApartment(app, admin, house.id, { area })
  await addApartment(app, admin, house.id, { area: 7, ended_on: '2026-01-31' })
  const changed = await app.patch(`/api/houses/${house.id}`, { window_from: 18 }, { token: admin })
  assert.deepEqual([changed.body.apartments_count, changed.body.total_area, changed.body.window_from], [2, '70.50', 18])
  for (const [wrong, path] of [
    [{ address: ' ' }, '/address'],
    [{ timezone: 'Europe/Atlantis' }, '/timezone'],
    [{ timezone: 'FOO5' }, '/timezone'],
    [{ missing_readings: 'norm' }, '/missing_readings'],
    [{ window_to: 17 }, '/window_to'],
    [{ norm_cold_water: '1.2345' }, '/norm_cold_water'],
    [{ total_area: '1.00' }, '/total_area'],
  ] as const) {
    const answer = await app.patch(`/api/houses/${house.id}`, wrong, { token: admin })
    assert.equal(answer.status, 400, JSON.stringify(wrong))
    assert.equal(answer.body.errors[0].path, path)
  }
  assert.equal((await app.delete(`/api/houses/${house.id}`, { token: admin })).status, 409)
  const empty = await addHouse(app, admin)
  assert.equal((await app.delete(`/api/houses/${empty.id}`, { token: admin })).status, 204)
  assert.equal((await app.delete(`/api/houses/${empty.id}`, { token: admin })).status, 404)
})

// Guarantee: flats come in the order of their numbers as people count, searched and paged; doubles are refused.
test('flats of a house', async () => {
  const house = await addHouse(app, admin)
  const path = `/api/houses/${house.id}/apartments`
  for (const number of ['10', '2', '12а', '12', '1'])
    await addApartment(app, admin, house.id, { number, account: `Ф-${number}` })
  const numbers = async (query: string) =>
    (await app.get(`${path}?${query}`, { token: admin })).body.results.map((a: Json) => a.number)
  assert.deepEqual(await numbers(''), ['1', '2', '10', '12', '12а'])
  assert.deepEqual(await numbers('ordering=-number&page_size=2&page=2'), ['10', '2'])
  const first = await app.get(`${path}?page_size=2`, { token: admin })
  const next = await app.get(first.body.next, { token: admin })
  assert.deepEqual([next.body.results.map((a: Json) => a.number), next.body.count], [['10', '12'], null])
  assert.deepEqual(await numbers('search=12'), ['12'])
  assert.deepEqual(await numbers('search=Ф-1'), ['1', '10', '12', '12а'])
  const whole = { number: '3', area: '50', account: 'Ф-3' }
  const refused = async (body: object) => (await app.post(path, body, { token: admin })).status
  assert.equal(await refused({ ...whole, number: '2' }), 409)
  assert.equal(await refused({ ...whole, account: 'Ф-2' }), 409)
  for (const wrong of [{ area: 0 }, { area: '1.001' }, { account: 'a b' }, { number: '' }, { ended_on: '2026-02-30' }])
    assert.equal(await refused({ ...whole, ...wrong }), 400, JSON.stringify(wrong))
  assert.equal((await app.post('/api/houses/999999/apartments', whole, { token: admin })).status, 404)
})

// Guarantee: a resident sees their own flats and houses and nothing of their neighbours'; they write none of it.
test('residents see what is theirs', async () => {
  const house = await addHouse(app, admin)
  await addHouse(app, admin)
  const hers = await addApartment(app, admin, house.id, { residents: [anna.id] })
  const his = await addApartment(app, admin, house.id)
  const added = await app.post(`/api/apartments/${his.id}/residents`, { user: boris.id }, { token: admin })
  assert.deepEqual([added.status, added.body.residents.map((r: Json) => r.id)], [201, [boris.id]])
  assert.deepEqual(hers.residents, [{ id: anna.id, full_name: 'Соколова Анна' }])

  const seen = async (path: string, token: string) =>
    (await app.get(path, { token })).body.results.map((r: Json) => r.id)
  assert.deepEqual(await seen('/api/houses', anna.token), [house.id])
  assert.deepEqual(await seen(`/api/houses/${house.id}/apartments`, anna.token), [hers.id])
  assert.equal((await app.get(`/api/apartments/${hers.id}`, { token: anna.token })).status, 200)
  assert.equal((await app.get(`/api/apartments/${his.id}`, { token: anna.token })).status, 404)
  assert.equal((await app.patch(`/api/apartments/${hers.id}`, { area: 1 }, { token: anna.token })).status, 403)
  assert.equal((await app.post('/api/houses', { address: 'Моя' }, { token: anna.token })).status, 403)

  const gone = await app.delete(`/api/apartments/${his.id}/residents/${boris.id}`, { token: admin })
  assert.equal(gone.status, 204)
  assert.equal((await app.get(`/api/apartments/${his.id}`, { token: boris.token })).status, 404)
  assert.deepEqual(await seen('/api/houses', boris.token), [])
  const unknown = await app.patch(`/api/apartments/${his.id}`, { residents: [anna.id, 999_999] }, { token: admin })
  assert.deepEqual([unknown.status, unknown.body.errors[0].path], [400, '/residents/1'])
})

// Guarantee: a bookkeeper writes houses, an auditor reads all of them.
test('bookkeepers write, auditors read', async () => {
  const bookkeeper = await withRole(app, 'bookkeeper')
  const auditor = await withRole(app, 'auditor')
  const house = await addHouse(app, bookkeeper.token)
  const flat = await addApartment(app, bookkeeper.token, house.id)
  assert.equal((await app.get(`/api/apartments/${flat.id}`, { token: auditor.token })).status, 200)
  assert.equal((await app.patch(`/api/houses/${house.id}`, {}, { token: auditor.token })).status, 403)
  assert.equal((await app.delete(`/api/apartments/${flat.id}`, { token: bookkeeper.token })).status, 204)
  await app.audit()
})

// Guarantee: the detail of a house shows flats, meters, newest readings and the last run, each change in the very next
// answer; to a resident only their own flats and no run.
test('the detail of a house is whole and never stale', async () => {
  const house = await addHouse(app, admin)
  const path = `/api/houses/${house.id}`
  const hers = await addApartment(app, admin, house.id, { number: '1', residents: [anna.id] })
  await addApartment(app, admin, house.id, { number: '2' })
  const meter = await addMeter(app, admin, hers.id)
  const detail = async (token = admin) => (await app.get(path, { token })).body
  const first = await detail()
  assert.deepEqual(
    first.apartments.map((a: Json) => [a.number, a.meters.map((m: Json) => [m.id, m.last_reading])]),
    [
      ['1', [[meter.id, null]]],
      ['2', []],
    ],
  )
  assert.equal((await app.get(path, { token: admin })).headers.get('x-cache'), 'HIT')
  const reading = await addReading(app, anna.token, meter.id, monthFromNow(-1), '5')
  await addReading(app, anna.token, meter.id, monthFromNow(0), '7.5')
  const last = () => detail().then((d) => d.apartments[0].meters[0].last_reading)
  assert.deepEqual([(await last()).month, (await last()).value], [monthFromNow(0), '7.500'])
  await app.patch(`/api/readings/${reading.id}`, { value: '6' }, { token: anna.token })
  assert.equal((await app.get(path, { token: admin })).headers.get('x-cache'), 'MISS')
  await sql`insert into housing.billing_runs (house_id, month) values (${house.id}, '2026-01-01')`.execute(
    app.platform.db,
  )
  assert.deepEqual([(await detail()).last_run.month, (await detail()).last_run.status], ['2026-01', 'queued'])
  // A resident who submits a reading does not spoil the office's edit; another edit does.
  const { etag } = Object.fromEntries((await app.get(path, { token: admin })).headers)
  const edit = async (window_to: number) =>
    (await app.patch(path, { window_to }, { token: admin, headers: { 'if-match': etag! } })).status
  await app.patch(`/api/readings/${reading.id}`, { value: '6.1' }, { token: anna.token })
  assert.deepEqual([await edit(26), await edit(27)], [200, 412])
  const own = await detail(anna.token)
  assert.deepEqual([own.apartments.map((a: Json) => a.id), own.last_run, own.apartments_count], [[hers.id], null, 2])
  assert.equal((await app.get(path, { token: boris.token })).status, 404)
  assert.equal((await detail()).apartments[0].residents[0].full_name, 'Соколова Анна')
  await app.patch('/api/profile', { first_name: 'Яна' }, { token: anna.token })
  assert.equal((await detail()).apartments[0].residents[0].full_name, 'Соколова Яна')
})

// Guarantee: the detail of a house of 1,000 flats takes as many queries as that of 10.
test('the detail of a house takes a constant number of queries', async () => {
  await using quiet = await startApp({}, { worker: false })
  const token = await logInAdmin(quiet)
  const asked = async (flats: number) => {
    const { id } = await addHouse(quiet, token)
    await sql`
      with a as (insert into housing.apartments (house_id, number, area, account)
        select ${id}, n, 40, ${`${flats}-`} || n from generate_series(1, ${flats}::int) n returning id),
      m as (insert into housing.meters (apartment_id, kind, serial, installed_on)
        select id, kind, kind || id, '2020-01-01' from a, unnest('{cold_water,hot_water}'::text[]) kind returning id)
      insert into housing.readings (meter_id, month, value) select id, '2026-01-01', 5 from m`.execute(
      quiet.platform.db,
    )
    const query = mock.method(pg.Client.prototype, 'query')
    try {
      const answer = await quiet.get(`/api/houses/${id}`, { token })
      assert.equal(answer.body.apartments.length, flats)
      assert.equal(answer.body.apartments.at(-1).meters[1].last_reading.value, '5.000')
      const texts = query.mock.calls.map(({ arguments: [query] }) => (query as { text?: string }).text ?? String(query))
      return texts.filter((text) => /(from|join) housing\./.test(text))
    } finally {
      query.mock.restore()
    }
  }
  const few = await asked(10)
  assert.ok(few.length > 3)
  assert.deepEqual(await asked(1000), few)
})
