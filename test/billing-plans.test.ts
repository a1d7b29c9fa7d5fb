import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Billing, bigHouse, billingOf } from './billing.ts'
import { type Json, logInAdmin, startApp, type TestApp } from './harness.ts'

const flats = 20_000
const connections = 4
let app: TestApp
let admin: string
let b: Billing
let house: number
let flat: number
let run: Json
before(async () => {
  app = await startApp({ DATABASE_POOL: String(connections) })
  admin = await logInAdmin(app)
  b = billingOf(app, admin)
  await b.tariff('maintenance', '31.14', '2025-01')
  const made = await bigHouse(app.platform.pool, flats)
  house = made.house
  flat = made.first
  await b.tariff('cold_water', '50.93', '2025-01')
  await b.tariff('hot_water', '243.16', '2025-01')
  await app.platform.pool.query(`delete from housing.readings where month = '2026-02-01' and meter_id % 5000 = 0`)
  run = await b.bill(house, '2026-02')
  await b.publish(run)
  await app.platform.pool.query('analyze')
})
after(async () => {
  await app.audit()
  await app[Symbol.asyncDispose]()
})

/** Rows that the server read from housing's tables while it answered, by the counters of PostgreSQL itself. */
async function rowsRead(path: string): Promise<number> {
  const count = async () => {
    const { rows } = await app.platform.pool.query(
      `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 n from pg_stat_user_tables where schemaname = 'housing'`,
    )
    return Number(rows[0].n)
  }
  // A backend tells its counts when it is asked to; holding all connections at once reaches each of them.
  const settle = async () => {
    const held = await Promise.all(Array.from({ length: connections }, () => app.platform.pool.connect()))
    await Promise.all(held.map((client) => client.query('select pg_stat_force_next_flush()')))
    for (const client of held) client.release()
  }
  await settle()
  const before = await count()
  const answer = await app.get(path, { token: admin })
  assert.equal(answer.status, 200, answer.text)
  await settle()
  return (await count()) - before
}

// Guarantee: of a house with very many flats a page of a list, the detail of a bill and a statement read a few rows of the
// page, and never the house: the statements that really run are counted, not their plans guessed.
test('lists read what they show', async () => {
  const { id } = await b.billOf(flat, '2026-02')
  const second = (await app.get(`/api/houses/${house}/bills?month=2026-02`, { token: admin })).body.next
  for (const path of [
    second,
    `/api/apartments/${flat}/bills`,
    `/api/bills/${id}`,
    `/api/apartments/${flat}/statement`,
    `/api/apartments/${flat}/recalculations`,
    `/api/billing-runs/${run.id}`,
    `/api/billing-runs/${run.id}/incomplete`,
    `/api/houses/${house}/billing-runs`,
  ]) {
    const read = await rowsRead(path)
    assert.ok(read < 2000, `${path} reads ${read} rows`)
  }
})

// Guarantee: what is said of a whole house reads each of its flats a few times, however long their history is: the sum of
// all debts, and the largest differences of a run. The page beside them adds its own rows only.
test('lists that sum or sort a house read it once', async () => {
  for (const [path, times] of [
    [`/api/houses/${house}/debtors?page_size=20`, 1],
    [`/api/billing-runs/${run.id}/comparison?page_size=20`, 5],
  ] as const) {
    const read = await rowsRead(path)
    assert.ok(read < times * flats + 2000, `${path} reads ${read} rows`)
  }
})
