import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { enabledModules, modules } from '../src/app.ts'
import { readConfig } from '../src/platform/config.ts'
import { createPlatform } from '../src/platform/platform.ts'
import { makeCrowd } from './crowd.ts'
import { cloneDatabase, eventually, freePort, startProcess } from './harness.ts'

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }

/** A folder for an embedded database, which root's `postgres` may pass to. */
function dataFolder(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'dvor-stop-'))
  chmodSync(folder, 0o755)
  return stack.adopt(folder, (f) => rmSync(f, { recursive: true, force: true, maxRetries: 10 }))
}
/** Processes whose working folder lies in this one: the server, its backends, initdb. */
const processesIn = (folder: string) =>
  readdirSync('/proc')
    .filter((pid) => Number(pid) > 0)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
      } catch {
        return false
      }
    })
const secret = (folder: string, name: string) => readFileSync(join(folder, 'postgres', name), 'utf8')
const urlOf = (folder: string) =>
  `postgres://dvor:${secret(folder, 'password')}@127.0.0.1:${secret(folder, 'port')}/dvor`

const linux = { skip: process.platform !== 'linux' && 'looks at processes through /proc' }

// Guarantee: whatever hangs, a payment behind a locked row or a letter for a silent mail server, a stop ends within 10 s
// with code 0, and the embedded database with it.
test('a stop waits for nobody longer than its budget', linux, async () => {
  await using stack = new AsyncDisposableStack()
  const folder = dataFolder(stack)
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => sockets.add(socket.on('error', () => {})))
  const port = await freePort()
  await new Promise<void>((done) => silent.listen(port, '127.0.0.1', done))
  stack.defer(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const server = stack.use(
    await startProcess(['start'], {
      DATABASE_URL: 'embedded',
      DATA_DIR: folder,
      MAIL_URL: `smtp://127.0.0.1:${port}`,
    }),
  )
  const api = await server.ready()
  const [member] = await makeCrowd(urlOf(folder), 1, true)
  const { id } = (await api.post('/api/collects', collect, { headers: member!.headers })).body
  await eventually('a letter waits for the mail server', () => sockets.size > 0)
  const rival = new pg.Client(urlOf(folder))
  rival.on('error', () => {})
  stack.defer(() => rival.end().catch(() => {}))
  await rival.connect()
  await rival.query('begin')
  await rival.query('select from collects.collects where id = $1 for update', [id])
  const payment = api.post('/api/payments', { collect: id, amount: 5 }, { headers: member!.headers })
  const outcome = payment.then(
    (answer) => answer.status,
    () => 'cut',
  )
  await eventually('the payment waits', async () => {
    const { rows } = await rival.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`)
    return rows.length > 0
  })
  const began = performance.now()
  server.kill('SIGTERM')
  assert.equal(await server.exited, 0, server.output())
  assert.ok(performance.now() - began < 10_000, `it took ${performance.now() - began} ms`)
  assert.ok([503, 'cut'].includes(await outcome))
  assert.deepEqual(processesIn(folder), [])
})

// Guarantee: a start that is stopped or fails in the middle leaves no process behind.
test('half a start leaves nothing running', linux, async () => {
  await using stack = new AsyncDisposableStack()
  const folder = dataFolder(stack)
  const settings = { DATABASE_URL: 'embedded', DATA_DIR: folder }
  const first = stack.use(await startProcess(['start'], settings))
  const inside = join(folder, 'postgres')
  await eventually(
    'initdb works',
    () => existsSync(inside) && readdirSync(inside).some((n) => n.startsWith('unfinished-')),
  )
  first.kill('SIGTERM')
  assert.equal(await first.exited, 0, first.output())
  await eventually('initdb has ended', () => processesIn(folder).length === 0)

  const taken = createServer()
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
  stack.defer(() => void taken.close())
  const { port } = taken.address() as { port: number }
  const second = stack.use(await startProcess(['start'], { ...settings, PORT: String(port) }))
  assert.equal(await second.exited, 1)
  assert.match(second.output(), /Port \d+ of 127\.0\.0\.1 is taken/)
  assert.deepEqual(processesIn(folder), [])
})

// Guarantee: what a start had opened when it failed is closed, so that whoever called it may try again for ever.
test('a start that fails gives its connections back', async () => {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-half-')), (f) => rmSync(f, { recursive: true }))
  const client = new pg.Client(database.url)
  stack.defer(() => client.end())
  await client.connect()
  await client.query('drop schema pgboss cascade')
  const config = readConfig({ DATA_DIR: folder, LOG_LEVEL: 'silent' }, modules)
  for (let attempt = 0; attempt < 3; attempt++)
    await assert.rejects(createPlatform(config, database.url, enabledModules(config), { worker: true }))
  await eventually('no connection is left', async () => {
    const { rows } = await client.query(
      'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    return rows.length === 0
  })
})

// Guarantee: before the port closes, whoever sends requests here is told to go elsewhere, and is served meanwhile.
test('a stop says so before it closes the port', async () => {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const server = stack.use(await startProcess(['api'], { DATABASE_URL: database.url, DRAIN_MS: '4000' }))
  const api = await server.ready()
  server.kill('SIGTERM')
  const refused = await eventually('it says that it stops', async () => {
    const answer = await api.get('/health/ready')
    return answer.status === 503 && answer
  })
  assert.equal(refused.body.code, 'request.closing')
  assert.equal(refused.headers.get('retry-after'), '1')
  assert.equal((await api.get('/api/collects')).status, 200)
  assert.equal(await server.exited, 0, server.output())
})
