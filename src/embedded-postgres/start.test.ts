import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type EmbeddedPostgres, StartError, startEmbeddedPostgres } from './start.ts'

const root = process.getuid?.() === 0
const nobody = { uid: 65534, gid: 65534 }
const cleanUps: (() => unknown)[] = []
after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

/** A folder that every user may pass; mkdtemp's own is for its maker alone. */
function dataFolder(mode = 0o755): string {
  const folder = mkdtempSync(join(tmpdir(), 'dvor-postgres-'))
  chmodSync(folder, mode)
  cleanUps.push(() => {
    const left = postmaster(folder)
    if (left && runs(left)) process.kill(left, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  return folder
}

function recorder() {
  const lines: string[] = []
  const say = (first: object | string, second?: string) => void lines.push(String(second ?? first))
  return { lines, log: { info: say, warn: say, error: say } }
}

async function start(dataDir: string, log = recorder().log, more = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, log, fast: true, ...more })
  cleanUps.push(() => server.stop())
  return server
}

async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const withinMs = 60_000
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(20)) {
    const value = await condition()
    if (value) return value
  }
  assert.fail(`waited ${withinMs} ms in vain: ${what}`)
}

async function query(url: string, text: string): Promise<string[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat().map(String)
  } finally {
    await client.end()
  }
}

const answers = (url: string) =>
  query(url, 'select 1').then(
    () => true,
    () => false,
  )
const clusterOf = (dataDir: string) => join(dataDir, 'postgres', 'cluster')
const pidFile = (dataDir: string) => join(clusterOf(dataDir), 'postmaster.pid')
/** The pid of the server of a folder; 0 when none is noted. */
const postmaster = (dataDir: string) =>
  existsSync(pidFile(dataDir)) ? Number(readFileSync(pidFile(dataDir), 'utf8').split('\n')[0]) : 0
const runs = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

type Told = { url?: string; owned?: boolean; error?: string; hint?: string }
/** A start in a process of its own, which tells what came of it and stays until it is killed. */
function startInChild(dataDir: string, user: object = {}): { child: ChildProcess; told: Promise<Told> } {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(import.meta.resolve('./start.ts'))})
    const say = () => {}
    try {
      const server = await startEmbeddedPostgres({ dataDir: process.argv[1], fast: true, log: { info: say, warn: say, error: say } })
      process.once('SIGTERM', () => server.stop().then(() => process.exit()))
      setInterval(say, 1000)
      console.log(JSON.stringify({ url: server.url, owned: server.owned }))
    } catch (error) {
      console.log(JSON.stringify({ error: error.message, hint: error.hint }))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanUps.push(() => child.kill('SIGKILL'))
  const told = new Promise<Told>((done) => {
    createInterface({ input: child.stdout! }).once('line', (line) => done(JSON.parse(line)))
    child.once('exit', (code) => done({ error: `ended with ${code}` }))
  })
  return { child, told }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done))
}

// Guarantee: data and address outlive a stop and a second start, and the stop leaves no process.
test('a second start finds the data at the same address', async () => {
  const dataDir = dataFolder()
  const first = await start(dataDir)
  await query(first.url, "create table kept as select 'Ёлка' as name")
  const pid = postmaster(dataDir)
  await first.stop()
  assert.equal(runs(pid), false)
  assert.equal(existsSync(pidFile(dataDir)), false)
  const second = await start(dataDir)
  assert.equal(second.url, first.url)
  assert.equal(second.owned, true)
  assert.deepEqual(await query(second.url, 'select name from kept'), ['Ёлка'])
  assert.equal(statSync(join(dataDir, 'postgres', 'password')).mode & 0o777, 0o600)
  await second.stop()
})

// Guarantee: Cyrillic is searched without regard to case, times are UTC, only loopback listens, a password is asked.
test('the database knows Cyrillic, keeps UTC and lets in nobody without the password', async () => {
  const server = await start(dataFolder(), undefined, { maxConnections: 37, settings: { work_mem: '5MB' } })
  const text = "select lower('ЁЖ'), 'Жук' ilike '%жУ%', current_setting('TimeZone'), current_setting('fsync')"
  assert.deepEqual(await query(server.url, text), ['ёж', 'true', 'UTC', 'off'])
  const settings =
    "select current_setting('max_connections'), current_setting('work_mem'), current_setting('listen_addresses')"
  assert.deepEqual(await query(server.url, settings), ['37', '5MB', '127.0.0.1'])
  await assert.rejects(query(server.url.replace(/:[0-9a-f]+@/, ':wrong@'), 'select 1'), { code: '28P01' })
  await server.stop()
})

// Guarantee: a real start flushes to disk; only `fast` does not.
test('a server that is not for tests is durable', async () => {
  const server = await start(dataFolder(), undefined, { fast: false })
  const text =
    "select current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')"
  assert.deepEqual(await query(server.url, text), ['on', 'on', 'on'])
  await server.stop()
})

