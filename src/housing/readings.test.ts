import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import {
  cloneDatabase,
  eventually,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { addApartment, addHouse, addMeter, addReading, monthFromNow, publishMonth } from '../../test/housing.ts'
import { withRole } from '../../test/shop.ts'

let app: TestApp
let admin: string
let anna: Person
let boris: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна' })
  boris = await person(app)
})
after(() => app[Symbol.asyncDispose]())

/** A meter in a flat of Anna's, in a house of its own. */
async function home(fields: Record<string, unknown> = {}, ofHouse: Record<string, unknown> = {}) {
  const house = await addHouse(app, admin, ofHouse)
  const flat = await addApartment(app, admin, house.id, { residents: [anna.id] })
  const meter = await addMeter(app, admin, flat.id, fields)
  return { house: house.id as number, flat: flat.id as number, meter: meter.id as number }
}
const submit = (meter: number, month: string, value: unknown, token = admin, more: object = {}) =>
  app.post(`/api/meters/${meter}/readings`, { month, value, ...more }, { token })
const faultOf = ({ status, body }: { status: number; body: Json }) =>
  [status, body.errors?.[0]?.path, body.errors?.[0]?.code ?? body.code] as unknown

// Guarantee: a meter is what was written; what hangs on it keeps it from being deleted, and its days hold its readings.
test('meters are added, changed, ended and removed', async () => {
  const { flat, meter } = await home({ serial: 'М-1', initial_value: '1.5' })
  const read = async (token = admin) => (await app.get(`/api/meters/${meter}`, { token })).body
  assert.deepEqual(
    [(await read()).initial_value, (await read()).digits, (await read(anna.token)).last_reading],
    ['1.500', 5, null],
  )
  const again = { kind: 'hot_water', serial: 'М-1', installed_on: '2020-01-01' }
  const double = await app.post(`/api/apartments/${flat}/meters`, again, { token: admin })
  assert.deepEqual([double.status, double.body.code], [409, 'housing.serial_taken'])
  await addReading(app, admin, meter, '2024-03', 10)
  await addReading(app, admin, meter, '2024-04', 20)
  const changed = async (input: object) => faultOf(await app.patch(`/api/meters/${meter}`, input, { token: admin }))
  assert.deepEqual(await changed({ installed_on: '2024-04-01' }), [409, undefined, 'housing.readings_outside'])
  assert.deepEqual(await changed({ removed_on: '2024-03-31' }), [409, undefined, 'housing.readings_outside'])
  assert.deepEqual(await changed({ removed_on: '2019-12-31' }), [
    400,
    '/removed_on',
    'housing.removed_before_installed',
  ])
  assert.deepEqual(await changed({ initial_value: 10.001 }), [400, '/initial_value', 'housing.above_next'])
  assert.deepEqual(await changed({ kind: 'gas' }), [400, '/kind', 'validation.enum'])
  const ended = await app.patch(`/api/meters/${meter}`, { removed_on: '2024-04-30' }, { token: admin })
  assert.deepEqual([ended.status, ended.body.last_reading.value], [200, '20.000'])
  assert.deepEqual(faultOf(await submit(meter, '2024-05', 30)), [400, '/month', 'housing.meter_absent'])
  assert.deepEqual(faultOf(await submit(meter, '2019-12', 3)), [400, '/month', 'housing.meter_absent'])
  assert.equal((await app.delete(`/api/meters/${meter}`, { token: admin })).status, 409)
  assert.equal((await app.delete(`/api/apartments/${flat}`, { token: admin })).status, 409)
  const spare = await addMeter(app, admin, flat)
  const ids = (await app.get(`/api/apartments/${flat}/meters`, { token: anna.token })).body.results.map(
    (m: Json) => m.id,
  )
  assert.deepEqual(ids, [meter, spare.id])
  assert.equal((await app.delete(`/api/meters/${spare.id}`, { token: admin })).status, 204)
  assert.equal((await app.get(`/api/apartments/${flat}/meters`, { token: boris.token })).status, 404)
})

