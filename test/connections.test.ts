import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { modules } from '../src/app.ts'
import { startEmbeddedPostgres } from '../src/embedded-postgres/start.ts'
import { migrateJobs } from '../src/platform/jobs.ts'
import { createLogger } from '../src/platform/log.ts'
import { migrate } from '../src/platform/migrate.ts'
import { type Answer, eventually, person, startApp } from './harness.ts'

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
const codes = (answers: Answer[]) => [...new Set(answers.map((a) => a.body?.code ?? a.status))].sort()

// Guarantee: work that keeps every thread of the process for long (hashing, images) keeps nobody from the database, for
// its connections are open before they are needed.
test('busy threads are not an absent database', { skip: process.platform === 'win32' }, async () => {
  await using app = await startApp()
  // Who opens a pipe that nobody writes to waits in a thread.
  const pipe = join(app.folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const threads = Array.from({ length: 16 }, () => open(pipe))
  const answers = await Promise.all(Array.from({ length: 40 }, () => app.get('/api/organisation')))
  const writer = openSync(pipe, 'r+')
  for (const handle of await Promise.all(threads)) await handle.close()
  closeSync(writer)
  assert.deepEqual(codes(answers), [200])
})

// Guarantee: who finds no free connection is told that we are busy, within seconds, and not that the database is away.
test('no free connection is busy, not away', async () => {
  await using app = await startApp()
  const anna = await person(app)
  const held = await Promise.all(Array.from({ length: 10 }, () => app.platform.pool.connect()))
  const began = performance.now()
  const refused = await app.get('/api/payments', { token: anna.token })
  assert.deepEqual([refused.status, refused.body.code], [503, 'request.busy'])
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.ok(performance.now() - began < 10_000)
  const patient = app.get('/api/payments', { token: anna.token })
  for (const client of held) client.release()
  assert.equal((await patient).status, 200)
})

// Guarantee: neither the loss of the connection that watches nor seconds in which this process itself stood still make it
// cut off a database that is well.
test('a database that is well is not cut off', async () => {
  await using app = await startApp()
  const { pool } = app.platform
  const watchers = `select pid from pg_stat_activity where datname = current_database() and application_name = 'dvor watch'`
  await eventually('it is watched', async () => (await pool.query(watchers)).rows.length === 1)
  const [{ pid }] = (await pool.query(watchers)).rows
  const long = pool.query('select pg_sleep(6)')
  await pool.query(`select pg_terminate_backend($1)`, [pid])
  await eventually('it is watched anew', async () => {
    const { rows } = await pool.query(watchers)
    return rows.length === 1 && rows[0].pid !== pid
  })
  // This process stands still.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500)
  await long
  assert.deepEqual(
    app.logs.filter((l) => l.includes('the database is away')),
    [],
  )
})

// Guarantee: while a row is locked by somebody, those who want to change it are told in a few seconds that it is busy, however
// many they are, and everybody else is served meanwhile.
test('a locked row holds nobody but those who want it', async () => {
  await using app = await startApp()
  const anna = await person(app)
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  const other = (await app.post('/api/collects', collect, { token: anna.token })).body.id
  const locker = new pg.Client({ connectionString: app.databaseUrl })
  await locker.connect()
  try {
    await locker.query('begin')
    await locker.query('select from collects.collects where id = $1 for update', [id])
    const began = performance.now()
    let waiting = 24
    const changes = Array.from({ length: waiting }, async () => {
      const answer = await app.patch(`/api/collects/${id}`, { title: 'Другая' }, { token: anna.token })
      waiting--
      return { answer, ms: performance.now() - began }
    })
    await eventually('the pool is full', () => app.platform.pool.waitingCount > 0)
    let reads = 0
    while (waiting > 12) {
      for (const path of ['/api/collects', `/api/collects/${id}`, `/api/collects/${other}`, '/health/ready']) {
        assert.equal((await app.get(path)).status, 200, path)
        reads++
      }
    }
    // Behind the changes a read would wait for 2 s.
    assert.ok(reads > 4)
    for (const { answer, ms } of await Promise.all(changes)) {
      assert.deepEqual([answer.status, answer.body.code], [503, 'request.busy'])
      assert.ok(ms < 10_000, `${ms} ms`)
    }
    const paid = await app.post('/api/payments', { collect: other, amount: 1 }, { token: anna.token })
    assert.equal(paid.status, 201)
  } finally {
    await locker.end()
  }
  assert.equal((await app.patch(`/api/collects/${id}`, { title: 'Ель' }, { token: anna.token })).status, 200)
})

// Guarantee: while no standby confirms, a COMMIT is not waited for longer than 10 s: its caller hears 503, reads go on,
// and the process says that it is not ready; a retry with the key, once the standby is back, does the change once.
test('a commit that nobody confirms', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-sync-')), (f) =>
    rmSync(f, { recursive: true, force: true }),
  )
  chmodSync(folder, 0o755)
  const log = createLogger({ LOG_LEVEL: 'warn', LOG_FORMAT: 'pretty' })
  const server = stack.adopt(await startEmbeddedPostgres({ dataDir: folder, fast: true, log }), (s) => s.stop())
  await migrate(server.url)
  await migrateJobs(server.url, Object.assign({}, ...modules.map((m) => m.jobs ?? {})))
  const app = stack.use(await startApp({}, { databaseUrl: server.url, worker: false }))
  const anna = await person(app)
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  assert.equal((await app.get('/health/ready')).status, 200)
  const setStandby = async (name: string) => {
    await app.platform.pool.query(`alter system set synchronous_standby_names = '${name}'`)
    await app.platform.pool.query('select pg_reload_conf()')
    await eventually(
      'the setting counts',
      async () =>
        (await app.platform.pool.query('show synchronous_standby_names')).rows[0].synchronous_standby_names === name,
    )
  }
  await setStandby('nobody')
  await eventually('it is not ready', async () => (await app.get('/health/ready')).status === 503)
  const began = performance.now()
  const pay = () =>
    app.post('/api/payments', { collect: id, amount: 5 }, { token: anna.token, headers: { 'idempotency-key': 'k' } })
  const calls = [pay(), app.patch(`/api/collects/${id}`, { title: 'Ель' }, { token: anna.token })]
  assert.equal((await app.get(`/api/collects/${id}`)).status, 200)
  for (const answer of await Promise.all(calls)) assert.equal(answer.status, 503, answer.text)
  assert.ok(performance.now() - began < 20_000)
  await setStandby('')
  await eventually('it is ready again', async () => (await app.get('/health/ready')).status === 200)
  assert.equal((await eventually('paid', async () => ((await pay()).status === 201 ? pay() : undefined))).status, 201)
  const seen = (await app.get(`/api/collects/${id}`)).body
  assert.deepEqual([seen.collected_amount, seen.payments_count], ['5.00', 1])
})
