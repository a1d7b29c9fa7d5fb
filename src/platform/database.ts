import { createHash } from 'node:crypto'
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { AppError, isDatabaseAway, isRepeatable } from './errors.ts'
import type { Logger } from './log.ts'
import { transactionRepeats } from './metrics.ts'
import type { DB } from './tables.gen.ts'

export type Db = Kysely<DB>
export type Tx = Transaction<DB>
export type Client = pg.PoolClient

/** One statement on whatever connection or transaction stands behind it. */
export type RunSql = <R = Record<string, unknown>>(text: string, values?: unknown[]) => Promise<R[]>

// int8 as numbers (sums are numeric, ids stay below 2^53), instants as ISO 8601 in UTC, dates as they are.
const parsers: Record<number, (value: string) => unknown> = {
  20: Number,
  1016: (v) => v.slice(1, -1).split(',').filter(Boolean).map(Number),
  1082: (v) => v,
  1184: (v) => v.replace(' ', 'T').replace(/\+00$/, 'Z'),
}

/** A pool whose connections speak UTC and read types as ours; a lost connection is logged, never fatal. */
export function createPool(url: string, max: number, log: Logger): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    options: '-c TimeZone=UTC -c DateStyle=ISO -c idle_in_transaction_session_timeout=30s',
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

/** Throws what a single connection would meet. */
export async function tryConnection(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  await client.connect()
  await client.end()
}

export function createDb(pool: pg.Pool): Db {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * Asks the database for a sign of life on a connection of its own each second. When it stays silent for 3 s, everything
 * that waits for it is cut off, so that callers hear 503 within 5 s instead of hanging. Returns how to stop.
 */
export function watchDatabase(url: string, pool: pg.Pool, log: Logger): () => Promise<void> {
  const held = new Set<pg.PoolClient>()
  pool.on('connect', (client) => held.add(client))
  pool.on('remove', (client) => held.delete(client))
  const cut = (client: unknown) =>
    (client as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  let stopped = false
  let watcher: pg.Client | undefined

  // Held by nothing, so that a process that is done may end.
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms).unref())
  const patienceMs = 3000

  async function look(): Promise<void> {
    const asked = performance.now()
    try {
      if (!watcher) {
        watcher = new pg.Client({
          connectionString: url,
          connectionTimeoutMillis: patienceMs,
          application_name: 'dvor watch',
        })
        watcher.on('error', () => {})
        await watcher.connect()
      }
      const silence = Symbol('silence')
      const answer = await Promise.race([watcher.query('select 1'), pause(patienceMs).then(() => silence)])
      // When this process itself was busy, the answer may lie unread.
      const wasBusy = performance.now() - asked > patienceMs + 500
      if (answer === silence && !wasBusy) throw new Error('the database is silent')
    } catch (error) {
      if (stopped) return
      log.warn(
        { err: error, connections: held.size },
        'the database gives no sign of life; what waits for it is cut off',
      )
      if (watcher) cut(watcher)
      watcher = undefined
      for (const client of held) cut(client)
    }
  }
  void (async () => {
    while (!stopped) {
      await look()
      await pause(1000)
    }
  })()
  return async () => {
    stopped = true
    if (watcher) cut(watcher)
  }
}

const names = new Map<string, string>()

/**
 * Runs a statement prepared once per connection: a primary-key read is three times as fast as through the builder.
 * Only for texts written in the source, for their names live as long as the connection.
 */
export async function run<R = Record<string, unknown>>(
  on: pg.Pool | Client,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  let name = names.get(text)
  if (!name) {
    name = createHash('sha1').update(text).digest('base64url')
    names.set(text, name)
  }
  return (await on.query({ name, text, values })).rows as R[]
}

/** Statements of a Kysely transaction for functions that serve batches too. */
export function sqlOf(tx: Tx): RunSql {
  return async (text, values = []) => (await tx.executeQuery(CompiledQuery.raw(text, values))).rows as never
}

/** Runs a change again, at most three times, when it lost to a deadlock or a broken serialisation. */
export async function repeated<T>(change: () => Promise<T>): Promise<T> {
  for (let repeat = 0; ; repeat++) {
    try {
      return await change()
    } catch (error) {
      if (!isRepeatable(error) || repeat === 3) throw error
      transactionRepeats.inc()
      await new Promise((done) => setTimeout(done, Math.random() * 20 * 2 ** repeat))
    }
  }
}

/** One transaction of the builder, repeated when PostgreSQL asks for it. Nothing outside the database may be done in it. */
export function transaction<T>(db: Db, change: (tx: Tx) => Promise<T>): Promise<T> {
  return repeated(() => db.transaction().execute(change))
}

/** One transaction on a bare connection, for hot paths. A connection that fails is not given back to the pool. */
export async function bareTransaction<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(begin)
    try {
      const result = await work(client)
      await client.query('commit').catch((error) => {
        // Nobody knows whether it happened; a retry with the same key finds out.
        throw isDatabaseAway(error)
          ? new AppError(503, 'request.database_away', {}, { retryAfterSeconds: 1, cause: error })
          : error
      })
      return result
    } catch (error) {
      broken = isDatabaseAway(error) || isDatabaseAway((error as Error).cause) ? (error as Error) : undefined
      if (!broken) await client.query('rollback').catch((lost) => (broken = lost))
      throw error
    }
  } catch (error) {
    if (isDatabaseAway(error)) broken ??= error as Error
    throw error
  } finally {
    client.release(broken)
  }
}