// Guarantee: one reading a month and meter, none of a month to come in the zone of the house.
test('one reading a month, and none of the future', async () => {
  const { meter } = await home({}, { timezone: 'Pacific/Kiritimati' })
  const here = monthFromNow(0, 'Pacific/Kiritimati')
  assert.deepEqual(faultOf(await submit(meter, monthFromNow(1, 'Pacific/Kiritimati'), 1)), [
    400,
    '/month',
    'housing.future_month',
  ])
  const answers = await Promise.all([1, 2, 3].map((value) => submit(meter, here, value)))
  assert.deepEqual(answers.map((a) => a.status).sort(), [201, 409, 409])
  for (const month of ['2024-13', '2024-1', '2024-01-01', ''])
    assert.equal((await submit(meter, month, 1)).status, 400, month)
  for (const value of ['-1', 'NaN', '1e3', '1.0001', 100_000, '', null])
    assert.equal((await submit(meter, '2024-01', value)).status, 400, String(value))
})

// Guarantee: residents submit this month and the last in the zone of their house, of their own meters only.
test('residents submit the current or the previous month', async () => {
  for (const timezone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
    const { meter } = await home({}, { timezone })
    const at = (months: number) => submit(meter, monthFromNow(months, timezone), 5 + months, anna.token)
    assert.deepEqual(faultOf(await at(-2)), [400, '/month', 'housing.month_too_old'])
    assert.equal((await at(-1)).status, 201)
    const now = await at(0)
    assert.deepEqual(
      [now.status, now.body.source, now.body.submitted_by, now.body.volume],
      [201, 'resident', anna.id, '1.000'],
    )
    assert.equal((await submit(meter, monthFromNow(0, timezone), 9, boris.token)).status, 404)
    assert.equal((await app.get(`/api/meters/${meter}`, { token: boris.token })).status, 404)
    assert.equal((await app.get(`/api/readings/${now.body.id}`, { token: boris.token })).status, 404)
    assert.equal((await app.patch(`/api/readings/${now.body.id}`, { value: 9 }, { token: boris.token })).status, 404)
  }
})

// Guarantee: a month begins and ends with the clock of the house, not with that of the server.
test('the month is that of the house', async () => {
  const database = await cloneDatabase()
  // Five in the morning UTC of the first day of the next month: a database whose now() is ahead of the real one.
  const [year, month] = monthFromNow(0, 'UTC').split('-').map(Number)
  const first = new Date(Date.UTC(year!, month!, 1, 5))
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(`create schema ahead`)
  await client.query(`create function ahead.now() returns timestamptz language sql stable
    as $$ select pg_catalog.now() + interval '${first.getTime() - Date.now()} milliseconds' $$`)
  await client.query(`do $$ begin execute format('alter database %I set search_path = ahead, pg_catalog, public',
    current_database()); end $$`)
  await client.end()
  try {
    await using later = await startApp({}, { databaseUrl: database.url, worker: false })
    const token = await logInAdmin(later)
    const enter = async (timezone: string) => {
      const house = await addHouse(later, token, { timezone })
      const { id } = await addMeter(later, token, (await addApartment(later, token, house.id)).id)
      const body = { month: first.toISOString().slice(0, 7), value: 5 }
      return (await later.post(`/api/meters/${id}/readings`, body, { token })).status
    }
    assert.deepEqual(
      [await enter('Pacific/Kiritimati'), await enter('UTC'), await enter('Pacific/Pago_Pago')],
      [201, 201, 400],
    )
  } finally {
    await database.drop()
  }
})

