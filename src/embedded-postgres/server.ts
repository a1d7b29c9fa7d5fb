import { execFile, spawn, spawnSync } from 'node:child_process'
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import {
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileError, type Home, type Log, StartError } from './home.ts'
import { commandOf, processesIn, startOf } from './process-owner.ts'

/** A postmaster; `start` tells it from a later process of the same pid. */
export type Server = { pid: number; start: string; port: number; ready: boolean }
export type LaunchOptions = { fast?: boolean; maxConnections?: number; settings?: Record<string, string> }

/** Why a launched server ended: 'port' and 'left over' (of a killed one) can be met by another try. */
export class LaunchFault extends StartError {
  readonly kind: 'port' | 'left over' | 'other'
  constructor(kind: LaunchFault['kind'], message: string, hint: string) {
    super(message, hint)
    this.kind = kind
  }
}

const logSizeBytes = 10 * 2 ** 20
const logFile = (home: Home) => join(home.folder, 'postgres.log')

/** Reads a small file of the database's folder; '' when it is not there. */
export function readSecret(home: Home, name: 'password' | 'port'): string {
  const path = join(home.folder, name)
  try {
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  } catch (cause) {
    throw fileError(path, cause)
  }
}

/** Writes a small file of mode 0600 whole or not at all. */
export function writeSecret(home: Home, name: 'password' | 'port', text: string): void {
  if (readSecret(home, name) === text) return
  const path = join(home.folder, name)
  const unfinished = `${path}.${randomUUID()}`
  try {
    const file = openSync(unfinished, 'wx', 0o600)
    writeSync(file, text)
    fsyncSync(file)
    closeSync(file)
    if (home.user) chownSync(unfinished, home.user.uid, home.user.gid)
    renameSync(unfinished, path)
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw fileError(path, cause)
  }
}

/** Makes the cluster beside its place and moves it there when it is whole, so that a killed start leaves none. */
export async function initialise(
  home: Home,
  username: string,
  fast: boolean,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  sweepUnfinished(home)
  log.info(`Making the database in ${home.cluster}`)
  writeSecret(home, 'password', readSecret(home, 'password') || randomBytes(24).toString('hex'))
  const unfinished = join(home.folder, `unfinished-${randomUUID()}`)
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C.UTF-8']
  const access = ['--auth=scram-sha-256', `--username=${username}`, `--pwfile=${join(home.folder, 'password')}`]
  const words = ['-D', unfinished, ...locale, ...access, '--no-instructions', ...(fast ? ['--no-sync'] : [])]
  const options = { ...home.user, signal, cwd: home.folder, env: { ...process.env, LC_ALL: 'C' } }
  const output = await new Promise<string | undefined>((done) => {
    execFile(home.binaries.initdb, words, options, (error, stdout, stderr) =>
      done(error ? `${stdout}${stderr}`.trim() || error.message : undefined),
    )
  })
  if (output === undefined) {
    renameSync(unfinished, home.cluster)
    if (process.platform !== 'win32') syncFolder(home.folder)
    return
  }
  rmSync(unfinished, { recursive: true, force: true, maxRetries: 10 })
  throw describe(output, home, 'The database could not be made')
}

