import { setTimeout as sleep } from 'node:timers/promises'
import { enabledModules } from './app.ts'
import { firstStart } from './first-start.ts'
import { createApp } from './http/http.ts'
import { Failure, loadConfig, migrateAll, openDatabase } from './open.ts'
import { createLogger, type Logger } from './platform/log.ts'
import { startLoops } from './platform/loops.ts'
import { createPlatform } from './platform/platform.ts'

export type Parts = { api: boolean; worker: boolean; demo?: boolean }

/** When, in milliseconds since a stop began, jobs are told to give up, and when each thing is over. Ten seconds are the end. */
const budget = { signals: 5000, drained: 7000, closed: 8000, database: 9500 }

/**
 * Runs API, worker or both until the process is asked to stop, and then lets go of everything within ten seconds; also of
 * what a start that fails has opened. Throws why it failed.
 */
export async function serve(parts: Parts, say: (text: string) => void): Promise<void> {
  const config = loadConfig()
  if (parts.demo && !['127.0.0.1', 'localhost', '::1'].includes(config.HOST)) {
    throw new Failure(
      '--demo makes accounts with well-known passwords, so it only starts on a loopback HOST such as 127.0.0.1.',
    )
  }
  const log = createLogger(config)
  const asked = stopRequest(log)
  const stopped = new Promise<void>((done) => asked.addEventListener('abort', () => done(), { once: true }))
  const open = new AsyncDisposableStack()
  let stopsAt = 0
  const left = (moment: keyof typeof budget) => Math.max(0, stopsAt + budget[moment] - performance.now())
  const atMost = (moment: keyof typeof budget, work: Promise<unknown>): Promise<unknown> =>
    Promise.race([work, sleep(left(moment), undefined, { ref: false })])

  async function start(): Promise<void> {
    // Deferred before it is open: a stop in the middle must not leave a server behind.
    const database = openDatabase(config, log, asked)
    open.defer(async () => (await database.catch(() => undefined))?.close(left('database')))
    const { url } = await database
    const { newer } = await migrateAll(url, config)
    if (newer.length)
      log.warn({ migrations: newer }, 'the database is of a newer version, beside which this one can run')
    asked.throwIfAborted()
    const enabled = enabledModules(config)
    const platform = await createPlatform(config, url, enabled, { worker: parts.worker, log, stopping: asked })
    open.defer(async () => void (await atMost('closed', platform.close())))
    const drains = [() => platform.jobs.drain(left('drained'), left('signals'))]
    let cut = () => {}
    open.defer(async () => {
      await atMost('drained', Promise.all(drains.map((drain) => drain())))
      cut()
    })
    if (parts.api) await firstStart(platform, parts.demo ?? false, say)
    asked.throwIfAborted()
    if (parts.worker) {
      await platform.jobs.work(platform)
      drains.push(startLoops(platform, [...enabled.flatMap((m) => m.loops ?? []), ...platform.jobs.loops]))
    }
    if (!parts.api) return log.info('the worker is ready')
    const app = await createApp(platform, enabled)
    drains.push(async () => {
      // Whoever sends requests here reads at /health/ready that they should go elsewhere, before the port is closed.
      if (asked.aborted) await sleep(config.DRAIN_MS ?? (parts.worker || process.stdout.isTTY ? 0 : 1500))
      await app.close()
    })
    cut = () => app.server.closeAllConnections()
    await app.listen({ host: config.HOST, port: config.PORT }).catch((error) => {
      throw error.code === 'EADDRINUSE'
        ? new Failure(
            `Port ${config.PORT} of ${config.HOST} is taken. Stop what listens there, or set PORT to another one.`,
          )
        : error
    })
    log.info(`Dvor is ready: ${config.PUBLIC_URL}  (API reference: ${config.PUBLIC_URL}/docs)`)
  }

  let failure: unknown
  const starting = start()
  try {
    await Promise.race([starting, stopped])
    await stopped
  } catch (error) {
    // Asked to stop in the middle of the start: what fails then is no fault.
    if (!asked.aborted) failure = error
  }
  stopsAt = performance.now()
  setTimeout(() => {
    log.error('could not stop within 10 seconds; what is left is cut off')
    process.exit(1)
  }, 9900).unref()
  // A start under way gets a moment to notice.
  await Promise.race([starting.catch(() => {}), sleep(1000, undefined, { ref: false })])
  await open.disposeAsync().catch((error) => log.warn({ err: error }, 'a part did not close cleanly'))
  if (failure) throw failure
}

/** Aborted by the first signal that asks this process to stop, or when the process that watches over it is gone. */
function stopRequest(log: Logger): AbortSignal {
  const control = new AbortController()
  const stop = (why: string) => {
    if (control.signal.aborted) return
    log.info({ why }, 'stopping')
    control.abort()
  }
  process.on('SIGINT', () => stop('Ctrl-C'))
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGHUP', () => stop('SIGHUP'))
  // The wrapper that started us is gone, even by kill -9.
  process.on('disconnect', () => stop('its starter is gone'))
  process.channel?.unref()
  return control.signal
}
