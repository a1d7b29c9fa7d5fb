import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, logInAdmin, person, startApp } from '../../test/harness.ts'
import { size } from '../../test/size.ts'
import { demonstrate } from './demo.ts'
import { seed } from './seed.ts'

const flats = size(1000, 100_000)

// Guarantee: a seeded town is sound: every flat with two meters and their months of readings, tariffs that are valid in
// all of them; its lists are read by index.
test('a seeded town is sound', { timeout: 1_200_000 }, async () => {
  await using app = await startApp({}, { worker: false })
  const began = performance.now()
  const context = { locale: 'ru', seed: 7, progress: () => {} } as const
  await seed.run(app.platform, { houses: 10, apartments: flats, months: 24 }, context)
  process.stderr.write(`${flats} flats seeded in ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  const { rows } = await app.platform.pool.query(`
    select (select count(*) from housing.apartments) apartments, (select count(*) from housing.meters) meters,
      (select count(*) from housing.readings) readings, (select count(distinct month) from housing.readings) months,
      (select count(*) from housing.tariffs where valid_from <= (select min(month) from housing.readings)) tariffs,
      (select avg(value) from (select r.value - lag(r.value) over (partition by meter_id order by month) as value from housing.readings r) v)::float8 mean`)
  const [{ apartments, meters, readings, months, tariffs, mean }] = rows
  assert.deepEqual([apartments, meters, months, tariffs], [flats, 2 * flats, 24, 3])
  assert.ok(readings > 47.8 * flats && readings < 48 * flats, String(readings))
  assert.ok(mean > 3 && mean < 6, String(mean))
  await app.audit()
  const token = await logInAdmin(app)
  const houses = await app.get('/api/houses', { token })
  assert.deepEqual([houses.body.count, houses.body.results[0].apartments_count], [10, flats / 10])
  const { rows: plan } = await app.platform.pool.query(`
    explain select a.id from housing.apartments a where a.house_id = ${houses.body.results[0].id}
      and (a.number collate platform.natural, a.id) > ('50', 1) order by a.number collate platform.natural, a.id limit 20`)
  // Both the house and the place of the page are looked up in the index.
  assert.match(JSON.stringify(plan), /apartments_order_idx.*Index Cond: \(\(house_id = \d+\) AND \(ROW\(/)
})

// Guarantee: the demonstration has two published months and one to do in each house, mostly paid, and its invariants hold.
test('the demonstration bills as an office would', async () => {
  await using app = await startApp()
  const anna = await person(app)
  await seed.run(app.platform, { houses: 3, apartments: 30, months: 12 }, { locale: 'ru', seed: 7, progress: () => {} })
  await demonstrate(app.platform)
  const token = await logInAdmin(app)
  const runs = (await app.get('/api/billing-runs?page_size=100', { token })).body.results
  assert.equal(runs.length, 6)
  assert.ok(runs.every((run: Json) => run.status === 'completed' && run.published_at))
  const { rows } = await app.platform.pool.query(`
    select (select max(month) from housing.readings) > (select max(month) from housing.bills) open,
      count(*) filter (where balance > 0)::int owing, count(*) filter (where balance = 0)::int even from housing.apartments`)
  assert.ok(rows[0].open && rows[0].owing >= 6 && rows[0].even >= 15, JSON.stringify(rows[0]))
  const own = (await app.get('/api/houses', { token: anna.token })).body.results
  assert.equal(own.length, 1)
  await app.audit()
})
