import { sql } from 'kysely'
import type { Platform } from './module.ts'

/** Where files of a folder are named: each in one row of a table that has an `id`, its column indexed. */
export type NamedFiles = { folder: string; table: string; column: string }

const batch = 500
const rowsARun = 2000

/**
 * Removes the files of a folder that no row names: what a crash left behind, an hour old, so that none is taken from a
 * change under way. Only those without a row are looked at closer. Then tells of rows whose file is gone, some in each run.
 */
export async function sweepFiles(platform: Platform, signal: AbortSignal, named: NamedFiles): Promise<void> {
  await removeUnnamed(platform, signal, named)
  await reportMissing(platform, signal, named)
}

async function removeUnnamed({ db, files, log }: Platform, signal: AbortSignal, { folder, table, column }: NamedFiles) {
  const anHourAgo = new Date(Date.now() - 3_600_000)
  let removed = 0
  for await (const keys of files.list(folder, batch)) {
    if (signal.aborted) break
    const { rows } = await sql<{ key: string }>`
      select key from unnest(${keys}::text[]) key
      where not exists (select from ${sql.table(table)} where ${sql.ref(column)} = key)`.execute(db)
    const times = await Promise.all(rows.map(({ key }) => files.writtenAt(key)))
    const old = rows.flatMap(({ key }, i) => (times[i] && times[i] < anHourAgo ? [key] : []))
    await files.remove(old)
    removed += old.length
  }
  if (removed) log.info({ folder, files: removed }, 'removed files that nothing names')
}

/** Where the last look at the rows of a folder ended; a process that begins anew begins with the first row. */
const openCursors = () => new Map<string, number>()

async function reportMissing(platform: Platform, signal: AbortSignal, { folder, table, column }: NamedFiles) {
  const { db, files, log } = platform
  const cursors = platform.own(openCursors)
  for (let seen = 0; seen < rowsARun && !signal.aborted; seen += batch) {
    const { rows } = await sql<{ id: number; key: string }>`
      select id, ${sql.ref(column)} key from ${sql.table(table)}
      where id > ${cursors.get(folder) ?? 0} and ${sql.ref(column)} is not null order by id limit ${batch}`.execute(db)
    const times = await Promise.all(rows.map(({ key }) => files.writtenAt(key)))
    const gone = rows.filter((_, i) => !times[i])
    if (gone.length) {
      const { rows: still } = await sql<{ id: number; key: string }>`
        select id, ${sql.ref(column)} key from ${sql.table(table)} where ${sql.ref(column)} = any(${gone.map((g) => g.key)}::text[])`.execute(
        db,
      )
      if (still.length)
        log.error({ table, rows: still.slice(0, 20), count: still.length }, 'rows name files that are gone')
    }
    cursors.set(folder, rows.length < batch ? 0 : rows.at(-1)!.id)
    if (rows.length < batch) return
  }
}
