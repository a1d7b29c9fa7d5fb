import { createHash } from 'node:crypto'
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely'
import type pg from 'pg'
import { AppError, isDatabaseAway, isRepeatable } from './errors.ts'
import { transactionRepeats } from './metrics.ts'
import type { DB } from './tables.gen.ts'

export type Db = Kysely<DB>
export type Tx = Transaction<DB>
export type Client = pg.PoolClient

/** One statement on whatever connection or transaction stands behind it. */
export type RunSql = <R = Record<string, unknown>>(text: string, values?: unknown[]) => Promise<R[]>

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

/** No time-out of PostgreSQL ends a COMMIT that waits for a standby. */
const commitMs = 10_000

/**
 * Waits for a COMMIT, but not for ever: then nobody knows whether it happened, and a retry with the same key finds out.
 * Its connection stays taken until the database has answered, so that no more of them wait there than the pool has.
 */
async function inTime(commit: Promise<unknown>): Promise<void> {
  const away = (cause?: unknown) => new AppError(503, 'request.database_away', {}, { retryAfterSeconds: 1, cause })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(away(new Error('the commit is late'))), commitMs)
  })
  try {
    await Promise.race([commit, late])
  } catch (error) {
    throw isDatabaseAway(error) ? away(error) : error
  } finally {
    clearTimeout(timer)
  }
}

/** One transaction of the builder, repeated when PostgreSQL asks for it. Nothing outside the database may be done in it. */
export function transaction<T>(db: Db, change: (tx: Tx) => Promise<T>): Promise<T> {
  return repeated(async () => {
    const tx = await db.startTransaction().execute()
    const undo = async (error: unknown): Promise<never> => {
      await tx
        .rollback()
        .execute()
        .catch(() => {})
      throw error
    }
    const result = await change(tx).catch(undo)
    await inTime(tx.commit().execute().catch(undo))
    return result
  })
}

/** One transaction on a bare connection, for hot paths. A connection that fails is not given back to the pool. */
export async function bareTransaction<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let result: T
  try {
    await client.query(begin)
    result = await work(client)
  } catch (error) {
    if (isDatabaseAway(error)) client.release(error as Error)
    else
      await client.query('rollback').then(
        () => client.release(),
        (lost) => client.release(lost),
      )
    throw error
  }
  const commit = client.query('commit')
  commit.then(
    () => client.release(),
    (lost) => client.release(lost),
  )
  await inTime(commit)
  return result
}
