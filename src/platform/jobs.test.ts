import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { cloneDatabase, eventually, logInAdmin, person, startApp } from '../../test/harness.ts'
import { createPool } from './connections.ts'
import { createDb, transaction } from './database.ts'
import { countJobs, type JobKind, migrateJobs, openJobs } from './jobs.ts'
import { createLogger } from './log.ts'

const log = createLogger({ LOG_LEVEL: 'silent', LOG_FORMAT: 'json' })
let database: Awaited<ReturnType<typeof cloneDatabase>>
let pool: ReturnType<typeof createPool>
before(async () => {
  database = await cloneDatabase()
  pool = createPool(database.url, 4, log)
})
after(async () => {
  await pool.end()
  await database.drop()
})

/** A worker over kinds of the test's own. */
async function startJobs(kinds: Record<string, JobKind<object>>) {
  await migrateJobs(database.url, kinds as never)
  const jobs = await openJobs<object>({ url: database.url, kinds, log, timeZone: 'UTC', concurrency: 2, worker: true })
  const db = createDb(pool)
  return {
    ...jobs,
    enqueue: (kind: string, ...data: object[]) => transaction(db, (tx) => jobs.enqueue(tx, kind, data)),
    live: async (name: string) => {
      const { waiting, active } = (await jobs.queues()).find((q) => q.name === name)!
      return waiting + active
    },
    async [Symbol.asyncDispose]() {
      await jobs.drain(5000)
      await jobs.close()
    },
  }
}

// Guarantee: of a kind with a key at most one job with that key waits, rests after a failure or runs; then the next may come.
test('one live job a key', async () => {
  const gates: (() => void)[] = []
  const done: string[] = []
  let fails = true
  await migrateJobs(database.url, { 'test.keyed': { handle: async () => [] } })
  await using jobs = await startJobs({
    'test.keyed': {
      key: ({ order }: { order: string }) => order,
      retryDelay: 3,
      handle: async (_: object, [job]: { data: { order: string } }[]) => {
        await new Promise<void>((open) => gates.push(open))
        if (fails) return [new Error('not yet')]
        done.push(job!.data.order)
        return [undefined]
      },
    } as never,
  })
  await jobs.enqueue('test.keyed', { order: 'b' }, { order: 'a' }, { order: 'b' })
  await jobs.enqueue('test.keyed', { order: 'a' })
  assert.equal(await jobs.live('test.keyed'), 2)

  await jobs.work({})
  await eventually('both run', () => gates.length === 2)
  await jobs.enqueue('test.keyed', { order: 'a' }, { order: 'b' })
  assert.equal(await jobs.live('test.keyed'), 2)

  for (const open of gates.splice(0)) open()
  await eventually('both rest', async () => {
    const { rows } = await pool.query(`select from pgboss.job where name = 'test.keyed' and state = 'retry'`)
    return rows.length === 2
  })
  fails = false
  await jobs.enqueue('test.keyed', { order: 'a' }, { order: 'b' })
  assert.equal(await jobs.live('test.keyed'), 2)

  await eventually('both run again', () => gates.length === 2)
  for (const open of gates.splice(0)) open()
  await eventually('both are done', async () => (await jobs.live('test.keyed')) === 0)
  await jobs.enqueue('test.keyed', { order: 'a' })
  await eventually('the next one runs', () => gates.length === 1)
  gates[0]!()
  await eventually('it is done', () => done.length === 3)
  assert.deepEqual(done.sort(), ['a', 'a', 'b'])
})

// Guarantee: when a job has failed for good its kind is told, until it has taken note, and then no more.
test('a kind is told of a job that failed for good', async () => {
  const told: unknown[] = []
  await using jobs = await startJobs({
    'test.fails': {
      retryLimit: 0,
      handle: async () => [new Error('no luck today')],
      spent: async (_: object, data: object, error: string | null) => {
        told.push([data, error])
        if (told.length === 1) throw new Error('not now')
      },
    } as never,
  })
  await jobs.work({})
  await jobs.enqueue('test.fails', { run: 7 })
  await eventually('it is dead', async () => (await jobs.failed({ limit: 1, offset: 0, direction: 'asc' })).count)
  const [loop] = jobs.loops
  const { signal } = new AbortController()
  await assert.rejects(loop!.run({}, signal), /test.fails could not take note/)
  await loop!.run({}, signal)
  await loop!.run({}, signal)
  assert.deepEqual(told, Array(2).fill([{ run: 7 }, 'no luck today']))
  assert.equal((await jobs.failed({ limit: 1, offset: 0, direction: 'asc' })).count, 1, 'it can still be sent again')
})

