import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type Billing, bigHouse, billingOf, stopAt } from '../../test/billing.ts'
import { eventually, type Json, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse } from '../../test/housing.ts'
import { wake } from '../platform/loops.ts'
import { billingLoop } from './billing.ts'

let app: TestApp
let admin: string
let b: Billing
const price = { cold_water: '50.93', hot_water: '243.16', maintenance: '31.14' }
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  b = billingOf(app, admin)
  for (const [service, amount] of Object.entries(price)) await b.tariff(service, amount, '2025-01')
})
after(async () => {
  await app.audit()
  await app[Symbol.asyncDispose]()
})
const start = (house: number, month = '2026-02') =>
  app.post(`/api/houses/${house}/billing-runs`, { month }, { token: admin })
const getRun = async (id: number): Promise<Json> => (await app.get(`/api/billing-runs/${id}`, { token: admin })).body
const over = (id: number) =>
  eventually('the run is over', async () => {
    const run = await getRun(id)
    return run.finished_at && run
  })

// Guarantee: of starts at once one runs and the others are refused; when it is over the month can be run again.
test('one run of a house and month at a time', async () => {
  const { house } = await bigHouse(app.platform.pool, 3)
  const stop = await stopAt(app.databaseUrl, 'housing.run_chunks', 'insert')
  const answers = await Promise.all(Array.from({ length: 8 }, () => start(house)))
  assert.deepEqual(answers.map((a) => a.status).sort(), [202, ...Array(7).fill(409)])
  assert.equal(answers.find((a) => a.status === 409)!.body.code, 'housing.run_in_progress')
  assert.equal((await start(house, '2026-01')).status, 202)
  assert.equal((await start(999_999)).status, 404)
  await stop.reached()
  await stop.release()
  const run = await over(answers.find((a) => a.status === 202)!.body.id)
  assert.deepEqual([run.status, run.total, run.processed, run.progress], ['completed', 3, 3, 1])
  const again = await start(house)
  assert.equal(again.status, 202)
  await over(again.body.id)
})

// Guarantee: a preview says exactly what the run then does, names what is missing, and writes nothing.
test('a preview', async () => {
  const { house, first } = await bigHouse(app.platform.pool, 40)
  await app.platform.pool.query(
    `delete from housing.readings r using housing.meters m where m.id = r.meter_id and m.apartment_id in ($1, $2)
     and m.kind = 'cold_water' and (m.apartment_id = $1 or r.month = '2026-02-01')`,
    [first, first + 1],
  )
  const counts = async () =>
    (
      await app.platform.pool.query(`
    select (select count(*) from housing.bills) bills, (select count(*) from housing.billing_runs) runs,
      (select last_value from housing.bills_id_seq) ids`)
    ).rows[0]
  const before = await counts()
  const preview = await app.post(`/api/houses/${house}/billing-runs/preview`, { month: '2026-02' }, { token: admin })
  assert.equal(preview.status, 200, preview.text)
  assert.deepEqual(await counts(), before)
  const run = await b.bill(house, '2026-02')
  assert.deepEqual(
    [preview.body.apartments, preview.body.incomplete, preview.body.amount],
    [run.total, run.incomplete, run.amount],
  )
  assert.deepEqual([run.incomplete, preview.body.missing_count], [2, 2])
  assert.deepEqual(
    preview.body.missing_readings.map((m: Json) => [m.apartment, m.month]),
    [
      [first, '2026-02'],
      [first + 1, '2026-02'],
    ],
  )
  const listed = await app.get(`/api/billing-runs/${run.id}/incomplete`, { token: admin })
  assert.deepEqual([listed.body.count, listed.body.results.map((r: Json) => r.id)], [2, [first + 1, first]])
  assert.match(listed.body.results[0].issues[0].message, /^Холодная вода: нет показания за февраль 2026/)
})

