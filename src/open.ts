import { modules } from './app.ts'
import { closeDataFolder } from './data-folder.ts'
import { startEmbeddedPostgres } from './embedded-postgres/start.ts'
import { type Config, readConfig } from './platform/config.ts'
import { tryConnection } from './platform/connections.ts'
import { migrateJobs } from './platform/jobs.ts'
import type { Logger } from './platform/log.ts'
import { migrate } from './platform/migrate.ts'

/** What is wrong, in a person's words, without a stack: the settings, the machine, the input. */
export class Failure extends Error {}

/** The settings of `.env` and the environment. */
export function loadConfig(): Config {
  try {
    process.loadEnvFile()
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT')
      throw new Failure(`.env can't be read: ${(error as Error).message}`)
  }
  return readConfig(process.env, modules)
}

/**
 * Closes DATA_DIR to others and gives the address of the database: the one inside, started or joined, or DATABASE_URL.
 * `close` takes at most so many milliseconds.
 */
export async function openDatabase(
  config: Config,
  log: Logger,
  signal?: AbortSignal,
): Promise<{ url: string; close(withinMs?: number): Promise<void> }> {
  try {
    closeDataFolder(config.DATA_DIR)
  } catch (error) {
    throw new Failure(
      `DATA_DIR (${config.DATA_DIR}) cannot be used: ${(error as Error).message}. ` +
        'Give the folder to the user who runs Dvor, or set DATA_DIR to a folder of that user.',
    )
  }
  if (config.DATABASE_URL !== 'embedded') {
    const { host } = new URL(config.DATABASE_URL)
    await tryConnection(config.DATABASE_URL).catch((error: Error) => {
      throw new Failure(
        `The database at ${host} can't be used: ${error.message}. Check DATABASE_URL, and that it runs.`,
      )
    })
    return { url: config.DATABASE_URL, close: async () => {} }
  }
  const server = await startEmbeddedPostgres({ dataDir: config.DATA_DIR, log, signal })
  return { url: server.url, close: (withinMs) => server.stop(withinMs) }
}

/**
 * Brings the tables and the queues of every module up to date, and says which migrations ran. Beside a newer schema the
 * queues stay as the newer code made them.
 */
export async function migrateAll(url: string, config: Config): Promise<{ ran: string[]; newer: string[] }> {
  const done = await migrate(url)
  if (!done.newer.length)
    await migrateJobs(url, Object.assign({}, ...modules.map((m) => m.jobs ?? {})), {
      finishedDays: config.RETENTION_JOBS_DAYS,
      failedDays: config.RETENTION_FAILED_JOBS_DAYS,
    })
  return done
}