// Guarantee: a reading fits between its neighbours, also when it is corrected or comes late; a passage through zero must
// be confirmed, and is refused where there is none.
test('readings only grow, unless the meter passed zero', async () => {
  const { meter } = await home({ initial_value: 100 })
  assert.deepEqual(faultOf(await submit(meter, '2024-01', 99)), [400, '/value', 'housing.below_previous'])
  await addReading(app, admin, meter, '2024-01', 110)
  const march = await addReading(app, admin, meter, '2024-03', 130)
  assert.deepEqual(faultOf(await submit(meter, '2024-02', '130.001')), [400, '/value', 'housing.above_next'])
  assert.deepEqual(faultOf(await submit(meter, '2024-02', 109)), [400, '/value', 'housing.below_previous'])
  const february = await addReading(app, admin, meter, '2024-02', 120)
  const fix = async (id: number, input: object) =>
    faultOf(await app.patch(`/api/readings/${id}`, input, { token: admin }))
  assert.deepEqual(await fix(february.id, { value: 131 }), [400, '/value', 'housing.above_next'])
  assert.deepEqual(await fix(march.id, { value: 119 }), [400, '/value', 'housing.below_previous'])
  assert.deepEqual(await fix(march.id, { rollover: true }), [400, '/rollover', 'housing.no_rollover'])
  const rolled = await submit(meter, '2024-04', 2, admin, { rollover: true })
  assert.deepEqual([rolled.status, rolled.body.volume], [201, '99872.000'])
  assert.deepEqual(await fix(march.id, { value: 121 }), [200, undefined, undefined])
  assert.deepEqual(faultOf(await submit(meter, '2024-05', 1)), [400, '/value', 'housing.below_previous'])
  assert.equal((await app.delete(`/api/readings/${rolled.body.id}`, { token: admin })).status, 409)
  // Before a passage through zero a value is above what follows it.
  const late = await home()
  await addReading(app, admin, late.meter, '2024-01', 99_990)
  await submit(late.meter, '2024-03', 5, admin, { rollover: true })
  assert.deepEqual(faultOf(await submit(late.meter, '2024-02', 4, admin, { rollover: true })), [
    400,
    '/value',
    'housing.next_rolled_over',
  ])
  assert.equal((await submit(late.meter, '2024-02', 99_995)).status, 201)
})

// Guarantee: once the bills of a month are published, its readings are neither added nor changed nor taken away, by
// nobody, while those of other months are; and nothing slips in beside the publication.
test('a billed month is closed', async () => {
  const { house, flat, meter } = await home()
  const other = await addMeter(app, admin, flat)
  const before = monthFromNow(-1)
  const reading = await addReading(app, anna.token, meter, before, 5)
  await publishMonth(app, house, before)
  for (const token of [admin, anna.token]) {
    assert.deepEqual(faultOf(await submit(other.id, before, 5, token)), [409, undefined, 'housing.month_billed'])
    const fixed = await app.patch(`/api/readings/${reading.id}`, { value: 6 }, { token })
    assert.deepEqual([fixed.status, fixed.body.code], [409, 'housing.month_billed'])
  }
  assert.equal((await app.delete(`/api/readings/${reading.id}`, { token: admin })).status, 409)
  const fields = await app.patch(`/api/meters/${meter}`, { initial_value: 1 }, { token: admin })
  assert.deepEqual([fields.status, fields.body.code], [409, 'housing.month_billed'])
  assert.equal((await submit(meter, monthFromNow(0), 8)).status, 201)

  // A publication that holds the house: the reading waits, then sees it.
  const race = await home()
  const publishing = await app.platform.pool.connect()
  await publishing.query('begin')
  await publishing.query('select from housing.houses where id = $1 for update', [race.house])
  const waiting = submit(race.meter, before, 5)
  await eventually('the reading waits for the house', async () => {
    const { rows } = await app.platform.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length
  })
  await publishing.query(
    `insert into housing.billing_runs (house_id, month, status, current, finished_at, published_at)
     values ($1, $2, 'completed', true, now(), now())`,
    [race.house, `${before}-01`],
  )
  await publishing.query('commit')
  publishing.release()
  assert.equal((await waiting).status, 409)
})