// Guarantee: so it is when the worker was killed in the middle of the last try.
test('a kind is told of a job whose worker was killed at its last try', async () => {
  const told: unknown[] = []
  await using jobs = await startJobs({
    'test.deadly': {
      retryLimit: 0,
      handle: async () => [],
      spent: async (_: object, data: object) => void told.push(data),
    } as never,
  })
  await jobs.enqueue('test.deadly', { run: 8 })
  const child = spawn(process.execPath, ['test/job-process.ts', database.url], { stdio: 'inherit' })
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL')
  await eventually(
    'its kind is told',
    async () => {
      await jobs.loops[0]!.run({}, new AbortController().signal)
      return told.length
    },
    90_000,
  )
  assert.deepEqual(told, [{ run: 8 }])
})

// Guarantee: a stop gives a handler some of its time, then aborts its signal, waits for it, and no longer.
test('a stop aborts the signals of jobs', async () => {
  let state = ''
  const jobs = await startJobs({
    'test.long': {
      handle: async (_: object, [job]: { signal: AbortSignal }[]) => {
        state = 'runs'
        await new Promise((done) => job!.signal.addEventListener('abort', done, { once: true }))
        state = 'stopped'
        return [undefined]
      },
    } as never,
  })
  await jobs.work({})
  await jobs.enqueue('test.long', {})
  await eventually('it runs', () => state)
  const began = performance.now()
  await jobs.drain(30_000, 500)
  await jobs.close()
  assert.equal(state, 'stopped')
  assert.ok(performance.now() - began < 25_000, 'the queue itself gives up at the end')
})

// Guarantee: counting the jobs reads those that live and those that are dead, however many are finished.
test('counting jobs does not read what is finished', async () => {
  await pool.query(`
    insert into pgboss.job (name, state, completed_on, policy)
    select 'collects.payment_mail', 'completed', now(), 'standard' from generate_series(1, 20000)`)
  await pool.query('analyze pgboss.job')
  const { rows } = await pool.query(`explain (analyze, buffers, format json) ${countJobs}`, [
    ['collects.payment_mail', 'shop.document'],
  ])
  const plan = JSON.stringify(rows)
  assert.doesNotMatch(plan, /"Seq Scan"/)
  const read = rows[0]['QUERY PLAN'][0].Plan['Shared Hit Blocks'] + rows[0]['QUERY PLAN'][0].Plan['Shared Read Blocks']
  assert.ok(read < 100, `${read} blocks`)
})

// Guarantee: an administrator sees kinds in words, and sends all failed jobs of a kind again at once; others may not.
test('the failed jobs of a kind are sent again', async () => {
  await using app = await startApp({ MAIL_URL: 'smtp://127.0.0.1:1' })
  const token = await logInAdmin(app)
  const anna = await person(app)
  await app.platform.pool.query('update pgboss.queue set retry_limit = 0')
  const collect = { title: 'Скамейка', description: 'Для двора', occasion: 'charity', ends_at: '2999-01-01T00:00:00Z' }
  for (let i = 0; i < 3; i++) await app.post('/api/collects', collect, { token: anna.token })
  const queue = 'collects.created_mail'
  const rowOf = async (language: string) => {
    const { body } = await app.get('/api/admin/jobs', { token, headers: { 'accept-language': language } })
    return body.queues.find((q: { name: string }) => q.name === queue)
  }
  await eventually('three are dead', async () => (await rowOf('ru')).failed === 3)
  assert.equal((await rowOf('ru')).title, 'Письма об открытии сбора')
  assert.equal((await rowOf('en')).title, 'Letters about new collects')
  assert.equal((await app.post('/api/admin/jobs/retry', { queue }, { token: anna.token })).status, 403)
  assert.equal((await app.post('/api/admin/jobs/retry', { queue: 'nobody.knows' }, { token })).status, 400)
  const sent = await app.post('/api/admin/jobs/retry', { queue }, { token })
  assert.deepEqual([sent.status, sent.body], [200, { count: 3 }])
  assert.deepEqual((await app.post('/api/admin/jobs/retry', { queue: 'shop.document' }, { token })).body, { count: 0 })
  await eventually('they failed again', async () => (await rowOf('ru')).failed === 3)
  const { rows } = await app.platform.pool.query(
    `select after from platform.audit_log where action = 'platform.retry_job'`,
  )
  assert.deepEqual(rows, [{ after: { queue, count: 3 } }])
})
