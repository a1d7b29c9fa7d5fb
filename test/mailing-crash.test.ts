import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { modules } from '../src/app.ts'
import { auditModules } from '../src/audit.ts'
import { stopAt } from './billing.ts'
import { countsOf, makeMailing, startGateway } from './gateway.ts'
import { cloneDatabase, eventually, startProcess } from './harness.ts'
import { proving, size } from './size.ts'

const concurrency = 16

/** A database and a gateway, and workers over them as processes of their own. */
async function stage(settings: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const pool = stack.adopt(new pg.Pool({ connectionString: database.url, max: 3 }), (p) => p.end())
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-send-')), (f) =>
    rmSync(f, { recursive: true, force: true }),
  )
  const gateway = stack.use(await startGateway())
  /** The leases and calls of one that was killed would hold it up for their term. */
  const work = async () => {
    await pool.query("delete from platform.leases; delete from mailings.senders where seen_at < now() - interval '1 s'")
    return stack.use(
      await startProcess(['worker'], {
        DATABASE_URL: database.url,
        DATABASE_POOL: '4',
        CACHE_URL: 'off',
        DATA_DIR: folder,
        GATEWAY_URL: gateway.url,
        GATEWAY_CONCURRENCY: String(concurrency),
        GATEWAY_TIMEOUT_MS: '2000',
        ...settings,
      }),
    )
  }
  /** Two workers that are ready, and a mailing that begins for both and ends so soon after; says when. */
  const begin = async (messages: number, ends: string) => {
    const mailing = await makeMailing(pool, messages, { ends: '1 hour' }, true)
    const workers = await Promise.all([work(), work()])
    await eventually('both are ready', () => workers.every((w) => w.output().includes('the worker is ready')))
    const { rows } = await pool.query(
      `update mailings.mailings set paused_at = null, ends_at = clock_timestamp() + $2::interval where id = $1 returning ends_at`,
      [mailing, ends],
    )
    await pool.query(`select pg_notify('dvor', 'loop mailings.sender'), pg_notify('dvor', 'loop mailings.clock')`)
    return { workers, mailing, end: rows[0].ends_at.getTime() }
  }
  const over = (mailing: number, timeoutMs: number) =>
    eventually(
      'nothing is under way',
      async () => {
        const counts = await countsOf(pool, mailing)
        return counts.processing === 0 && counts
      },
      timeoutMs,
    )
  const audit = async () =>
    assert.deepEqual(
      (await auditModules({ pool }, modules)).filter((r) => r.broken),
      [],
    )
  return { database, pool, gateway, work, begin, over, audit, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

// Guarantee: workers that are killed (-9) in the claim, during a call, between the gateway's yes and its record, in the record,
// and at random lose no message; what is sent again bears the same id to the same number and is at most what was under way,
// and the counters are the messages.
test('kill -9 while sending', { timeout: size(600_000, 3_600_000) }, async () => {
  await using s = await stage()
  const { pool, gateway, database } = s
  const messages = size(800, 10_000)
  let mailing = 0
  let worker: Awaited<ReturnType<typeof s.work>>
  let kills = 0
  const kill = async () => {
    kills++
    worker.kill('SIGKILL')
    await worker.exited
  }
  const sent = async () => (await countsOf(pool, mailing)).sent

  const claim = await stopAt(database.url, 'mailings.messages', 'update', 'true')
  mailing = await makeMailing(pool, messages, { ends: '1 hour' })
  worker = await s.work()
  await claim.reached()
  await kill()
  await claim.release()
  assert.equal(await sent(), 0)
  const { rows } = await pool.query('select count(*)::int n from mailings.messages where claimed')
  assert.ok(rows[0].n > 0, 'its claim stands without it')

  gateway.follow(() => 'hang')
  worker = await s.work()
  await eventually('calls are under way', () => gateway.seen.length > 0)
  await kill()

  const acknowledged = () => gateway.seen.filter((one) => one.acknowledged).length
  gateway.follow(({ nth }) => {
    // It dies with the yes on its way.
    if (nth % 50 === 0 && worker.kill('SIGKILL')) kills++
    return 'ok'
  })
  worker = await s.work()
  await worker.exited
  gateway.follow(() => 'ok')
  assert.ok(acknowledged() > 0)

  const record = await stopAt(database.url, 'mailings.recent_answers', 'insert')
  worker = await s.work()
  await record.reached()
  await kill()
  await record.release()

  gateway.follow(async () => {
    await sleep(Math.random() * 30)
    return 'ok' as const
  })
  for (let i = 0; i < size(2, 10); i++) {
    const before = acknowledged()
    worker = await s.work()
    await eventually('it goes on', async () => acknowledged() > before || (await sent()) === messages)
    await sleep(Math.random() * 200)
    await kill()
  }
  const workers = await Promise.all([s.work(), s.work()])
  const counts = await s.over(mailing, size(120_000, 900_000))
  assert.deepEqual([counts.total, counts.sent, counts.error, counts.expired], [messages, messages, 0, 0])
  const { rows: people } = await pool.query('select id, phone, attempts from mailings.messages where mailing_id = $1', [
    mailing,
  ])
  const phones = new Map(people.map((m) => [m.id, m.phone]))
  for (const one of gateway.seen)
    if (one.phone) assert.equal(one.phone, phones.get(String(one.id)) ?? phones.get(one.id))
  const taken = gateway.seen.filter((one) => one.acknowledged).map((one) => one.id)
  assert.equal(new Set(taken).size, messages)
  assert.ok(taken.length - messages <= kills * concurrency, `${taken.length - messages} repeats after ${kills} kills`)
  await s.audit()

  // Asked to stop, they leave nothing claimed that they have not begun, and wait for what they have.
  const again = await makeMailing(pool, 500, { ends: '1 hour' })
  await eventually('it goes', async () => (await countsOf(pool, again)).sent > 20)
  for (const one of workers) one.kill('SIGTERM')
  for (const one of workers) assert.equal(await one.exited, 0)
  const { rows: left } = await pool.query('select count(*)::int n from mailings.messages where claimed')
  assert.equal(left[0].n, 0)
  const ofAgain = gateway.seen.length - taken.length
  assert.ok(ofAgain > 0)
  await s.audit()
})

// Guarantee: no request reaches the gateway after the end, by its own clock, although workers send as fast as they can up to it
// and one of them is stopped over it (SIGSTOP); what was not sent is expired within 15 s.
test('the end, with a worker that stands still over it', { timeout: size(300_000, 900_000) }, async () => {
  for (let round = 0; round < size(1, 5); round++) {
    await using s = await stage()
    s.gateway.follow(async ({ id }) => {
      await sleep(20 + (id % 60))
      return 'ok' as const
    })
    const { workers, mailing, end } = await s.begin(4000, '6 s')
    await sleep(Math.max(0, end - Date.now() - 300 * Math.random()))
    workers[0]!.kill('SIGSTOP')
    await sleep(Math.max(0, end - Date.now()) + 1500)
    workers[0]!.kill('SIGCONT')
    const counts = await s.over(mailing, 120_000)
    assert.ok(counts.sent > 0 && counts.expired > 0 && counts.error === 0, JSON.stringify(counts))
    const late = s.gateway.seen.filter((one) => one.at >= end).map((one) => one.at - end)
    assert.deepEqual(late, [])
    await s.audit()
  }
})

// Guarantee: a gateway that is dead for the whole window leaves each message error, if its last try failed, or expired, if none
// was made or the end cut it off; and is asked nothing after the end.
test('a gateway that is dead for the whole window', { timeout: 300_000 }, async () => {
  await using s = await stage({ GATEWAY_TIMEOUT_MS: '700' })
  s.gateway.follow(({ id }) => (id % 2 ? 'hang' : '500'))
  const { mailing, end } = await s.begin(300, '12 s')
  const counts = await s.over(mailing, 120_000)
  assert.equal(counts.sent, 0)
  assert.ok(counts.error > 0 && counts.expired > 0, JSON.stringify(counts))
  const { rows: wrong } = await s.pool.query(
    `select id, status, attempts, last_error from mailings.messages where mailing_id = $1 and (status <>
       case when attempts > 0 and last_error not in ('cut_off', 'ended') then 'error' else 'expired' end
       or (attempts = 0) <> (last_error = 'ended'))`,
    [mailing],
  )
  assert.deepEqual(wrong, [])
  assert.deepEqual(
    s.gateway.seen.filter((one) => one.at >= end),
    [],
  )
  await s.audit()
})

// Guarantee: two workers with a cap send no more than it in any second, as the gateway sees it, and over a minute at least 95 %
// of it.
test('the rate over two workers', { timeout: 300_000 }, async () => {
  const rate = 100
  const seconds = size(8, 60)
  await using s = await stage({ GATEWAY_RATE: String(rate) })
  const { mailing } = await s.begin(rate * seconds, '10 minutes')
  await s.over(mailing, 280_000)
  const { seen } = s.gateway
  assert.equal(seen.length, rate * seconds)
  // Surely in one second: none can have come before its begin, and all had come at its end.
  const most = Math.max(
    ...seen.map(({ since: from }) => seen.filter((one) => one.since >= from && one.at < from + 1000).length),
  )
  assert.ok(most <= rate, `${most} in a second`)
  const took = (seen.at(-1)!.at - seen[0]!.at) / 1000
  const reached = (seen.length - 1) / took
  // What a machine reaches that others use too proves nothing.
  if (proving) assert.ok(reached >= rate * 0.95, `${reached.toFixed(1)} a second`)
  else assert.ok(reached > rate / 10, `${reached.toFixed(1)} a second`)
  await s.audit()
})
