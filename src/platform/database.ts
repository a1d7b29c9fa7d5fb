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

export function createDb(pool: pg.Pool): Db {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
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