// Guarantee: a cancelled run ends after the chunk in work and leaves nothing that counts; over is over.
test('cancel', async () => {
  // Nobody works here but this test, so that the run stands still between two chunks.
  await using app = await startApp({}, { worker: false })
  const token = await logInAdmin(app)
  const { pool } = app.platform
  const { house, first } = await bigHouse(pool, 4500)
  const start = async (): Promise<number> =>
    (await app.post(`/api/houses/${house}/billing-runs`, { month: '2026-02' }, { token })).body.id
  const started = `exists (select from housing.billing_runs where house_id = ${house} and processed > 0)`
  const stop = await stopAt(app.databaseUrl, 'housing.bills', 'insert', started)
  const id = await start()
  const control = new AbortController()
  const working = billingLoop.run(app.platform, control.signal)
  await stop.reached()
  control.abort()
  await stop.release()
  await working
  const cancelled = await app.post(`/api/billing-runs/${id}/cancel`, undefined, { token })
  assert.deepEqual([cancelled.status, cancelled.body.status, cancelled.body.processed], [200, 'cancelled', 4000])
  assert.equal((await app.post(`/api/billing-runs/${id}/cancel`, undefined, { token })).status, 409)
  await billingLoop.run(app.platform, new AbortController().signal)
  assert.equal((await app.get(`/api/billing-runs/${id}`, { token })).body.processed, 4000)
  assert.deepEqual((await app.get(`/api/houses/${house}/bills?month=2026-02`, { token })).body.results, [])
  assert.deepEqual((await app.get(`/api/apartments/${first}/bills?revisions=all`, { token })).body.results, [])
  const hidden = await pool.query('select id from housing.bills where apartment_id = $1', [first])
  assert.equal((await app.get(`/api/bills/${hidden.rows[0].id}`, { token })).status, 404)
  const again = await start()
  await billingLoop.run(app.platform, new AbortController().signal)
  const run = (await app.get(`/api/billing-runs/${again}`, { token })).body
  assert.deepEqual([run.status, run.skipped, run.total], ['completed', 0, 4500])
  assert.equal((await app.post(`/api/billing-runs/${again}/cancel`, undefined, { token })).status, 409)
  await app.audit()
})

// Guarantee: a run that cannot be computed fails with its reason instead of hanging, shows nothing, and holds up no other.
test('a run that fails', async () => {
  const bad = await bigHouse(app.platform.pool, 2)
  const good = await bigHouse(app.platform.pool, 2)
  await app.platform.pool.query(
    `update housing.readings set value = 99999 where month = '2026-02-01' and meter_id in (select id from housing.meters where apartment_id = $1)`,
    [bad.first],
  )
  const huge = await b.tariff('cold_water', '99999999.9999', '2026-01', bad.house)
  const failing = (await start(bad.house)).body.id
  const working = (await start(good.house)).body.id
  const failed = await over(failing)
  assert.deepEqual([failed.status, failed.processed, failed.current], ['failed', 0, false])
  assert.match(failed.error, /overflow/)
  assert.equal((await over(working)).status, 'completed')
  await app.platform.pool.query('delete from housing.tariffs where id = $1', [huge])
  assert.equal((await b.bill(bad.house, '2026-02')).status, 'completed')
})

// Guarantee: a run whose house somebody holds is not given up, lets the runs of other houses pass, and ends when it is let go.
test('a run beside a held house', async () => {
  await using stack = new AsyncDisposableStack()
  const [held, free] = [await bigHouse(app.platform.pool, 3), await bigHouse(app.platform.pool, 3)]
  const holder = stack.adopt(new pg.Client({ connectionString: app.databaseUrl }), (c) => c.end())
  await holder.connect()
  await holder.query('begin')
  await holder.query('select from housing.houses where id = $1 for no key update', [held.house])
  const waiting = (await start(held.house)).body.id
  const passing = (await start(free.house)).body.id
  assert.equal((await over(passing)).status, 'completed')
  // Woken again and again, it would long have been tried too often.
  const waits = () =>
    app.logs.filter((line) => line.includes('waits for rows') && line.includes(`"run_id":${waiting}`)).length
  for (let n = 1; n <= 4; n++) {
    await eventually('it was tried', () => waits() >= n)
    await wake(app.platform.db as never, billingLoop.name)
  }
  assert.equal((await getRun(waiting)).status, 'queued')
  await holder.query('rollback')
  assert.equal((await over(waiting)).status, 'completed')
})

