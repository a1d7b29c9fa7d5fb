import { createHash, randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Disk } from 'flydrive'
import { FSDriver } from 'flydrive/drivers/fs'
import { sql } from 'kysely'
import type { Db } from './database.ts'
import { AppError } from './errors.ts'
import type { Logger } from './log.ts'

/** Files by key, as `covers/ab12….jpg`. A key is written once and never changed. */
export type Files = {
  /** Keeps the content under a fresh key that bears its hash; on a fault there is no file. */
  keep(folder: string, content: Buffer, extension: string): Promise<string>
  /** Keeps the content under `folder/name-<hash>.extension`: the same content again is the same file, not a second one. */
  keepOnce(folder: string, name: string, content: Buffer, extension: string): Promise<string>
  read(key: string): Promise<Buffer | undefined>
  /** Deleting what is not there is fine. */
  remove(keys: string[]): Promise<void>
  /** Keys of a folder that were written before the instant. */
  writtenBefore(folder: string, instant: Date): Promise<string[]>
}

/** Files on the local disk. */
export function openFiles(location: string): Files {
  const disk = new Disk(new FSDriver({ location, visibility: 'private' }))
  const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex').slice(0, 32)
  async function put(key: string, content: Buffer): Promise<string> {
    try {
      await disk.put(key, content)
    } catch (error) {
      await disk.delete(key).catch(() => {})
      throw new AppError(503, 'files.not_kept', {}, { retryAfterSeconds: 60, cause: error })
    }
    return key
  }
  return {
    // The second part makes the key its owner's alone, so that one can be deleted without asking who else has it.
    keep: (folder, content, extension) =>
      put(`${folder}/${hashOf(content)}-${randomBytes(4).toString('hex')}.${extension}`, content),
    keepOnce: (folder, name, content, extension) => put(`${folder}/${name}-${hashOf(content)}.${extension}`, content),
    async read(key) {
      try {
        return Buffer.from(await disk.getBytes(key))
      } catch (error) {
        if (
          ['E_CANNOT_READ_FILE', 'E_PATH_TRAVERSAL_DETECTED', 'E_INVALID_KEY'].includes(
            (error as { code: string }).code,
          )
        )
          return undefined
        throw error
      }
    },
    async remove(keys) {
      await Promise.all(keys.map((key) => disk.delete(key)))
    },
    async writtenBefore(folder, instant) {
      const names = await readdir(join(location, folder)).catch(() => [] as string[])
      const times = await Promise.all(names.map((n) => stat(join(location, folder, n)).catch(() => undefined)))
      return names.flatMap((name, i) => (times[i]?.isFile() && times[i].mtime < instant ? [`${folder}/${name}`] : []))
    },
  }
}

/**
 * Removes the files of a folder that no row names in a column: what a crash left behind. Only those an hour old, so that
 * none is taken from a change under way.
 */
export async function sweepFiles(
  { db, files, log }: { db: Db; files: Files; log: Logger },
  folder: string,
  table: string,
  column: string,
): Promise<void> {
  const old = await files.writtenBefore(folder, new Date(Date.now() - 3_600_000))
  if (!old.length) return
  const { rows } = await sql<{ key: string }>`
    select key from unnest(${old}::text[]) key
    where not exists (select from ${sql.table(table)} where ${sql.ref(column)} = key)`.execute(db)
  if (!rows.length) return
  await files.remove(rows.map((r) => r.key))
  log.info({ folder, files: rows.length }, 'removed files that nothing names')
}
