import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { cloneDatabase, eventually } from '../../test/harness.ts'
import { createLogger } from './log.ts'
import { type Loop, startLoops } from './loops.ts'
import { type Notices, notify, openNotices } from './notices.ts'

type Here = { log: ReturnType<typeof createLogger>; notices: Notices }

let database: Awaited<ReturnType<typeof cloneDatabase>>
let pool: pg.Pool
before(async () => {
  database = await cloneDatabase()
  pool = new pg.Pool({ connectionString: database.url })
  pool.on('error', () => {})
  await pool.query(
    'create table public.runs (n bigint generated always as identity, pid int, at timestamptz default clock_timestamp())',
  )
})
after(async () => {
  await pool.end()
  await database.drop()
})

/** A runner as each process has one, with a connection of its own. */
function startRunner(loop: Omit<Loop<Here>, 'name'> & { name: string }, termMs?: number) {
  const logs: string[] = []
  const log = createLogger(
    { LOG_LEVEL: 'warn', LOG_FORMAT: 'json' },
    new Writable({
      write(line, _encoding, done) {
        logs.push(String(line))
        done()
      },
    }),
  )
  const notices = openNotices(database.url, log)
  const stop = startLoops({ log, notices }, [loop], { termMs })
  return {
    notices,
    logs,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      notices.close()
    },
  }
}

const wakeNow = (name: string) => notify(pool, `loop ${name}`)
const leaseOf = async (name: string) =>
  (
    await pool.query(
      `select holder, expires_at::text, extract(epoch from expires_at - clock_timestamp())::float left from platform.leases where name = $1`,
      [name],
    )
  ).rows[0] as { holder: string; expires_at: string; left: number } | undefined