// Guarantee: a run counts by the tariffs of its start, whatever changes meanwhile; a reading corrected meanwhile counts in
// flats that are still to come, and the next run renews exactly the bills that it missed.
test('tariffs and readings that change during a run', async () => {
  const { house, first, last } = await bigHouse(app.platform.pool, 4500)
  const stop = await stopAt(
    app.databaseUrl,
    'housing.bills',
    'insert',
    `exists (select from housing.billing_runs where house_id = ${house} and processed > 0)`,
  )
  const { id } = (await start(house)).body
  await stop.reached()
  const changed = await app.post(
    '/api/tariffs',
    { service: 'hot_water', price: '300', valid_from: '2026-02', house },
    { token: admin },
  )
  assert.equal(changed.status, 201, changed.text)
  for (const flat of [first, last]) {
    const { rows } = await app.platform.pool.query(
      `select r.id, r.value from housing.readings r join housing.meters m on m.id = r.meter_id
       where m.apartment_id = $1 and m.kind = 'cold_water' and r.month = '2026-02-01'`,
      [flat],
    )
    const corrected = await app.patch(
      `/api/readings/${rows[0].id}`,
      { value: String(Number(rows[0].value) + 1) },
      { token: admin },
    )
    assert.equal(corrected.status, 200, corrected.text)
  }
  await stop.release()
  const run = await over(id)
  assert.equal(run.status, 'completed', run.error)
  const prices = await app.platform.pool.query(
    `select distinct l.price from housing.run_bills m join housing.bill_lines l on l.bill_id = m.bill_id where m.run_id = $1 and l.service = 'hot_water'`,
    [id],
  )
  assert.deepEqual(prices.rows, [{ price: '243.1600' }])
  const cold = async (flat: number) => (await b.billOf(flat, '2026-02')).lines[0].quantity
  const volumes = [await cold(first), await cold(last)]
  const { rows } = await app.platform.pool.query(
    'select min(id) id from housing.meters where apartment_id = any($1) group by apartment_id order by 1',
    [[first, last]],
  )
  const was = rows.map((r) => 3 + (r.id % 7))
  assert.deepEqual(volumes.map(Number), [was[0], was[1]! + 1])
  await app.platform.pool.query('delete from housing.tariffs where house_id = $1', [house])
  const again = await b.bill(house, '2026-02')
  assert.deepEqual([again.total - again.skipped, Number(await cold(first))], [1, was[0]! + 1])
  assert.deepEqual([(await b.billOf(first, '2026-02')).revision, (await b.billOf(last, '2026-02')).revision], [2, 1])
  const all = await app.get(`/api/apartments/${first}/bills?revisions=all`, { token: admin })
  assert.deepEqual(
    all.body.results.map((r: Json) => r.revision),
    [2, 1],
  )
})

// Guarantee: a flat that a run counts cannot be removed before it has its bill.
test('a flat during a run', async () => {
  const { house, last } = await bigHouse(app.platform.pool, 3)
  const { id: flat } = await addApartment(app, admin, house, { number: 'лишняя' })
  const stop = await stopAt(app.databaseUrl, 'housing.bills', 'insert')
  const { id } = (await start(house)).body
  await stop.reached()
  const refused = await app.delete(`/api/apartments/${flat}`, { token: admin })
  assert.deepEqual([refused.status, refused.body?.code], [409, 'housing.has_history'])
  await stop.release()
  const run = await over(id)
  assert.deepEqual([run.status, run.processed, flat > last], ['completed', 4, true], run.error)
})

// Guarantee: whoever watches a run sees it grow, never shrink, and end.
test('progress as events', async () => {
  const { house } = await bigHouse(app.platform.pool, 3500)
  const stop = await stopAt(app.databaseUrl, 'housing.run_chunks', 'insert')
  const { id } = (await start(house)).body
  const stream = await fetch(`${app.url}/api/billing-runs/${id}/events`, {
    headers: { authorization: `Bearer ${admin}` },
  })
  assert.equal(stream.headers.get('content-type')?.split(';')[0], 'text/event-stream')
  const text = stream.text()
  await stop.reached()
  await stop.release()
  const events = [...(await text).matchAll(/^data: (.*)$/gm)].map((m) => JSON.parse(m[1]!))
  assert.equal(events[0].status, 'queued')
  assert.deepEqual([events.at(-1).status, events.at(-1).processed, events.at(-1).progress], ['completed', 3500, 1])
  events.reduce((before, now) => {
    assert.ok(now.processed >= before.processed && now.progress >= before.progress)
    return now
  })
})

