import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

/** Why the schema of a database and this code do not fit together, in words. */
export class MigrationError extends Error {}

type Migration = { name: string; text: string; checksum: string; breaking: string | null }
const lockTimeout = '5s'
const lockNotAvailable = '55P03'

type Ran = Pick<Migration, 'checksum' | 'breaking'>

/** Where the migrations of this code lie. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))

/**
 * Brings the schema up to date. Returns what it `ran`, and what it found there of a `newer` version and can run beside; what
 * it cannot run beside is refused, and so is a file that was changed after it ran.
 */
export async function migrate(url: string, folder = migrationsFolder): Promise<{ ran: string[]; newer: string[] }> {
  const ours = await readMigrations(folder)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(`
      select current_setting('server_version_num')::int version, (select count(*)::int from pg_attribute
        where attrelid = to_regclass('public.dvor_migrations') and attname = 'breaking' and not attisdropped) ready`)
    if (rows[0].version < 150_000) throw new MigrationError('PostgreSQL 15 or later is needed')
    if (!rows[0].ready)
      await inTurn(client, async () => {
        await client.query(`create table if not exists public.dvor_migrations (
          name text primary key, checksum text not null, ran_at timestamptz not null default now())`)
        await client.query('alter table public.dvor_migrations add column if not exists breaking text')
      })
    const before = await allRan(client)
    const newer = [...before.keys()].filter((name) => !ours.some((m) => m.name === name)).sort()
    const breaking = newer.filter((name) => before.get(name)!.breaking !== null)
    if (breaking.length)
      throw new MigrationError(
        `The database was migrated by a newer Dvor, beside which this one cannot run: ${breaking
          .map((name) => `${name} (${before.get(name)!.breaking})`)
          .join(', ')}. Start the newer Dvor.`,
      )
    const ran: string[] = []
    for (const migration of ours)
      if (!isDone(migration, before) && (await runOne(client, migration))) ran.push(migration.name)
    return { ran, newer }
  } finally {
    await client.end()
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8')
      const [, kind, why] = /^-- (compatible|breaking): *(.*)/.exec(text) ?? []
      // Who forgot to say it has older code refuse, rather than do harm.
      const breaking = kind === 'compatible' ? null : (why ?? 'it does not say that older code can run beside it')
      return { name, text, checksum: createHash('sha256').update(text).digest('hex'), breaking }
    }),
  )
}

async function allRan(client: pg.Client): Promise<Map<string, Ran>> {
  const { rows } = await client.query<Ran & { name: string }>(
    'select name, checksum, breaking from public.dvor_migrations',
  )
  return new Map(rows.map((row) => [row.name, row]))
}

function isDone({ name, checksum }: Migration, ran: Map<string, Ran>): boolean {
  const before = ran.get(name)
  if (before && before.checksum !== checksum)
    throw new MigrationError(`migrations/${name} was changed after it ran here; write a new migration instead`)
  return before !== undefined
}

/** One file, one transaction; false when another process ran it while this one waited for its turn. */
function runOne(client: pg.Client, migration: Migration): Promise<boolean> {
  const { name, text, checksum, breaking } = migration
  return inTurn(client, async () => {
    if (isDone(migration, await allRan(client))) return false
    for (const statement of statementsOf(text))
      await client.query(statement).catch((cause) => {
        if (cause.code === lockNotAvailable)
          throw new MigrationError(
            `migrations/${name} did not get a table within ${lockTimeout}, for somebody else holds it: a server that is busy, ` +
              'a backup, an open session. Nothing was changed; start again, or end what holds it (pg_stat_activity).',
          )
        throw new Error(`migrations/${name} failed: ${cause.message}`, { cause })
      })
    await client.query('insert into public.dvor_migrations (name, checksum, breaking) values ($1, $2, $3)', [
      name,
      checksum,
      breaking,
    ])
    return true
  })
}

/** A transaction of which there is one at a time over all processes, and which waits for tables a while only; a lock of the session would outlive it behind a pooler. */
async function inTurn<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    // Its turn may take as long as the others' migrations. A table it waits for stands still for everybody meanwhile.
    await client.query(`select pg_advisory_xact_lock(hashtextextended('dvor migrations', 0))`)
    await client.query(`set local lock_timeout = '${lockTimeout}'`)
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

// Comments, strings, quoted names and dollar quotes may hold a semicolon; what stands between them is taken as it is.
const token = /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"[^"]*"|(\$\w*\$)[\s\S]*?\1|;|[\s\S]/giy

/** The statements of a file, each with what stands before it. No `begin atomic` and no nested comments. */
export function statementsOf(text: string): string[] {
  const statements: string[] = []
  let statement = ''
  let empty = true
  const end = () => {
    if (empty) return
    statements.push(statement.trim())
    statement = ''
    empty = true
  }
  for (const [part] of text.matchAll(token)) {
    if (part === ';') end()
    else {
      statement += part
      empty &&= /^\s$|^--|^\/\*/.test(part)
    }
  }
  end()
  return statements
}
