import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
// @ts-expect-error plain JavaScript, for it runs before anything is installed
import { environment, lean } from '../tools/prepare.js'
import { makeCrowd } from './crowd.ts'
import { type Client, cloneDatabase, startProcess } from './harness.ts'
import { type StoreName, startStore } from './stores.ts'

/** What `npm start` sets for the process that it starts: bounds of memory and of threads. */
export const asNpmStarts = (): Record<string, string> => {
  const { MALLOC_ARENA_MAX, UV_THREADPOOL_SIZE, NODE_COMPILE_CACHE } = environment()
  return { NODE_OPTIONS: lean.join(' '), MALLOC_ARENA_MAX, UV_THREADPOOL_SIZE, NODE_COMPILE_CACHE }
}

/** API processes over one database and one store, and a crowd that may call them. */
export async function startWorld(options: {
  commands: string[]
  people: number
  store?: StoreName
  email?: boolean
  settings?: Record<string, string>
}) {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'dvor-world-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const cache = stack.adopt(await startStore(options.store ?? 'memory'), (s) => s.stop())
  const pool = stack.adopt(new pg.Pool({ connectionString: database.url, max: 2 }), (p) => p.end())
  // The database is dropped while a connection of its may still be ending.
  pool.on('error', () => {})
  const crowd = await makeCrowd(database.url, options.people, options.email)
  const settings = {
    DATABASE_URL: database.url,
    CACHE_URL: cache.url,
    DATABASE_POOL: '6',
    DATA_DIR: folder,
    ...options.settings,
  }
  const start = async (command: string) => stack.use(await startProcess([command], settings))
  const processes: Awaited<ReturnType<typeof startProcess>>[] = []
  for (const command of options.commands) processes.push(await start(command))
  const apis: Client[] = await Promise.all(processes.map((p) => p.ready()))
  const owned = stack.move()
  return {
    apis,
    crowd,
    cache,
    pool,
    folder,
    databaseUrl: database.url,
    processes,
    /** Starts one more process in the place of one that was killed. */
    restart: async (command: string) => {
      const again = owned.use(await startProcess([command], settings))
      return { process: again, api: await again.ready() }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