// Guarantee: after kill -9 of its owner the same server serves on, under the next one that starts.
test('the server of a killed owner is adopted', async () => {
  const dataDir = dataFolder()
  const { child, told } = startInChild(dataDir)
  const { url } = await told
  assert.ok(url)
  const pid = postmaster(dataDir)
  child.kill('SIGKILL')
  await ended(child)
  const { lines, log } = recorder()
  const server = await start(dataDir, log)
  assert.deepEqual([server.owned, server.url, postmaster(dataDir)], [true, url, pid])
  assert.match(lines.join('\n'), /Adopted/)
  process.kill(pid, 'SIGKILL')
  await until(
    'an adopted server is watched too',
    async () => ![0, pid].includes(postmaster(dataDir)) && (await answers(server.url)),
  )
  await server.stop()
})

// Guarantee: kill -9 of the server costs seconds, not the address, even while a query of it computes on.
test('a killed server comes back at the same address', async () => {
  const dataDir = dataFolder()
  const { lines, log } = recorder()
  const server = await start(dataDir, log)
  await query(server.url, 'create table kept as select 7 as n')
  const busy = new pg.Client(server.url)
  busy.on('error', () => {})
  await busy.connect()
  const computing = busy
    .query('select count(*) from generate_series(1, 1000000000) n where n % 7 = 3')
    .catch(() => 'lost')
  await until(
    'it computes',
    async () =>
      (
        await query(
          server.url,
          "select 1 from pg_stat_activity where query like '%1000000000%' and state = 'active' and pid <> pg_backend_pid()",
        )
      ).length,
  )
  for (let round = 0; round < 2; round++) {
    const pid = postmaster(dataDir)
    process.kill(pid, 'SIGKILL')
    await until(
      'a new server',
      () => existsSync(pidFile(dataDir)) && postmaster(dataDir) !== pid && answers(server.url),
    )
  }
  assert.equal(await computing, 'lost')
  assert.deepEqual(await query(server.url, 'select n from kept'), ['7'])
  assert.equal(lines.filter((line) => /ended by itself/.test(line)).length, 2)
  const pid = postmaster(dataDir)
  await server.stop()
  assert.equal(runs(pid), false)
  // stop() waits for the watch, which alone would start it; the proof looks for longer.
  if (process.env.DVOR_PROVE === '1') await sleep(1000)
  assert.equal(existsSync(pidFile(dataDir)), false, 'nothing starts it after stop()')
  await busy.end().catch(() => {})
})

// Guarantee: of many that start at one instant on an empty folder one owns the database and all reach it.
test('starts at the same instant share one server', async () => {
  const dataDir = dataFolder()
  const all = Array.from({ length: 4 }, () => startInChild(dataDir))
  const told = await Promise.all(all.map((one) => one.told))
  assert.deepEqual(told.map((one) => one.error).filter(Boolean), [])
  assert.equal(told.filter((one) => one.owned).length, 1)
  assert.equal(new Set(told.map((one) => one.url)).size, 1)
  const owner = all[told.findIndex((one) => one.owned)]!
  for (const one of all) if (one !== owner) one.child.kill('SIGTERM')
  await Promise.all(all.filter((one) => one !== owner).map((one) => ended(one.child)))
  assert.ok(await answers(told[0]!.url!), 'a joiner that stops leaves the server alone')
  owner.child.kill('SIGTERM')
  await ended(owner.child)
  assert.equal(await answers(told[0]!.url!), false)
  assert.deepEqual(
    readdirSync(join(dataDir, 'postgres')).filter((name) => /^(owner|unfinished)/.test(name)),
    [],
  )
})

// Guarantee: the data of another major version are named and left untouched.
test('a database of another major version is refused', async () => {
  const dataDir = dataFolder()
  await (await start(dataDir)).stop()
  writeFileSync(join(clusterOf(dataDir), 'PG_VERSION'), '16\n')
  await assert.rejects(start(dataDir), (error: StartError) => {
    assert.ok(error instanceof StartError)
    assert.match(error.message, /PostgreSQL 16.*PostgreSQL 18/)
    return /backup/.test(error.hint)
  })
  assert.equal(readFileSync(join(clusterOf(dataDir), 'PG_VERSION'), 'utf8'), '16\n')
})

// Guarantee: a port that another program took since last time is no obstacle, and the move is said.
test('a taken port is left to the program that has it', async () => {
  const dataDir = dataFolder()
  const first = await start(dataDir)
  const port = Number(new URL(first.url).port)
  await first.stop()
  const other = createServer()
  cleanUps.push(() => other.close())
  await new Promise<void>((done) => other.listen(port, '127.0.0.1', done))
  const { lines, log } = recorder()
  const second = await start(dataDir, log)
  other.close()
  assert.notEqual(new URL(second.url).port, String(port))
  assert.ok(await answers(second.url))
  assert.match(lines.join('\n'), new RegExp(`Port ${port} is taken`))
  await second.stop()
})

