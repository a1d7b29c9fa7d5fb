import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const uid = process.getuid?.()
/** The user who runs the embedded PostgreSQL for root must pass through DATA_DIR, but may not list it. */
const passable = uid === 0 ? 0o711 : 0o700

/**
 * Makes DATA_DIR and sees to it that nobody but its owner reads what lies in it: what this process writes from now on, and
 * what an earlier version left open to others. `postgres` in it keeps its own order.
 */
export function closeDataFolder(path: string): void {
  const made = mkdirSync(path, { recursive: true }) !== undefined
  process.umask(0o077)
  const { mode, uid: owner } = statSync(path)
  if (made) chmodSync(path, passable)
  else if (owner === uid) chmodSync(path, mode & (0o7000 | passable))
  if (owner === uid) for (const name of readdirSync(path)) if (name !== 'postgres') tighten(join(path, name))
}

/** A folder goes last: one that is closed has nothing open in it, and is not walked again at every start. */
function tighten(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found || found.uid !== uid || !(found.mode & 0o077) || !(found.isDirectory() || found.isFile())) return
  if (found.isDirectory()) for (const name of readdirSync(path)) tighten(join(path, name))
  try {
    chmodSync(path, found.mode & 0o7700)
  } catch (error) {
    // Another process may have removed it just now.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
