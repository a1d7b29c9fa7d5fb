import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import pg from 'pg'
import { createFirstAdmin } from '../src/accounts/index.ts'
import { enabledModules, modules } from '../src/app.ts'
import { auditModules } from '../src/audit.ts'
import { createApp } from '../src/http/http.ts'
import { readConfig } from '../src/platform/config.ts'
import { createLogger } from '../src/platform/log.ts'
import { startLoops } from '../src/platform/loops.ts'
import type { Platform } from '../src/platform/module.ts'
import { createPlatform } from '../src/platform/platform.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers as a client would
export type Json = any
export type Answer = { status: number; headers: Headers; body: Json; text: string }
type Options = {
  body?: unknown
  headers?: Record<string, string>
  token?: string | undefined
  raw?: string | Uint8Array<ArrayBuffer> | FormData
}

/** A client of a running server; paths begin with /. Sends JSON unless `raw` is given. */
export function client(url: string) {
  async function call(method: string, path: string, { body, headers = {}, token, raw }: Options = {}): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(body === undefined || raw !== undefined ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      ...(raw !== undefined ? { body: raw } : body !== undefined ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: json && text ? JSON.parse(text) : undefined,
    }
  }
  return {
    url,
    call,
    get: (path: string, options?: Options) => call('GET', path, options),
    post: (path: string, body?: unknown, options?: Options) => call('POST', path, { body: body ?? {}, ...options }),
    patch: (path: string, body: unknown, options?: Options) => call('PATCH', path, { body, ...options }),
    put: (path: string, options?: Options) => call('PUT', path, options),
    delete: (path: string, options?: Options) => call('DELETE', path, options),
  }
}
export type Client = ReturnType<typeof client>

/** A database of its own, cloned from the migrated template; dropped at the end. */
export async function cloneDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = process.env.DVOR_TEST_SERVER
  if (!server) throw new Error('run tests by npm test: the global setup starts PostgreSQL')
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = async (text: string) => {
    const connection = new pg.Client({ connectionString: server })
    await connection.connect()
    try {
      await connection.query(text)
    } finally {
      await connection.end()
    }
  }
  await admin(`create database ${name} template template_dvor strategy file_copy`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => admin(`drop database if exists ${name} with (force)`) }
}

export const adminPassword = 'the-admin-of-tests'

/**
 * The whole product over a database of its own: API and worker in this process, listening on a free port.
 * `settings` are environment variables. Logs are kept in `logs` for tests that look into them.
 */
export async function startApp(
  settings: Record<string, string> = {},
  parts: { worker?: boolean; loops?: boolean; databaseUrl?: string } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'dvor-app-'))
  const database = parts.databaseUrl ? { url: parts.databaseUrl, drop: async () => {} } : await cloneDatabase()
  const config = readConfig(
    {
      DATA_DIR: folder,
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'debug',
      JWT_SECRET: 'a secret for tests of 32 bytes or more',
      ...settings,
    },
    modules,
  )
  const logs: string[] = []
  const log = createLogger(
    config,
    new Writable({
      write(line, _encoding, done) {
        logs.push(String(line))
        // A bug of the server should not have to be guessed from a 500.
        if (String(line).startsWith('{"level":50')) process.stderr.write(line)
        done()
      },
    }),
  )
  const enabled = enabledModules(config)
  const worker = parts.worker ?? true
  const platform = await createPlatform(config, database.url, enabled, { worker, log })
  await createFirstAdmin(platform, { username: 'admin', email: 'admin@example.org', password: adminPassword })
  if (worker) await platform.jobs.work(platform)
  const loops = [...enabled.flatMap((m) => m.loops ?? []), ...platform.jobs.loops]
  const stopLoops = worker && parts.loops !== false ? startLoops(platform, loops) : async () => {}
  const app = await createApp(platform, enabled)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    ...client(url),
    platform,
    app,
    config,
    folder,
    logs,
    databaseUrl: database.url,
    /** Runs every invariant and fails with the broken ones. */
    audit: async () => {
      const broken = (await auditModules(platform, modules)).filter((r) => r.broken)
      assert.deepEqual(broken, [])
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await stopLoops()
      await platform.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type TestApp = Awaited<ReturnType<typeof startApp>>

let people = 0
export type Person = { id: number; username: string; email: string; password: string; token: string; refresh: string }

/** Somebody who signed up and logged in. */
export async function person(app: Client, names: Record<string, string> = {}): Promise<Person> {
  const username = `person${++people}`
  const password = `password-of-${username}`
  const email = `${username}@example.org`
  const registered = await app.post('/api/auth/register', { username, email, password, ...names })
  assert.equal(registered.status, 201, registered.text)
  const { token, refresh } = await logIn(app, username, password)
  return { id: registered.body.id, username, email, password, token, refresh }
}

export async function logIn(
  app: Client,
  username: string,
  password: string,
): Promise<{ token: string; refresh: string }> {
  const login = await app.post('/api/auth/login', { username, password })
  assert.equal(login.status, 200, login.text)
  return { token: login.body.access, refresh: login.body.refresh }
}

export const logInAdmin = async (app: Client): Promise<string> => (await logIn(app, 'admin', adminPassword)).token

/** Waits until the condition gives something true; fails after the time with the words. No fixed sleeps in tests. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T> | T,
  timeoutMs = 120_000,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const result = await condition()
      if (result) return result as Exclude<NonNullable<T>, false>
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`, { cause: last })
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** Waits until no job is waiting or running. */
export const drainJobs = ({ platform }: { platform: Platform }): Promise<unknown> =>
  eventually(
    'the jobs are done',
    async () => (await platform.jobs.queues()).every((q) => q.waiting + q.active === 0),
    // Hundreds of documents may stand before it, on a core that others share.
    180_000,
  )

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** A process of the command line over an existing database; `url` once it listens. Killed at the end if it still runs. */
export async function startProcess(args: string[], settings: Record<string, string>, limits = '') {
  const port = settings.PORT ?? String(await freePort())
  // `limits` is said to the shell before the process takes its place.
  const child: ChildProcess = spawn(
    'sh',
    ['-c', `${limits} exec "$0" "$@"`, process.execPath, 'src/main.ts', ...args],
    {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PORT: port,
        RATE_LIMITS: 'off',
        LOG_FORMAT: 'json',
        JWT_SECRET: 'a secret for tests of 32 bytes or more',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  child.stdout?.on('data', (text) => (output += text))
  child.stderr?.on('data', (text) => (output += text))
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const url = `http://127.0.0.1:${port}`
  return {
    child,
    url,
    exited,
    output: () => output,
    async ready() {
      // A first start makes a database, also on a slow machine.
      await eventually(
        `${args.join(' ')} is ready`,
        async () => {
          if (child.exitCode !== null) throw new Error(output)
          return (await fetch(`${url}/health/ready`)).ok
        },
        90_000,
      )
      return client(url)
    },
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}
