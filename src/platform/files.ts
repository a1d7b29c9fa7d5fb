import { createHash, randomBytes } from 'node:crypto'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Disk } from 'flydrive'
import { FSDriver } from 'flydrive/drivers/fs'
import { AppError } from './errors.ts'

/** Files by key, as `covers/ab12….jpg`. A key is written once and never changed. */
export type Files = {
  /** Keeps the content under a fresh key that bears its hash; on a fault there is no file. */
  keep(folder: string, content: Buffer, extension: string): Promise<string>
  /** Keeps the content under `folder/name-<hash>.extension`: the same content again is the same file, not a second one. */
  keepOnce(folder: string, name: string, content: Buffer, extension: string): Promise<string>
  read(key: string): Promise<Buffer | undefined>
  /** Deleting what is not there is fine. */
  remove(keys: string[]): Promise<void>
  /** Keys of a folder, some at a time. */
  list(folder: string, size: number): AsyncIterable<string[]>
  /** When a file was written; undefined if there is none. */
  writtenAt(key: string): Promise<Date | undefined>
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
    async *list(folder, size) {
      const entries = await opendir(join(location, folder)).catch(() => undefined)
      let keys: string[] = []
      for await (const entry of entries ?? []) {
        if (entry.isFile()) keys.push(`${folder}/${entry.name}`)
        if (keys.length === size) {
          yield keys
          keys = []
        }
      }
      if (keys.length) yield keys
    },
    writtenAt: (key) =>
      stat(join(location, key)).then(
        ({ mtime }) => mtime,
        () => undefined,
      ),
  }
}
