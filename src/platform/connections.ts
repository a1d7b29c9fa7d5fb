import pg from 'pg'
import { gather } from './batch.ts'
import { AppError } from './errors.ts'
import type { Logger } from './log.ts'

// int8 as numbers (sums are numeric, ids stay below 2^53), instants as ISO 8601 in UTC, dates as they are.
const parsers: Record<number, (value: string) => unknown> = {
  20: Number,
  1016: (v) => v.slice(1, -1).split(',').filter(Boolean).map(Number),
  1082: (v) => v,
  1184: (v) => v.replace(' ', 'T').replace(/\+00$/, 'Z'),
}

const settings = '-c TimeZone=UTC -c DateStyle=ISO -c idle_in_transaction_session_timeout=30s'
const connectMs = 4000
const hurried = '-c lock_timeout=2s -c statement_timeout=10s'

/**
 * A pool whose connections speak UTC and read types as ours, and wait for no lock longer than 2 s and no statement longer
 * than 10; with `patient` as long as it takes, for seeds and audits. Once open a connection stays; a lost one is logged,
 * never fatal. Who gets none within 4 s is told that we are busy.
 */
export function createPool(url: string, max: number, log: Logger, { patient = false } = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    min: max,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    options: patient ? settings : `${settings} ${hurried}`,
    types: {
      getTypeParser: ((oid: number, format: string) =>
        (format !== 'binary' && parsers[oid]) ||
        pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  })
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection was lost'))
  // A connection that breaks while somebody holds it tells its holder by the failing query; the event must not end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

export type Connections = {
  pool: pg.Pool
  /** For stamps and callers, and for group commit: a crowd that waits for a locked row leaves others as they are. */
  quickPool: pg.Pool
  batchPool: pg.Pool
  /** Commits something; refuses with 503 when that takes over 3 s or the database is away. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Opens the connections of a process, all of them ahead: a new one needs processor time and a thread, short under load. */
export async function openConnections(
  url: string,
  options: { max: number; log: Logger; patient?: boolean },
): Promise<Connections> {
  const { max, log } = options
  const pool = createPool(url, max, log, options)
  const [quickPool, batchPool] = [createPool(url, 3, log, options), createPool(url, 2, log, options)]
  const pools = [pool, quickPool, batchPool]
  const watch = watchDatabase(url, pools, log)
  for (const each of pools) {
    const opened = await Promise.allSettled(Array.from({ length: each.options.max }, () => each.connect()))
    for (const one of opened) if (one.status === 'fulfilled') one.value.release()
  }
  return {
    pool,
    quickPool,
    batchPool,
    ready: watch.ready,
    async close() {
      // A commit that hangs is not waited for.
      const late = setTimeout(watch.stop, 1000)
      await Promise.all(pools.map((each) => each.end()))
      clearTimeout(late)
      watch.stop()
    },
  }
}

/** Throws what a single connection would meet. */
export async function tryConnection(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  await client.connect()
  await client.end()
}

// Held by nothing, so that a process that is done may end.
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms).unref())

/**
 * Rejects after a time as this process lives it: in ten steps, between which answers that lie unread are read. So a
 * process that stood still for some seconds does not take its own absence for the silence of another.
 */
async function silence(ms: number): Promise<never> {
  for (let step = 0; step < 10; step++) {
    await pause(ms / 10)
    await new Promise((done) => setImmediate(done))
  }
  throw new AppError(503, 'request.database_away', {}, { retryAfterSeconds: 1 })
}

type Bare = pg.Client & { connection: { stream: { destroy(): void } } }
const cut = (client: pg.Client | pg.PoolClient) => (client as Bare).connection.stream.destroy()

/**
 * Asks the database for a sign of life each second, on a connection of its own and, when that stays silent for a second, on
 * a fresh one beside it. Silent for 3 s on both it is away, and everything that waits for it is cut off, so that callers
 * hear 503 within 5 s instead of hanging.
 */
function watchDatabase(url: string, pools: pg.Pool[], log: Logger) {
  const held = new Set<pg.PoolClient>()
  for (const pool of pools) {
    pool.on('connect', (client) => held.add(client))
    pool.on('remove', (client) => held.delete(client))
  }
  const own = new Set<pg.Client>()
  let stopped = false
  let watcher: pg.Client | undefined

  /** A connection outside the pools. */
  async function open(name: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, application_name: `dvor ${name}` })
    client.on('error', () => {})
    client.on('end', () => own.delete(client))
    own.add(client)
    await client.connect()
    return client
  }

  async function ask(client: pg.Client): Promise<void> {
    await client.query('select 1')
    if (watcher && watcher !== client) cut(watcher)
    watcher = client
  }

  async function look(): Promise<void> {
    const known = watcher ? ask(watcher) : Promise.reject(new Error('there is no connection yet'))
    // A fresh look at once when the connection is lost, and beside it when it is silent.
    const fresh = Promise.race([known, silence(1000)]).catch(async () => ask(await open('watch')))
    await Promise.race([Promise.any([known, fresh]), silence(3000)])
  }

  void (async () => {
    // While the database is known to be away nobody waits for a new connection: that would come on top of the 4 s.
    const connectWithin = (ms: number) => {
      for (const pool of pools) pool.options.connectionTimeoutMillis = ms
    }
    while (!stopped) {
      await look()
        .then(() => connectWithin(connectMs))
        .catch((error) => {
          if (stopped) return
          connectWithin(500)
          log.warn({ err: error, connections: held.size }, 'the database is away; what waits for it is cut off')
          watcher = undefined
          for (const client of [...held, ...own]) cut(client)
        })
      await pause(1000)
    }
  })()

  let committer: pg.Client | undefined
  // One at a time, so that commits which hang hold no more than one connection.
  const commit = gather<void, void>(1000, async (asked) => {
    try {
      committer ??= await open('readiness')
      await committer.query(`select pg_logical_emit_message(true, 'dvor', 'ready')`)
    } catch (error) {
      if (committer) cut(committer)
      committer = undefined
      throw error
    }
    return asked.map(() => undefined)
  })

  return {
    ready: () => Promise.race([commit(), silence(3000)]),
    stop() {
      stopped = true
      for (const client of [...held, ...own]) cut(client)
    },
  }
}
