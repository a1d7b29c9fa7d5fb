import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import { bigHouse } from '../test/billing.ts'
import { client, eventually, startProcess } from '../test/harness.ts'
import { type caller, pace } from './measure.ts'

const flats = 20_000
const insertOnly = `
  with made as (
    insert into housing.bills (run_id, apartment_id, month, revision, area, status, total, issues)
    select $2, apartment_id, $1::date, revision, area, status, total, issues from public.bench_bills
    returning id, apartment_id)
  insert into housing.bill_lines (bill_id, position, service, quantity, price, method, meter_id, previous, current, carried)
  select m.id, l.position, l.service, l.quantity, l.price, l.method, l.meter_id, l.previous, l.current, l.carried
  from public.bench_lines l join made m using (apartment_id)`

/**
 * The monthly run of a large house, by HTTP and a worker as in use, beside one INSERT … SELECT of the same bills and lines;
 * and what an API call takes while it goes on. Each measures a month that has no bills yet.
 */
export async function prepareBilling(
  pool: pg.Pool,
  api: { url: string; product: ReturnType<typeof caller>; headers: Record<string, string> },
  settings: Record<string, string>,
) {
  const worker = await startProcess(['worker'], settings)
  await pool.query(`insert into housing.tariffs (service, price, valid_from) values
    ('cold_water', 50.93, '2000-01-01'), ('hot_water', 243.16, '2000-01-01'), ('maintenance', 31.14, '2000-01-01')`)
  const { house } = await bigHouse(pool, flats)
  await pool.query(`
    insert into housing.readings (meter_id, month, value)
    select m.id, '2026-02-01'::date + make_interval(months => n), 200 + n * 3.123 + m.id % 7 * n
    from housing.meters m, generate_series(1, 24) n`)
  let month = 0
  const nextMonth = () => new Date(Date.UTC(2026, 1 + ++month, 1)).toISOString().slice(0, 7)
  const http = client(api.url)
  const start = async () => {
    const answer = await http.post(
      `/api/houses/${house}/billing-runs`,
      { month: nextMonth() },
      { headers: api.headers },
    )
    if (answer.status !== 202) throw new Error(answer.text)
    return answer.body.id as number
  }
  const over = (id: number) =>
    eventually(
      'the run is over',
      async () => {
        const { rows } = await pool.query('select status from housing.billing_runs where id = $1', [id])
        if (rows[0].status === 'failed') throw new Error('the run failed')
        return rows[0].status === 'completed'
      },
      300_000,
    )
  const first = await start()
  await over(first)
  await pool.query(`create table public.bench_bills as select * from housing.bills where run_id = ${first}`)
  await pool.query(
    `create table public.bench_lines as select l.*, b.apartment_id from housing.bill_lines l join public.bench_bills b on b.id = l.bill_id`,
  )
  await pool.query('analyze')
  let bareMonth = 0

  const read = () => api.product.call('GET', `/api/houses/${house}/billing-runs?page_size=5`, 200, api.headers)
  return {
    flatsPerSecond: async () => {
      const began = performance.now()
      await over(await start())
      return flats / ((performance.now() - began) / 1000)
    },
    insertOnly: async () => {
      const month = `${1900 + bareMonth++}-01-01`
      const { rows } = await pool.query(
        `insert into housing.billing_runs (house_id, month, status) values ($1, $2, 'cancelled') returning id`,
        [house, month],
      )
      const began = performance.now()
      await pool.query(insertOnly, [month, rows[0].id])
      return flats / ((performance.now() - began) / 1000)
    },
    answersDuring: async () => pace(read, over(await start())),
    answersWithout: () => pace(read, new Promise((done) => setTimeout(done, 3000))),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}