/** A gate that a run waits at, so that a test decides when it ends; declared after the runner, it opens when the test fails. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((done) => {
    open = done
  })
  return { open, opened, [Symbol.dispose]: open }
}

// Guarantee: of two processes one runs a loop, never both, however often it is woken; and a stop hands it to the other at once.
test('one process runs a loop, and its stop hands it over', async () => {
  const runs: string[] = []
  let atOnce = 0
  const loop = (who: string) => ({
    name: 'test.one',
    everySeconds: 3600,
    run: async () => {
      assert.equal(++atOnce, 1)
      runs.push(who)
      await new Promise(setImmediate)
      atOnce--
    },
  })
  await using a = startRunner(loop('a'), 600_000)
  await eventually('the first holds the lease', () => leaseOf('test.one'))
  await using _b = startRunner(loop('b'), 600_000)
  await eventually('both have asked for the lease', async () => {
    const { rows } = await pool.query(
      `select count(*)::int n from pg_stat_activity where datname = current_database()
       and application_name = 'dvor notices' and query like '%platform.leases%'`,
    )
    return rows[0].n === 2
  })
  for (let i = 0; i < 20; i++) {
    const before = runs.length
    await wakeNow('test.one')
    await eventually('a run follows the wake', () => runs.length > before)
  }
  assert.deepEqual([...new Set(runs)], ['a'])
  await a.stop()
  const before = runs.length
  await eventually('the other runs it long before the term ends', () => runs.length > before)
  assert.equal(runs.at(-1), 'b')
})

// Guarantee: kill -9 of the holder costs at most the term: then another process runs the loop, and not before.
test('a killed holder is replaced when its lease runs out', async () => {
  const start = () => spawn(process.execPath, ['test/loop-process.ts', database.url, '4000'], { stdio: 'inherit' })
  const children: ChildProcess[] = [start(), start()]
  try {
    const first = await eventually('one of them runs it', async () => {
      const { rows } = await pool.query('select pid from public.runs order by n limit 1')
      return rows[0]?.pid as number | undefined
    })
    const [holder, other] = children[0]!.pid === first ? children : children.reverse()
    const dead = once(holder!, 'exit')
    holder!.kill('SIGKILL')
    await dead
    const { expires_at } = (await leaseOf('test.work'))!
    await eventually('the other runs it', async () => {
      const { rows } = await pool.query('select from public.runs where pid = $1', [other!.pid])
      return rows.length > 0
    })
    const { rows } = await pool.query('select n from public.runs where pid = $1 and at < $2', [other!.pid, expires_at])
    assert.deepEqual(rows, [])
  } finally {
    for (const child of children) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  }
})

// Guarantee: a run longer than the term keeps its lease, and nobody else begins.
test('a long run keeps its lease', async () => {
  let runs = 0
  let aborted = false
  const loop = {
    name: 'test.long',
    everySeconds: 3600,
    run: async (_: Here, signal: AbortSignal) => {
      runs++
      signal.addEventListener('abort', () => {
        aborted = true
      })
      await pass.opened
    },
  }
  await using _a = startRunner(loop, 4000)
  await using _b = startRunner(loop, 4000)
  using pass = gate()
  await eventually('it runs', () => runs === 1)
  const begun = (await leaseOf('test.long'))!
  await eventually('the first term is over', async () => {
    const { rows } = await pool.query('select clock_timestamp() > $1::timestamptz + interval $$1 s$$ past', [
      begun.expires_at,
    ])
    return rows[0].past
  })
  const now = (await leaseOf('test.long'))!
  assert.equal(now.holder, begun.holder)
  assert.ok(now.left > 0)
  assert.deepEqual({ runs, aborted }, { runs: 1, aborted: false })
})

// Guarantee: who cannot renew is told to stop before the lease ends, on the database's clock.
test('a holder that cannot renew stops before its term ends', async () => {
  let abortedAt: string | undefined
  const name = 'test.cut'
  await using _a = startRunner(
    {
      name,
      everySeconds: 3600,
      run: async (_, signal) => {
        await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
        abortedAt ??= (await pool.query('select clock_timestamp()::text at')).rows[0].at
      },
    },
    8000,
  )
  await eventually('it has the lease', () => leaseOf(name))
  const rival = await pool.connect()
  try {
    await rival.query('begin')
    await rival.query('select from platform.leases where name = $1 for update', [name])
    await eventually('its signal aborts', () => abortedAt)
    const { rows } = await rival.query(
      'select $1::timestamptz < expires_at in_time from platform.leases where name = $2',
      [abortedAt, name],
    )
    assert.equal(rows[0].in_time, true)
  } finally {
    await rival.query('rollback')
    rival.release()
  }
})

// Guarantee: a lease that comes back while the run that lost it still ends is used at once, not after the loop's whole pause.
test('a lease that comes back is used at once', async (t) => {
  t.mock.method(Math, 'random', () => 0.99)
  let runs = 0
  let aborted = false
  await using _runner = startRunner(
    {
      name: 'test.back',
      everySeconds: 3600,
      async run(_, signal) {
        if (++runs > 1) return
        signal.addEventListener('abort', () => {
          aborted = true
        })
        await ends.opened
      },
    },
    1500,
  )
  using ends = gate()
  await eventually('it runs', () => runs === 1)
  const mine = (await leaseOf('test.back'))!.holder
  await pool.query(
    `update platform.leases set holder = gen_random_uuid(), expires_at = now() + interval '1 day' where name = 'test.back'`,
  )
  await eventually('it lost the lease', () => aborted)
  await pool.query(`delete from platform.leases where name = 'test.back'`)
  await eventually('it has the lease again', async () => (await leaseOf('test.back'))?.holder === mine)
  ends.open()
  await eventually('it runs again', () => runs === 2)
})

// Guarantee: a stop aborts the signal at once and waits until the run has finished what it holds; then the lease is free.
test('a stop drains', async () => {
  const steps: string[] = []
  await using a = startRunner({
    name: 'test.drain',
    everySeconds: 3600,
    run: async (_, signal) => {
      signal.addEventListener('abort', () => steps.push('told'))
      steps.push('begun')
      await pass.opened
      steps.push('finished')
    },
  })
  using pass = gate()
  await eventually('it runs', () => steps.length)
  const stopped = a.stop().then(() => steps.push('stopped'))
  assert.deepEqual(steps, ['begun', 'told'])
  assert.ok(await leaseOf('test.drain'), 'nobody else may begin while it finishes')
  pass.open()
  await stopped
  assert.deepEqual(steps, ['begun', 'told', 'finished', 'stopped'])
  assert.equal(await leaseOf('test.drain'), undefined)
})

// Guarantee: wakes during a run make it run once more, and only once.
test('wakes during a run are one more run', async () => {
  let runs = 0
  let heard = 0
  await using a = startRunner({
    name: 'test.wake',
    everySeconds: 3600,
    run: async () => {
      await [first, second][runs++]?.opened
    },
  })
  using first = gate()
  using second = gate()
  a.notices.on('loop test.wake', () => heard++)
  await eventually('it runs', () => runs === 1)
  const before = heard
  for (let i = 0; i < 10; i++) await wakeNow('test.wake')
  await eventually('it heard all', () => heard === before + 10)
  first.open()
  await eventually('it runs again', () => runs === 2)
  second.open()
  const back = gate()
  a.notices.on('round trip', back.open)
  await notify(pool, 'round trip')
  await back.opened
  assert.equal(runs, 2)
})

// Guarantee: a loop that throws is logged and runs again after a pause that grows, and no wake cuts the pause short.
test('a loop that fails runs again, later each time', async () => {
  const times: number[] = []
  await using a = startRunner({
    name: 'test.fails',
    everySeconds: 3600,
    run: async () => {
      times.push(performance.now())
      if (times.length < 3) throw new Error('no luck today')
    },
  })
  await eventually('it failed once', () => a.logs.length === 1)
  await wakeNow('test.fails')
  await eventually('it came through', () => times.length === 3)
  assert.ok(times[1]! - times[0]! >= 990, `${times}`)
  assert.ok(times[2]! - times[1]! >= 1990, `${times}`)
  assert.match(a.logs[1]!, /no luck today/)
})

// Guarantee: a lost connection is replaced, every listener is called once for what it may have missed, and hears again.
test('notices come back after a lost connection', async () => {
  const log = createLogger({ LOG_LEVEL: 'silent', LOG_FORMAT: 'json' })
  const notices = openNotices(database.url, log)
  try {
    let calls = 0
    const off = notices.on('news', () => calls++)
    await eventually('it listens', () => calls === 1)
    const { rows } = await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'dvor notices'`,
    )
    assert.equal(rows.length, 1)
    await eventually('the listener is called for the gap', () => calls === 2)
    await notify(pool, 'news')
    await eventually('it hears again', () => calls === 3)
    const client = await pool.connect()
    await client.query('begin')
    await notify(client, 'news')
    await client.query('rollback')
    client.release()
    await notify(pool, 'news')
    await eventually('what was rolled back is not sent', () => calls === 4)
    off()
  } finally {
    notices.close()
  }
})