// Guarantee: a correction keeps what was there, with who changed it and when; the office's readings are the office's.
test('a correction keeps the old value', async () => {
  const { meter } = await home()
  const reading = await addReading(app, anna.token, meter, monthFromNow(-1), 5)
  const path = `/api/readings/${reading.id}`
  await app.patch(path, { value: '6.5' }, { token: anna.token })
  await app.patch(path, { value: '6.5' }, { token: admin })
  const fixed = await app.patch(path, { value: 7 }, { token: admin })
  assert.deepEqual([fixed.status, fixed.body.value], [200, '7.000'])
  const { body } = await app.get(`${path}/changes`, { token: anna.token })
  assert.deepEqual(
    body.results.map((c: Json) => [c.value, c.changed_by === anna.id]),
    [
      ['6.500', false],
      ['5.000', true],
    ],
  )
  assert.equal((await app.get(`${path}/changes`, { token: boris.token })).status, 404)
  const audit = await app.get('/api/admin/audit?action=housing.correct_reading', { token: admin })
  const mine = audit.body.results.filter((e: Json) => e.subject_id === reading.id)
  assert.deepEqual(
    mine.map((e: Json) => [e.before.value, e.after.value]),
    [
      ['6.500', '7.000'],
      ['5.000', '6.500'],
    ],
  )
  const office = await addReading(app, admin, meter, monthFromNow(0), 9)
  const hers = await app.patch(`/api/readings/${office.id}`, { value: 8 }, { token: anna.token })
  assert.deepEqual([hers.status, hers.body.code], [409, 'housing.entered_by_staff'])
  assert.equal((await app.delete(path, { token: anna.token })).status, 403)
  assert.equal((await app.delete(`/api/readings/${office.id}`, { token: admin })).status, 204)
})

// Guarantee: a jump over 30 m³ a month or over three times the mean is kept and asked about; months without a reading
// count among those that it took.
test('an odd jump is asked about and never refused', async () => {
  const { meter } = await home()
  const questions: unknown[] = []
  for (const [month, value] of [
    ['2024-01', 1000],
    ['2024-02', 1004],
    ['2024-03', 1008],
    ['2024-04', '1020.001'],
    ['2024-05', 1026],
    ['2024-08', 1050],
  ] as const)
    questions.push((await addReading(app, admin, meter, month, value)).question)
  assert.deepEqual(questions, [null, null, null, 'odd_jump', null, null])
  assert.equal((await addReading(app, admin, meter, '2024-09', 1085)).question, 'odd_jump')
  const list = await app.get(`/api/meters/${meter}/readings?page_size=2`, { token: anna.token })
  assert.deepEqual(
    [list.body.count, list.body.results.map((r: Json) => [r.month, r.question])],
    [
      7,
      [
        ['2024-09', 'odd_jump'],
        ['2024-08', null],
      ],
    ],
  )
  const next = await app.get(list.body.next, { token: anna.token })
  assert.deepEqual(
    next.body.results.map((r: Json) => r.month),
    ['2024-05', '2024-04'],
  )
})

// Guarantee: the grid of a month names every meter that takes part in it, with its reading and the one before, and counts
// those without.
test('the grid of a month', async () => {
  const { house, flat, meter } = await home({ initial_value: 3 })
  const late = await addMeter(app, admin, flat, { kind: 'hot_water', installed_on: '2024-06-15' })
  const gone = await addMeter(app, admin, flat, { kind: 'hot_water', removed_on: '2024-03-31' })
  const ended = await addApartment(app, admin, house, { ended_on: '2024-02-10' })
  await addMeter(app, admin, ended.id)
  await addReading(app, admin, meter, '2024-02', 8)
  const grid = async (query: string) => (await app.get(`/api/houses/${house}/readings?${query}`, { token: admin })).body
  const rows = (body: Json) =>
    body.results.map((r: Json) => [r.meter.id, r.previous.month, r.previous.value, r.reading?.value ?? null])
  const march = await grid('month=2024-03')
  assert.deepEqual(rows(march), [
    [meter, '2024-02', '8.000', null],
    [gone.id, null, '0.000', null],
  ])
  assert.deepEqual([march.missing, march.count], [2, 2])
  const february = await grid('month=2024-02&missing=false')
  assert.deepEqual([rows(february), february.missing, february.count], [[[meter, null, '3.000', '8.000']], 2, 1])
  assert.deepEqual((await grid('month=2024-06')).count, 2)
  assert.ok((await grid('month=2024-06')).results.some((r: Json) => r.meter.id === late.id))
  assert.equal((await app.get(`/api/houses/${house}/readings?month=2024-06`, { token: anna.token })).status, 403)
  assert.equal((await app.get('/api/houses/999999/readings?month=2024-06', { token: admin })).status, 404)
})