// Guarantee: a start killed while it makes the database leaves nothing half made.
test('a database that was half made is made again', async () => {
  const dataDir = dataFolder()
  const { child } = startInChild(dataDir)
  const folder = join(dataDir, 'postgres')
  const unfinished = await until('initdb works', () =>
    existsSync(folder)
      ? readdirSync(folder).find((name) => name.startsWith('unfinished-') && existsSync(join(folder, name, 'base')))
      : undefined,
  )
  child.kill('SIGKILL')
  await ended(child)
  assert.ok(existsSync(join(folder, unfinished)))
  assert.equal(existsSync(clusterOf(dataDir)), false)
  const server = await start(dataDir)
  assert.ok(await answers(server.url))
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('unfinished-')),
    [],
  )
  await server.stop()
})

// Guarantee: a pid file whose pid belongs to another program by now does not block the start.
test('a pid that was given again does not block', async () => {
  const dataDir = dataFolder()
  await (await start(dataDir)).stop()
  const user = root ? { uid: statSync(clusterOf(dataDir)).uid, gid: statSync(clusterOf(dataDir)).gid } : {}
  const stranger = spawn('/bin/sleep', ['600'], { ...user, stdio: 'ignore' })
  cleanUps.push(() => stranger.kill('SIGKILL'))
  const file = pidFile(dataDir)
  writeFileSync(file, `${stranger.pid}\n${clusterOf(dataDir)}\n1\n5432\n\n127.0.0.1\n0 0\nready   \n`)
  if (root) chownSync(file, user.uid!, user.gid!)
  const server = await start(dataDir)
  assert.ok(await answers(server.url))
  assert.equal(stranger.exitCode, null)
  await server.stop()
})

// Guarantee: a folder without rights is told by name, with what to do.
test('a folder that may not be written is named', { skip: !root && 'needs root' }, async (t) => {
  const reachable = spawnSync(
    '/bin/sh',
    ['-c', `test -r "${import.meta.filename}" && test -x "${process.execPath}"`],
    nobody,
  )
  if (reachable.status !== 0) return t.skip('nobody cannot pass to this checkout')
  const dataDir = dataFolder()
  const { told } = startInChild(dataDir, nobody)
  const { error, hint } = await told
  assert.match(error ?? '', new RegExp(`no right to write to ${dataDir}`))
  assert.match(hint ?? '', /DATA_DIR/)
})

// Guarantee: an ordinary user needs no root; what it made, root may run later without taking it away.
test('an ordinary user runs it, and root after it', { skip: !root && 'needs root' }, async (t) => {
  const reachable = spawnSync(
    '/bin/sh',
    ['-c', `test -r "${import.meta.filename}" && test -x "${process.execPath}"`],
    nobody,
  )
  if (reachable.status !== 0) return t.skip('nobody cannot pass to this checkout')
  const dataDir = dataFolder()
  chownSync(dataDir, nobody.uid, nobody.gid)
  const first = startInChild(dataDir, nobody)
  const { url, error } = await first.told
  assert.equal(error, undefined)
  assert.equal(statSync(join(dataDir, 'postgres')).mode & 0o777, 0o700)
  const joined = await start(dataDir)
  assert.deepEqual([joined.owned, joined.url], [false, url])
  first.child.kill('SIGTERM')
  await ended(first.child)
  const asRoot = await start(dataDir)
  assert.equal(asRoot.owned, true)
  await asRoot.stop()
  const again = startInChild(dataDir, nobody)
  assert.equal((await again.told).error, undefined)
  again.child.kill('SIGTERM')
  await ended(again.child)
})

// Guarantee: under a home that others may not pass, root's database goes elsewhere, aloud, and no mode is touched.
test('a closed home keeps its mode', { skip: !root && 'needs root' }, async () => {
  const home = dataFolder(0o700)
  const dataDir = join(home, 'data')
  mkdirSync(dataDir)
  const { lines, log } = recorder()
  const first = await start(dataDir, log)
  const [folder = ''] = readFileSync(join(dataDir, 'postgres', 'moved-to'), 'utf8').split('\n')
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  assert.match(folder, /^\/var\/lib\/dvor\/\w+$/)
  assert.ok(lines.join('\n').includes(folder))
  assert.equal(statSync(home).mode & 0o777, 0o700)
  await query(first.url, 'create table kept as select 7 as n')
  await first.stop()
  const second = await start(dataDir)
  assert.deepEqual(await query(second.url, 'select n from kept'), ['7'])
  await second.stop()
})

// Guarantee: a full disk is called a full disk.
test('a full disk is named', { skip: !root && 'needs root' }, async (t) => {
  const dataDir = dataFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=755', 'tmpfs', dataDir])
  if (mounted.status !== 0) return t.skip('no right to mount')
  cleanUps.push(() => spawnSync('umount', [dataDir]))
  await assert.rejects(
    start(dataDir),
    (error: StartError) => error instanceof StartError && /disk .* is full/.test(error.message),
  )
})
