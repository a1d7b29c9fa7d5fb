import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { modules } from '../src/app.ts'
import { auditModules } from '../src/audit.ts'
import { bigHouse, stopAt } from './billing.ts'
import { cloneDatabase, eventually, startProcess } from './harness.ts'
import { size } from './size.ts'

const flats = size(6000, 100_000)
const randomKills = size(2, 10)

/** Where a run is killed: a table that it changes, and when. */
const points: [name: string, table: string, event: string, condition: string][] = [
  ['before its flats are frozen', 'housing.run_chunks', 'insert', 'true'],
  ['before the first bill', 'housing.bills', 'insert', 'true'],
  [
    'between bills and lines of a later chunk',
    'housing.bill_lines',
    'insert',
    'exists (select from housing.billing_runs where processed > 0)',
  ],
  ['between the bills and the progress', 'housing.billing_runs', 'update', `exists (select from housing.run_bills)`],
]

// Guarantee: a run that is killed (-9) at each named point and again at random goes on by itself in two workers, its progress
// never goes back, nobody is billed twice, and its bills and lines equal those of an undisturbed run, in every column but
// ids, times and the run.
test('kill -9 during a run', { timeout: size(300_000, 3_600_000) }, async () => {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const pool = stack.adopt(new pg.Pool({ connectionString: database.url, max: 3 }), (p) => p.end())
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-run-')), (f) =>
    rmSync(f, { recursive: true, force: true }),
  )
  const settings = { DATABASE_URL: database.url, DATABASE_POOL: '4', CACHE_URL: 'off' }
  await pool.query(`insert into housing.tariffs (service, price, valid_from) values
    ('cold_water', 50.93, '2025-01-01'), ('hot_water', 243.16, '2025-01-01'), ('maintenance', 31.14, '2025-01-01')`)
  const { house } = await bigHouse(pool, flats)
  // Some are incomplete, and some have a line more.
  await pool.query(`delete from housing.readings where month = '2026-02-01' and meter_id % 11 = 0`)
  await pool.query(`insert into housing.recalculations (apartment_id, amount, reason)
    select id, -1.5, 'проверка' from housing.apartments where id % 7 = 0`)

  const startRun = async (): Promise<number> =>
    (
      await pool.query(`insert into housing.billing_runs (house_id, month) values ($1, '2026-02-01') returning id`, [
        house,
      ])
    ).rows[0].id
  let highest = 0
  const look = async (id: number) => {
    const { rows } = await pool.query(
      'select status, processed, total, error from housing.billing_runs where id = $1',
      [id],
    )
    assert.ok(rows[0].processed >= highest, `progress went back from ${highest} to ${rows[0].processed}`)
    highest = rows[0].processed
    return rows[0]
  }
  const over = (id: number) =>
    eventually(
      'the run is over',
      async () => {
        const run = await look(id)
        assert.notEqual(run.status, 'failed', run.error)
        return run.status === 'completed'
      },
      size(60_000, 600_000),
    )
  /** A worker; the leases of one that was killed would hold it up for their term. */
  const work = async () => {
    await pool.query('delete from platform.leases')
    return stack.use(await startProcess(['worker'], { ...settings, DATA_DIR: folder }))
  }
  const picture = async (id: number) =>
    (
      await pool.query(
        `select md5(string_agg(line, ';' order by apartment_id)) whole, count(*)::int n, count(distinct apartment_id)::int flats from (
           select m.apartment_id, row(m.incomplete, b.month, b.revision, b.area, b.status, b.total, b.issues)::text ||
             (select coalesce(string_agg(row(l.position, l.service, l.quantity, l.price, l.amount, l.method, l.meter_id, l.previous,
                l.current, l.carried, l.recalculation_id)::text, ',' order by l.position), '') from housing.bill_lines l where l.bill_id = b.id) line
           from housing.run_bills m join housing.bills b on b.id = m.bill_id where m.run_id = $1) x`,
        [id],
      )
    ).rows[0]
  const undisturbed = await startRun()
  let worker = await work()
  await over(undisturbed)
  const expected = await picture(undisturbed)
  assert.deepEqual([expected.n, expected.flats], [flats, flats])
  const kill = async () => {
    worker.kill('SIGKILL')
    await worker.exited
  }
  await kill()

  // Without the checks of foreign keys, which have no index to look into.
  await pool.query(`set session_replication_role = replica; delete from housing.bill_lines; delete from housing.run_chunks;
    delete from housing.bills; delete from housing.billing_runs; reset session_replication_role`)
  highest = 0
  const run = await startRun()
  for (const [name, table, event, condition] of points) {
    const stop = await stopAt(database.url, table, event, condition)
    worker = await work()
    await stop.reached(60_000)
    await kill()
    await stop.release()
    assert.notEqual((await look(run)).status, 'completed', `killed ${name}`)
  }
  const end = await stopAt(
    database.url,
    'housing.billing_runs',
    'update',
    `exists (select from housing.billing_runs where status = 'running' and processed = total)`,
  )
  for (let i = 0; i < randomKills; i++) {
    worker = await work()
    const from = highest
    await eventually('it goes on', async () => (await look(run)).processed > from || highest === flats, 60_000)
    await new Promise((done) => setTimeout(done, Math.random() * 200))
    await kill()
  }
  worker = await work()
  await end.reached(size(60_000, 600_000))
  await kill()
  await end.release()
  assert.equal((await look(run)).status, 'running')
  await Promise.all([work(), work()])
  await over(run)
  const { whole, n, flats: different } = await picture(run)
  assert.deepEqual({ whole, n, flats: different }, expected)
  const { rows } = await pool.query('select count(*)::int bills from housing.bills where run_id = $1', [run])
  assert.equal(rows[0].bills, flats, 'nobody is billed twice')
  assert.deepEqual(
    (await auditModules({ pool }, modules)).filter((r) => r.broken),
    [],
  )
})