// Guarantee: of publications at once one happens: every flat is charged once, and the readings of the month are closed.
test('publish at once', async () => {
  const { house, first } = await bigHouse(app.platform.pool, 30)
  const run = await b.bill(house, '2026-02')
  const path = `/api/billing-runs/${run.id}/publish`
  const answers = await Promise.all(Array.from({ length: 5 }, () => app.post(path, undefined, { token: admin })))
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, 409, 409, 409, 409])
  const { rows } = await app.platform.pool.query(
    `select count(*) n, sum(e.amount) sum from housing.entries e join housing.apartments a on a.id = e.apartment_id where a.house_id = $1`,
    [house],
  )
  assert.deepEqual([rows[0].n, rows[0].sum], [30, run.amount])
  const reading = await app.platform.pool.query(
    `select r.id from housing.readings r join housing.meters m on m.id = r.meter_id where m.apartment_id = $1 and r.month = '2026-02-01'`,
    [first],
  )
  const closed = await app.patch(`/api/readings/${reading.rows[0].id}`, { value: '500' }, { token: admin })
  assert.equal(closed.status, 409, closed.text)
  // A run of it again is a revision, and cannot be published a second time.
  const revision = await b.bill(house, '2026-02')
  assert.equal(revision.skipped, 30)
  const second = await app.post(`/api/billing-runs/${revision.id}/publish`, undefined, { token: admin })
  assert.deepEqual([second.status, second.body.code], [409, 'housing.month_published'])
  // Nor is a month published while a run of it is under way.
  const other = await bigHouse(app.platform.pool, 2)
  const done = await b.bill(other.house, '2026-02')
  const stop = await stopAt(app.databaseUrl, 'housing.run_chunks', 'insert')
  const { id } = (await start(other.house)).body
  await stop.reached()
  const early = await app.post(`/api/billing-runs/${done.id}/publish`, undefined, { token: admin })
  assert.equal(early.body.code, 'housing.run_in_progress')
  await stop.release()
  await over(id)
  assert.equal(
    (await app.post(`/api/billing-runs/${done.id}/publish`, undefined, { token: admin })).body.code,
    'housing.run_not_current',
  )
})

// Guarantee: a town is one call: every house gets a run, and their progress together ends at 1.
test('a whole town', async () => {
  const before = (await app.get('/api/houses?page_size=1', { token: admin })).body.count
  const started = await app.post('/api/billing-runs', { month: '2026-01' }, { token: admin })
  assert.deepEqual([started.status, started.body.started, started.body.houses], [202, before, before])
  const done = await eventually('the town is done', async () => {
    const { body } = await app.get('/api/billing-runs/progress?month=2026-01', { token: admin })
    return body.statuses.completed === before && body
  })
  assert.deepEqual([done.progress, done.processed], [1, done.total])
  const runs = await app.get('/api/billing-runs?month=2026-01&status=completed&page_size=1', { token: admin })
  assert.ok(runs.body.count >= before && runs.body.next)
})

// Guarantee: the comparison puts the largest differences first, the list of a house is by flat, and the CSV holds each flat.
test('looking at a month', async () => {
  const house = await addHouse(app, admin)
  for (const [number, last] of [
    ['1', 12],
    ['2', 13],
    ['=3', 50],
  ] as const) {
    const flat = await addApartment(app, admin, house.id, { number, area: 10 })
    await b.meter(flat.id, {}, { '2025-12': '0', '2026-01': '10', '2026-02': String(last) })
  }
  await b.bill(house.id, '2026-01')
  const run = await b.bill(house.id, '2026-02')
  const compared = await app.get(`/api/billing-runs/${run.id}/comparison?page_size=2`, { token: admin })
  assert.deepEqual(
    [compared.body.count, compared.body.results.map((r: Json) => [r.number, r.difference])],
    [
      3,
      [
        ['=3', '1527.90'],
        ['1', '-407.44'],
      ],
    ],
  )
  const numbers: string[] = []
  for (let next = `/api/houses/${house.id}/bills?month=2026-02&page_size=2`; next; ) {
    const { body } = await app.get(next, { token: admin })
    numbers.push(...body.results.map((r: Json) => r.number))
    next = body.next
  }
  assert.deepEqual(numbers, ['1', '2', '=3'])
  const csv = await app.get(`/api/houses/${house.id}/bills.csv?month=2026-02`, { token: admin })
  const lines = csv.text.trim().split('\r\n')
  assert.equal(
    lines[0],
    'number,account,area,cold_water,hot_water,maintenance,recalculation,total,opening_balance,to_pay,status,revision',
  )
  assert.match(lines[3]!, /^'=3,T-\d+,10\.00,2037\.20,0\.00,311\.40,0\.00,2348\.60,0\.00,2348\.60,issued,1$/)
  assert.equal(lines.length, 4)
})
