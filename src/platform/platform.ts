import { createHmac } from 'node:crypto'
import { createCache, databaseId } from './cache.ts'
import { type Config, dataFolder } from './config.ts'
import { openConnections } from './connections.ts'
import { createDb } from './database.ts'
import { openFiles } from './files.ts'
import { openHeavy } from './heavy.ts'
import { createTranslate } from './i18n.ts'
import { openJobs } from './jobs.ts'
import { createLogger } from './log.ts'
import { openMail } from './mail.ts'
import { databaseConnections } from './metrics.ts'
import { broughtBy, type Module, type Platform } from './module.ts'
import { openNotices } from './notices.ts'
import { openSecret } from './secret.ts'
import { openStore } from './stores.ts'
import { openThreads } from './threads.ts'

/** Everything that the modules stand on, over a migrated database; `close` gives it all back. */
export async function createPlatform(
  config: Config,
  databaseUrl: string,
  modules: Module[],
  options: { worker: boolean; patient?: boolean; log?: Platform['log']; stopping?: AbortSignal } = { worker: false },
): Promise<Platform & { close(): Promise<void> }> {
  const log = options.log ?? createLogger(config)
  // What is open when a start fails is closed, in the order against that of its opening, and so is all at the end.
  await using opened = new AsyncDisposableStack()
  const connections = opened.adopt(
    await openConnections(databaseUrl, { ...options, max: config.DATABASE_POOL, log }),
    (it) => it.close(),
  )
  const { pool, quickPool, batchPool } = connections
  const db = createDb(pool)
  const secret = await openSecret(db, config, log)
  const derive = (purpose: string, value: string) =>
    createHmac('sha256', secret).update(`${purpose}\n${value}`).digest()
  const translate = createTranslate(modules.map((m) => m.messages))
  const store = openStore(config.CACHE_URL, derive('cache', '').toString('hex'), log)
  const known = createCache(quickPool, store, log, await databaseId(quickPool))
  const cache = opened.adopt(known, (it) => it.close().catch(() => {}))
  const notices = opened.adopt(openNotices(databaseUrl, log), (it) => it.close())
  const owned = new Map<unknown, { value: unknown; close?: ((value: never) => unknown) | undefined }>()
  opened.defer(async () => {
    for (const { value, close } of owned.values()) await Promise.resolve(close?.(value as never)).catch(() => {})
  })
  const threads = opened.adopt(openThreads(), (it) => it.close())
  const jobs = await openJobs<Platform>({
    url: databaseUrl,
    kinds: Object.assign({}, ...modules.map((m) => m.jobs ?? {})),
    log,
    timeZone: config.TIMEZONE,
    concurrency: config.WORKER_CONCURRENCY,
    worker: options.worker,
  })
  opened.defer(() => jobs.close())
  const platform: Platform = {
    config,
    ...broughtBy(modules),
    log,
    stopping: options.stopping ?? new AbortController().signal,
    db,
    pool,
    quickPool,
    batchPool,
    async measure() {
      const measured = await Promise.allSettled(modules.map((module) => module.measure?.(platform)))
      for (const one of measured) if (one.status === 'rejected') log.debug({ err: one.reason }, 'a gauge was not read')
    },
    ready: connections.ready,
    cache,
    jobs,
    notices,
    files: openFiles(dataFolder(config, 'files')),
    draw: threads.draw,
    heavy: openHeavy(),
    translate,
    derive,
    own(open, close) {
      let mine = owned.get(open)
      if (!mine) {
        mine = { value: open(platform), close }
        owned.set(open, mine)
      }
      return mine.value as ReturnType<typeof open>
    },
    mail: openMail(config),
    secrets: Object.assign({}, ...modules.map((m) => m.secrets ?? {})),
  }
  const gauges = setInterval(() => {
    databaseConnections.set({ state: 'idle' }, pool.idleCount)
    databaseConnections.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
    databaseConnections.set({ state: 'waiting' }, pool.waitingCount)
  }, 5000).unref()
  opened.defer(() => clearInterval(gauges))
  opened.defer(() => platform.mail.close())
  const all = opened.move()
  return Object.assign(platform, {
    async close() {
      await jobs.drain(8000)
      await all.disposeAsync()
    },
  })
}
