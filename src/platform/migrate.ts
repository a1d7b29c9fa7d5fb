import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'

const folder = new URL('../../migrations/', import.meta.url)

/** Brings the schema up to date and returns the names of what it ran; a file that was changed after it ran is refused. */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    // Of processes that start together one migrates and the others wait.
    await client.query(`select pg_advisory_lock(hashtextextended('dvor migrations', 0))`)
    const version = await client.query(`select current_setting('server_version_num')::int n`)
    if (version.rows[0].n < 150_000) throw new Error('PostgreSQL 15 or later is needed')
    await client.query(`create table if not exists public.dvor_migrations (
      name text primary key, checksum text not null, ran_at timestamptz not null default now())`)
    const ran = new Map<string, string>(
      (await client.query('select name, checksum from public.dvor_migrations')).rows.map((r) => [r.name, r.checksum]),
    )
    const files = (await readdir(folder)).filter((f) => f.endsWith('.sql')).sort()
    const unknown = [...ran.keys()].filter((name) => !files.includes(name))
    if (unknown.length) throw new Error(`the database was migrated by a newer version, which has ${unknown.join(', ')}`)
    const done: string[] = []
    for (const name of files) {
      const text = await readFile(new URL(name, folder), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      const before = ran.get(name)
      if (before === checksum) continue
      if (before) throw new Error(`migrations/${name} was changed after it ran here; write a new migration instead`)
      await client.query('begin')
      try {
        await client.query(text)
        await client.query('insert into public.dvor_migrations (name, checksum) values ($1, $2)', [name, checksum])
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw new Error(`migrations/${name} failed: ${(error as Error).message}`, { cause: error })
      }
      done.push(name)
    }
    return done
  } finally {
    await client.end()
  }
}
