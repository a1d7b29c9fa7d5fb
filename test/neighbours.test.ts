import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { modules } from '../src/app.ts'
import { auditModules } from '../src/audit.ts'
import { type Answer, type Client, eventually } from './harness.ts'
import { proving, size } from './size.ts'
import { asNpmStarts, startWorld } from './world.ts'

// What goes wrong for one must cost its neighbours nothing: each trouble below is begun in a living installation, and
// meanwhile others read and pay. `npm run prove` holds their rate against the one without the trouble, in the same run.

type World = Awaited<ReturnType<typeof startWorld>>
const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
const megabytes = (pid: number) =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

async function listenAt(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

/** A mail server that takes connections and never says a word. */
async function silentMail() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
  })
  const port = await listenAt(server)
  return {
    url: `smtp://127.0.0.1:${port}`,
    connections: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** An SMS gateway that takes its time over each call, and counts whom it told yes. */
async function slowGateway(answerMs: number) {
  const sent = new Set<number>()
  const server = createHttp(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    setTimeout(() => {
      sent.add(JSON.parse(body).id)
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"code":0,"message":"OK"}')
    }, answerMs)
  })
  const port = await listenAt(server)
  return {
    url: `http://127.0.0.1:${port}`,
    sent,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

let mail: Awaited<ReturnType<typeof silentMail>>
let gateway: Awaited<ReturnType<typeof slowGateway>>
let world: World
let api: Client
let free: number
let locked: number
const stack = new AsyncDisposableStack()

before(async () => {
  mail = stack.use(await silentMail())
  gateway = stack.use(await slowGateway(2500))
  world = stack.use(
    await startWorld({
      commands: ['start'],
      people: 64,
      email: true,
      settings: { ...asNpmStarts(), MAIL_URL: mail.url, SMS_URL: gateway.url, DATABASE_POOL: '10' },
    }),
  )
  api = world.apis[0]!
  const made = async () => (await api.post('/api/collects', collect, { headers: world.crowd[0]!.headers })).body.id
  free = await made()
  locked = await made()
})
after(() => stack.disposeAsync())

/** So many reads and payments of neighbours, 16 at a time; how many a second. None may fail. */
async function neighbours(count: number): Promise<number> {
  let next = 0
  const wrong: string[] = []
  const began = performance.now()
  await Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      const { headers } = world.crowd[1 + (i % 32)]!
      while (next++ < count) {
        const answers = [
          await api.get(`/api/collects/${free}`),
          await api.get('/api/collects?page_size=5'),
          await api.post('/api/payments', { collect: free, amount: '5.00' }, { headers }),
        ]
        for (const answer of answers) if (answer.status >= 300) wrong.push(`${answer.status} ${answer.text}`)
      }
    }),
  )
  assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} neighbours were not served`)
  return count / ((performance.now() - began) / 1000)
}

/** Neighbours before and beside a trouble, which goes on until they are done; its own answers come back. */
async function beside(name: string, trouble: (over: () => boolean) => Promise<Answer[]>): Promise<Answer[]> {
  const count = size(40, 1500)
  const pid = world.processes[0]!.child.pid!
  await neighbours(size(10, 300))
  const before = await neighbours(count)
  let over = false
  const going = trouble(() => over)
  const during = await neighbours(count)
  over = true
  const answers = await going
  const peak = megabytes(pid)
  if (proving) {
    const ratio = during / before
    console.log(`${name}: neighbours at ${ratio.toFixed(2)} of their rate, process at most ${peak.toFixed(0)} MB`)
    assert.ok(ratio > 0.5, `${name}: neighbours at ${ratio.toFixed(2)} of their rate`)
  }
  assert.ok(peak < 400, `${peak} MB`)
  return answers
}

/** Calls, so many at a time, until it is over; at least once each. */
async function crowd(width: number, over: () => boolean, call: (n: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  let n = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      do answers.push(await call(n++))
      while (!over())
    }),
  )
  return answers
}

// Guarantee: whoever waits for a row that somebody else holds waits alone: all others read and pay as before, and the
// waiting hear 503 with Retry-After.
test('a locked row holds up only those who want it', async () => {
  await using own = new AsyncDisposableStack()
  const holder = own.adopt(new pg.Client({ connectionString: world.databaseUrl }), (c) => c.end())
  await holder.connect()
  await holder.query('begin')
  await holder.query('select from collects.collects where id = $1 for update', [locked])
  const { headers } = world.crowd[0]!
  const answers = await beside('a locked row', (over) =>
    crowd(size(60, 300), over, (n) =>
      n % 5
        ? api.post('/api/payments', { collect: locked, amount: '5.00' }, { headers })
        : api.patch(`/api/collects/${locked}`, { title: `Ёлка ${n}` }, { headers }),
    ),
  )
  assert.deepEqual([...new Set(answers.map((a) => `${a.status} ${a.body?.code}`))], ['503 request.busy'])
  assert.ok(answers.every((a) => Number(a.headers.get('retry-after')) > 0))
  await holder.query('rollback')
  assert.equal((await api.post('/api/payments', { collect: locked, amount: '5.00' }, { headers })).status, 201)
})

// Guarantee: logins that keep every thread at work take nothing from those who are in.
test('a crowd at the door', async () => {
  const answers = await beside('a crowd at the door', (over) =>
    crowd(size(40, 200), over, (n) =>
      api.post('/api/auth/login', { username: `crowd${n % 60}`, password: 'guessed it' }),
    ),
  )
  assert.ok(answers.every((a) => a.status === 401 || (a.status === 503 && Number(a.headers.get('retry-after')) > 0)))
})

// Guarantee: an SMS gateway that takes 2.5 s over each call is slow for those who wait for a code and for nobody else,
// and every code goes out.
test('a slow SMS gateway', async () => {
  const asked = 40
  let n = 0
  await beside('a slow SMS gateway', () =>
    Promise.all(
      Array.from({ length: asked }, () => api.post('/api/login', { phone: `+7999${String(1_000_000 + n++)}` })),
    ),
  )
  await eventually('every code was sent', () => gateway.sent.size === asked, 120_000)
})

// Guarantee: a database that has no room refuses what needs room with 503, goes on answering what is read, and takes
// everything again when there is room.
test('a full disk of the database', {
  skip: process.getuid?.() !== 0 && 'mounting a small disk needs root',
}, async (t) => {
  await using own = new AsyncDisposableStack()
  const disk = mkdtempSync(join(tmpdir(), 'dvor-disk-'))
  own.defer(() => rmSync(disk, { recursive: true, force: true }))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk]).status !== 0)
    return t.skip('no right to mount')
  own.defer(() => void spawnSync('umount', ['-l', disk]))
  const admin = own.adopt(new pg.Client({ connectionString: world.databaseUrl }), (c) => c.end())
  await admin.connect()
  const { rows } = await admin.query(`select current_setting('data_directory') folder`)
  const { uid, gid } = statSync(rows[0].folder)
  chownSync(disk, uid, gid)
  await admin.query(`create tablespace small location '${disk}'`)
  own.defer(async () => {
    await admin.query('drop table if exists public.ballast')
    await admin.query('alter table collects.payments set tablespace pg_default')
    await admin.query('drop tablespace small')
  })
  await admin.query('alter table collects.payments set tablespace small')
  await admin.query('create table public.ballast (x text) tablespace small')
  await assert.rejects(
    async () => {
      for (;;)
        await admin.query(`insert into public.ballast select repeat(md5(n::text), 100) from generate_series(1, 2000) n`)
    },
    { code: '53100' },
  )
  // What is left of the last page of payments is used up first.
  const { headers } = world.crowd[1]!
  const refused = await eventually('a payment is refused', async () => {
    const answer = await api.post(
      '/api/payments',
      { collect: free, amount: '5.00', comment: 'я'.repeat(500) },
      { headers },
    )
    return answer.status !== 201 && answer
  })
  assert.equal(refused.status, 503, refused.text)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal((await api.get(`/api/collects/${free}`)).status, 200)
  assert.equal((await api.get('/api/collects')).status, 200)
  await admin.query('drop table public.ballast')
  const paid = await api.post('/api/payments', { collect: free, amount: '5.00', comment: 'я'.repeat(500) }, { headers })
  assert.equal(paid.status, 201, paid.text)
})

// Guarantee: SIGTERM ends the process with code 0 within 10 s while letters wait for a silent mail server and a payment
// for a locked row; what was told is right. (The mail server has been silent during all of the above.)
test('a stop amid all of it', async () => {
  assert.ok(mail.connections() > 0)
  await using own = new AsyncDisposableStack()
  const holder = own.adopt(new pg.Client({ connectionString: world.databaseUrl }), (c) => c.end())
  await holder.connect()
  await holder.query('begin')
  await holder.query('select from collects.collects where id = $1 for update', [locked])
  const { headers } = world.crowd[0]!
  const waiting = api.post('/api/payments', { collect: locked, amount: '5.00' }, { headers }).catch(() => undefined)
  await eventually('the payment waits', async () => {
    const { rows } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length > 0
  })
  const [server] = world.processes
  const began = performance.now()
  server!.kill('SIGTERM')
  assert.equal(await server!.exited, 0, server!.output().slice(-2000))
  assert.ok(performance.now() - began < 10_500)
  const answer = await waiting
  if (answer) assert.equal(answer.status, 503)
  await holder.query('rollback')
  const broken = (await auditModules({ pool: world.pool }, modules)).filter((r) => r.broken)
  assert.deepEqual(broken, [])
})
