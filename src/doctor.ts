import { randomBytes } from 'node:crypto'
import { access, constants, statfs } from 'node:fs/promises'
import pg from 'pg'
import { enabledModules } from './app.ts'
import { type Config, dataFolder } from './platform/config.ts'
import { createLogger, type Logger } from './platform/log.ts'
import { createPlatform } from './platform/platform.ts'
import { openStore } from './platform/stores.ts'

type OpenDatabase = (config: Config, log: Logger) => Promise<{ url: string; close(): Promise<void> }>

/** Looks at everything that the installation leans on and says what to do; true when all of it is sound. */
export async function examine(
  config: Config,
  openDatabase: OpenDatabase,
  say: (line: string) => void,
): Promise<boolean> {
  let sound = true
  async function check(what: string, advice: string, look: () => Promise<string>) {
    try {
      say(`ok      ${what}: ${await look()}`)
    } catch (error) {
      sound = false
      say(`FAULT   ${what}: ${(error as Error).message}\n        ${advice}`)
    }
  }
  const log = createLogger({ LOG_LEVEL: 'silent', LOG_FORMAT: 'json' })
  say('ok      settings')
  await check('data folder', 'Set DATA_DIR to a folder that this user may write, with space.', async () => {
    await access(dataFolder(config), constants.W_OK)
    const { bavail, bsize } = await statfs(config.DATA_DIR)
    const free = bavail * bsize
    if (free < 200e6) throw new Error(`only ${Math.round(free / 1e6)} MB are free`)
    return `${config.DATA_DIR}, ${Math.round(free / 1e9)} GB free`
  })
  await check('database', 'Check DATABASE_URL, or leave it out for the embedded PostgreSQL.', async () => {
    const server = await openDatabase(config, log)
    try {
      const client = new pg.Client({ connectionString: server.url, connectionTimeoutMillis: 3000 })
      await client.connect()
      const { rows } = await client.query(
        `select current_setting('server_version') v, to_regclass('public.dvor_migrations') is not null migrated`,
      )
      await client.end()
      if (Number.parseInt(rows[0].v, 10) < 15)
        throw new Error(`PostgreSQL ${rows[0].v} is too old: 15 or later is needed`)
      if (!rows[0].migrated) return `PostgreSQL ${rows[0].v}, not migrated yet (npm run dvor -- migrate)`
      const platform = await createPlatform(config, server.url, enabledModules(config), { worker: false, log })
      try {
        await check('mail', 'Check MAIL_URL; letters wait in the queue meanwhile.', async () => {
          await platform.mail.verify()
          return config.MAIL_URL.split(':')[0]!
        })
      } finally {
        await platform.close()
      }
      return `PostgreSQL ${rows[0].v}`
    } finally {
      await server.close()
    }
  })
  await check('cache', 'Check CACHE_URL; answers are right without it, only slower.', async () => {
    const store = openStore(config.CACHE_URL, 'doctor', log)
    try {
      if (config.CACHE_URL === 'off') return 'off'
      const key = randomBytes(16).toString('base64url')
      const kept = { body: Buffer.from('doctor'), etag: `"${'d'.repeat(22)}"`, validUntil: Number.POSITIVE_INFINITY }
      const deadline = performance.now() + 3000
      for (;;) {
        const fault = await store.set(key, kept).then(
          () => undefined,
          (error: Error) => error,
        )
        if (!fault) break
        if (performance.now() > deadline) throw fault
        await new Promise((done) => setTimeout(done, 100))
      }
      if ((await store.get(key))?.body.toString() !== 'doctor') throw new Error('what was kept did not come back')
      return config.CACHE_URL.split(':')[0]!
    } finally {
      await store.close()
    }
  })
  return sound
}
