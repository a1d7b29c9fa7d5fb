import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { fileError, findHome, type Home, type Log, StartError } from './home.ts'
import { claim, livingOwner, release, startOf } from './process-owner.ts'
import {
  checkVersion,
  clearAfterCrash,
  freePort,
  initialise,
  LaunchFault,
  launch,
  readSecret,
  runningServer,
  type Server,
  shortenLog,
  stopServer,
  writeSecret,
} from './server.ts'

export { StartError }

/** `owned` is false when another living process has the server; then stop() leaves it alone. Else it ends, at the latest by SIGKILL. */
export type EmbeddedPostgres = { url: string; owned: boolean; stop(withinMs?: number): Promise<void> }

export type EmbeddedPostgresOptions = {
  dataDir: string
  log: Log
  /** For tests: a power cut may lose everything. */
  fast?: boolean
  maxConnections?: number
  settings?: Record<string, string>
  /** Calls the start off; it then leaves nothing running. */
  signal?: AbortSignal | undefined
}

const database = 'dvor'
const stopMs = 8000

/**
 * Starts the PostgreSQL inside the package on DATA_DIR, or joins or adopts the one that runs there, and keeps its own
 * running at the same address until stop(). Throws StartError, which says what a person can do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = await findHome(options.dataDir, options.log)
  const deadline = Date.now() + 180_000
  for (let said = false; Date.now() < deadline; await sleep(20 + randomInt(60))) {
    options.signal?.throwIfAborted()
    const owner = claimFolder(home.folder)
    if (owner === 'mine') {
      try {
        return await own(home, options)
      } catch (error) {
        release(home.folder)
        throw error
      }
    }
    const server = runningServer(home.cluster)
    const url = server?.ready && (await urlOf(home, server.port))
    if (url) return { url, owned: false, stop: async () => {} }
    if (!said) options.log.info(`Waiting for the database that process ${owner} is starting`)
    said = true
  }
  throw new StartError(
    `Process ${livingOwner(home.folder)} has the database of ${options.dataDir}, and it does not come up.`,
    `Look into ${join(home.folder, 'postgres.log')}, or stop that process.`,
  )
}

function claimFolder(folder: string): 'mine' | number {
  try {
    return claim(folder)
  } catch (cause) {
    throw fileError(folder, cause)
  }
}

/** The address of a server that answers and has the database; undefined while it does not. */
async function urlOf(home: Home, port: number): Promise<string | undefined> {
  const url = `postgres://${database}:${readSecret(home, 'password')}@127.0.0.1:${port}/${database}`
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return url
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => {})
  }
}

async function own(home: Home, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, signal = new AbortController().signal } = options
  if (existsSync(home.cluster)) checkVersion(home)
  else await initialise(home, database, options.fast ?? false, log, signal)
  let server = (await adopt(home, log, signal)) ?? (await launchPatiently(home, options, signal, true))
  let url: string
  try {
    url = await createDatabase(home, server.port)
    signal.throwIfAborted()
  } catch (error) {
    await stopServer(home, server, stopMs)
    throw error
  }
  const stopping = new AbortController()
  const watched = supervise()

  async function supervise(): Promise<void> {
    let pauseMs = 0
    for (let startedAt = Date.now(), round = 1; !stopping.signal.aborted; round++) {
      await sleep(200, undefined, { ref: false, signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      if (startOf(server.pid) === server.start) {
        if (Date.now() - startedAt > 30_000) pauseMs = 0
        if (round % 25 === 0) shortenLog(home)
        continue
      }
      log.error(`PostgreSQL (process ${server.pid}) has ended by itself; starting it again`)
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
      pauseMs = Math.min(10_000, Math.max(250, pauseMs * 2))
      try {
        server = await launchPatiently(home, options, stopping.signal, false)
        startedAt = Date.now()
        log.warn(`PostgreSQL runs again (process ${server.pid}, the same address)`)
      } catch (error) {
        if (!stopping.signal.aborted) log.error(`PostgreSQL did not come up: ${(error as Error).message}`)
      }
    }
  }

  let stopped: Promise<void> | undefined
  async function stop(withinMs: number): Promise<void> {
    stopping.abort()
    await watched
    await stopServer(home, server, withinMs)
    release(home.folder)
  }
  return { url, owned: true, stop: (withinMs = stopMs) => (stopped ??= stop(withinMs)) }
}

/** Takes over the server that a killed owner left behind. */
async function adopt(home: Home, log: Log, signal: AbortSignal): Promise<Server | undefined> {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(25)) {
    const server = runningServer(home.cluster)
    if (!server) return undefined
    if (signal.aborted) await stopServer(home, server, stopMs)
    signal.throwIfAborted()
    if (!server.ready) continue
    log.warn(`Adopted the PostgreSQL (process ${server.pid}) whose owner was killed`)
    writeSecret(home, 'port', String(server.port))
    return server
  }
  throw new StartError(
    'A PostgreSQL that was left behind neither comes up nor ends.',
    `Look into ${join(home.folder, 'postgres.log')}.`,
  )
}

/** Launches on the port of last time and clears what a killed server leaves; `mayMove` allows another port. */
async function launchPatiently(
  home: Home,
  options: EmbeddedPostgresOptions,
  signal: AbortSignal,
  mayMove: boolean,
): Promise<Server> {
  let port = Number(readSecret(home, 'port')) || (await freePort())
  for (let attempt = 1; ; attempt++) {
    writeSecret(home, 'port', String(port))
    try {
      return await launch(home, port, options, signal)
    } catch (error) {
      if (!(error instanceof LaunchFault) || signal.aborted || attempt >= 40) throw error
      if (error.kind === 'port') {
        if (!mayMove || attempt >= 5) throw error
        const other = await freePort()
        options.log.warn(`Port ${port} is taken by another program; the database moves to port ${other}`)
        port = other
      } else if (error.kind === 'left over') {
        clearAfterCrash(home)
        await sleep(Math.min(1000, 50 * attempt))
      } else throw error
    }
  }
}

async function createDatabase(home: Home, port: number): Promise<string> {
  const url = await urlOf(home, port)
  if (url) return url
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: database,
    password: readSecret(home, 'password'),
    database: 'postgres',
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(`create database ${database}`)
  } catch (cause) {
    const { code, message } = cause as pg.DatabaseError
    if (code !== '42P04')
      throw new StartError(
        `The database does not let us in: ${message}`,
        code === '28P01'
          ? `${join(home.folder, 'password')} is not the password it was made with; put the old file back.`
          : `Look into ${join(home.folder, 'postgres.log')}.`,
        { cause },
      )
  } finally {
    await client.end().catch(() => {})
  }
  const made = await urlOf(home, port)
  if (made) return made
  throw new StartError(
    'The database was made and cannot be reached.',
    `Look into ${join(home.folder, 'postgres.log')}.`,
  )
}