/** A start that was killed leaves its folder, and its initdb goes on. */
function sweepUnfinished(home: Home): void {
  for (const name of readdirSync(home.folder).filter((name) => name.startsWith('unfinished-'))) {
    const folder = join(home.folder, name)
    const left = [...processesIn(home.folder), ...processesIn(folder)]
    for (const pid of left) if (/initdb|postgres/.test(commandOf(pid) ?? '')) kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** Refuses a cluster of another major version, which PostgreSQL would not read. */
export function checkVersion(home: Home): void {
  const path = join(home.cluster, 'PG_VERSION')
  let found: string
  try {
    found = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError(path, cause)
    throw new StartError(`${home.cluster} is there and is no database.`, 'Move that folder away and start again.')
  }
  const said = spawnSync(home.binaries.postgres, ['--version'], { ...home.user, cwd: home.folder, encoding: 'utf8' })
  const ours = /\) (\d+)/.exec(said.stdout ?? '')?.[1]
  if (!ours)
    throw new StartError(
      `The built-in PostgreSQL does not run here: ${said.error?.message ?? said.stderr.trim()}`,
      'Set DATABASE_URL=postgres://… to a PostgreSQL 15 or later that runs elsewhere.',
    )
  if (found !== ours)
    throw new StartError(
      `The database in ${home.cluster} is of PostgreSQL ${found}, and this Dvor has PostgreSQL ${ours}.`,
      `Run \`dvor backup\` with the Dvor that made it and \`dvor restore\` with this one into an empty DATA_DIR.`,
    )
}

/** The living server of a cluster, ready or not yet, whoever started it. */
export function runningServer(cluster: string): Server | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const pid = Number(lines[0])
  const start = pid > 0 ? startOf(pid) : undefined
  if (!start || !serves(pid, cluster)) return undefined
  return { pid, start, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

function serves(pid: number, cluster: string): boolean {
  const command = commandOf(pid)
  return command === undefined || (command.includes('postgres') && command.includes(cluster))
}

/** A port of loopback that is free now, outside the range from which systems take ports for outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(15_000, 30_000)
    const server = createServer()
    const free = await new Promise((done) => {
      server.once('error', () => done(false))
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => done(true))
    })
    await new Promise((done) => server.close(done))
    if (free) return port
  }
  throw new StartError('No free port was found on this machine.', 'Stop some of the programs that listen on it.')
}

function settingsOf(port: number, options: LaunchOptions): Record<string, string> {
  const megabytes = Math.floor(totalmem() / 2 ** 20)
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    max_connections: String(options.maxConnections ?? 100),
    shared_buffers: `${Math.max(16, Math.min(256, Math.floor(megabytes / 4)))}MB`,
    effective_cache_size: `${Math.floor(megabytes / 2)}MB`,
    wal_compression: 'on',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    log_line_prefix: '%m [%p] ',
    // DETAIL of an error holds what stands in rows: numbers and addresses of people.
    log_error_verbosity: 'terse',
    ...(options.fast ? { fsync: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  }
}

/**
 * Starts the server in a process group of its own, so that Ctrl-C does not reach it before we have drained, and waits
 * until it takes connections.
 */
export async function launch(home: Home, port: number, options: LaunchOptions, signal: AbortSignal): Promise<Server> {
  const log = openLog(home)
  const words = Object.entries(settingsOf(port, options)).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(home.binaries.postgres, ['-D', home.cluster, ...words], {
    ...home.user,
    detached: true,
    cwd: home.cluster,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', log.file, log.file],
  })
  closeSync(log.file)
  let ended: string | undefined
  child.once('error', (error) => (ended = error.message))
  // Of its later end the watch learns by the pid; by then the folder may be gone.
  const tellEnd = () => {
    ended = tail(home, log.sizeBytes)
  }
  child.once('exit', tellEnd)
  for (;;) {
    if (ended !== undefined) throw describe(ended, home, 'PostgreSQL did not start')
    const server = runningServer(home.cluster)
    if (server?.ready && server.pid === child.pid) {
      child.off('exit', tellEnd)
      child.unref()
      return server
    }
    if (signal.aborted && child.pid) {
      await stopServer(home, { pid: child.pid, start: startOf(child.pid) ?? '', port, ready: false }, 2000)
      throw new StartError('The start was called off.', '')
    }
    await sleep(10)
  }
}

/** The log is opened without following a link: its folder belongs to a lesser user. */
function openLog(home: Home): { file: number; sizeBytes: number } {
  const path = logFile(home)
  try {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
    const file = openSync(path, flags, 0o600)
    if (home.user) chownSync(path, home.user.uid, home.user.gid)
    return { file, sizeBytes: statSync(path).size }
  } catch (cause) {
    throw fileError(path, cause)
  }
}

const tail = (home: Home, from: number) => readFileSync(logFile(home)).subarray(from).toString('utf8').trim()

/** Keeps the last log and the one before it; the server appends, so it may be cut under its hands. */
export function shortenLog(home: Home): void {
  const path = logFile(home)
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < logSizeBytes) return
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
}

function describe(output: string, home: Home, what: string): LaunchFault {
  const last = output.split('\n').slice(-8).join('\n')
  if (/Address already in use|could not create any TCP\/IP sockets/.test(output))
    return new LaunchFault('port', `${what}: its port is taken by another program.`, `Stop that program.\n${last}`)
  if (/pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(output))
    return new LaunchFault('left over', `${what}: parts of an earlier one are still running.`, last)
  if (/No space left on device|Disk quota exceeded/.test(output))
    return new LaunchFault('other', `${what}: the disk that holds ${home.folder} is full.`, 'Free some space.')
  if (/Permission denied|Operation not permitted/.test(output))
    return new LaunchFault(
      'other',
      `${what}: no rights in ${home.folder}.`,
      `Give the folder to the user who runs Dvor.\n${last}`,
    )
  return new LaunchFault('other', `${what}:\n${last}`, `The whole log is ${logFile(home)}.`)
}

/** Ends what outlives a killed postmaster and blocks the next: its busy backends, and a pid file whose pid is not its any more. */
export function clearAfterCrash(home: Home): void {
  if (runningServer(home.cluster)) return
  for (const pid of processesIn(home.cluster)) if (commandOf(pid)?.includes('postgres')) kill(pid, 'SIGKILL')
  const file = join(home.cluster, 'postmaster.pid')
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0
  const command = pid ? commandOf(pid) : undefined
  if (command !== undefined && !command.includes('postgres')) rmSync(file, { force: true })
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Stops a server within the time: fast, with a checkpoint; in its last second at once, to recover at the next start. */
export async function stopServer(home: Home, server: Server, withinMs: number): Promise<void> {
  const runs = () => startOf(server.pid) === server.start
  const ends = async (withinMs: number) => {
    for (const until = Date.now() + withinMs; Date.now() < until && runs(); ) await sleep(10)
    return !runs()
  }
  if (!runs()) return
  if (process.platform === 'win32') {
    spawnSync(home.binaries.pg_ctl, [
      'stop',
      '-D',
      home.cluster,
      '-m',
      'fast',
      '-t',
      String(Math.ceil(withinMs / 1000)),
    ])
    return
  }
  kill(server.pid, 'SIGINT')
  if (await ends(withinMs - 1000)) return
  kill(server.pid, 'SIGQUIT')
  if (await ends(Math.min(withinMs, 700))) return
  kill(server.pid, 'SIGKILL')
  await ends(300)
}