// Guarantee: tariffs are one for a service, house and month, kept to four digits, seen by residents as far as they are
// theirs, and one by which something was charged stays.
test('tariffs', async () => {
  const { house } = await home()
  const foreign = await addHouse(app, admin)
  const add = (body: object, token = admin) => app.post('/api/tariffs', body, { token })
  const general = await add({ service: 'cold_water', price: '50.93', valid_from: '2024-01' })
  assert.deepEqual(
    [general.status, general.body.price, general.body.unit, general.body.house, general.body.valid_from],
    [201, '50.93', 'm3', null, '2024-01'],
  )
  assert.equal((await add({ service: 'cold_water', price: 1, valid_from: '2024-01' })).status, 409)
  const own = await add({ service: 'maintenance', price: '32.1256', valid_from: '2024-02', house, unit: 'm2' })
  assert.deepEqual([own.body.price, own.body.house], ['32.1256', house])
  await add({ service: 'maintenance', price: 1, valid_from: '2024-02', house: foreign.id })
  for (const [wrong, path] of [
    [{ unit: 'm2' }, '/unit'],
    [{ price: '1.00001' }, '/price'],
    [{ price: -1 }, '/price'],
    [{ house: 999_999 }, '/house'],
    [{ valid_from: '2024-00' }, '/valid_from'],
  ] as const) {
    const answer = await add({ service: 'cold_water', price: 1, valid_from: '2025-01', ...wrong })
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, path])
  }
  const seen = (await app.get('/api/tariffs', { token: anna.token })).body.results.map((t: Json) => t.id)
  assert.ok(seen.includes(general.body.id) && seen.includes(own.body.id) && seen.length === 2)
  const path = `/api/tariffs/${own.body.id}`
  assert.equal((await app.patch(path, { price: '33' }, { token: admin })).body.price, '33.00')
  assert.equal((await app.get(path, { token: boris.token })).status, 404)
  const newer = await add({ service: 'cold_water', price: 60, valid_from: '2024-05' })
  const valid = await app.get('/api/tariffs?month=2024-04&service=cold_water', { token: admin })
  assert.deepEqual(
    valid.body.results.map((t: Json) => t.id),
    [general.body.id],
  )
  assert.equal((await app.delete(`/api/tariffs/${newer.body.id}`, { token: admin })).status, 204)
  const terms = JSON.stringify({ prices: { maintenance: { id: own.body.id, price: '33' } } })
  await sql`insert into housing.billing_runs (house_id, month, status, terms)
    values (${house}, '2024-03-01', 'failed', ${terms}::jsonb)`.execute(app.platform.db)
  const used = await app.delete(path, { token: admin })
  assert.deepEqual([used.status, used.body.code], [409, 'housing.tariff_used'])
  const bookkeeper = await withRole(app, 'bookkeeper')
  assert.equal((await add({ service: 'hot_water', price: 1, valid_from: '2024-01' }, bookkeeper.token)).status, 201)
  const log = await app.get('/api/admin/audit?action=housing.change_tariff', { token: admin })
  assert.deepEqual(log.body.results[0].after, { price: '33.00' })
  await app.audit()
})
