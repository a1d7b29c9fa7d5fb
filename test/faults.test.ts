import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import sharp from 'sharp'
import { makeCrowd } from './crowd.ts'
import {
  cloneDatabase,
  drainJobs,
  eventually,
  freePort,
  logInAdmin,
  person,
  startApp,
  startProcess,
} from './harness.ts'
import { startMailbox } from './mailbox.ts'
import { startProxy } from './proxy.ts'
import { size } from './size.ts'

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }

for (const fault of ['cut', 'stall'] as const) {
  // Guarantee: while the database is away every call hears 503 with Retry-After within 5 s, and within 10 s of its
  // return all is well again, without a restart.
  test(`the database is away (${fault})`, async () => {
    const database = await cloneDatabase()
    const address = new URL(database.url)
    await using proxy = await startProxy({ host: address.hostname, port: Number(address.port) })
    address.port = String(proxy.port)
    address.hostname = '127.0.0.1'
    {
      await using app = await startApp({}, { databaseUrl: address.href })
      const anna = await person(app)
      const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
      await app.get('/api/collects')
      proxy[fault]()
      const began = performance.now()
      const calls = [
        app.get('/api/collects'),
        app.get('/health/ready'),
        app.post(
          '/api/payments',
          { collect: id, amount: 5 },
          { token: anna.token, headers: { 'idempotency-key': 'k' } },
        ),
        app.post('/api/collects', collect, { token: anna.token }),
      ]
      for (const call of calls) {
        const answer = await call
        assert.equal(answer.status, 503, answer.text)
        assert.ok(Number(answer.headers.get('retry-after')) > 0)
        assert.match(answer.headers.get('content-type')!, /problem\+json/)
      }
      // The product's own bound is 3 s; how long a busy machine takes for the rest is measured by the proof.
      assert.ok(performance.now() - began < size(60_000, 5000), 'the callers waited too long')
      assert.equal((await app.get('/health/live')).status, 200)
      proxy.mend()
      await eventually('all is well again', async () => (await app.get('/health/ready')).status === 200)
      const paid = await app.post(
        '/api/payments',
        { collect: id, amount: 5 },
        { token: anna.token, headers: { 'idempotency-key': 'k' } },
      )
      assert.equal(paid.status, 201)
      assert.equal((await app.get(`/api/collects/${id}`)).body.collected_amount, '5.00')
      await drainJobs(app)
    }
    await database.drop()
  })
}

// Guarantee: while the mail server is away the API does not notice, and when it returns each letter arrives once.
test('letters wait for the mail server', async () => {
  const port = await freePort()
  await using app = await startApp({ MAIL_URL: `smtp://127.0.0.1:${port}` })
  const anna = await person(app)
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  assert.equal((await app.post('/api/payments', { collect: id, amount: 5 }, { token: anna.token })).status, 201)
  await eventually('a try has failed', () =>
    app.logs.some((l) => l.includes('a job failed') && l.includes('payment_mail')),
  )
  await using mailbox = await startMailbox({ port })
  await eventually(
    'the letters are there',
    () => mailbox.letters.filter((l) => l.text.includes('multipart/alternative')).length >= 2,
  )
  await drainJobs(app)
  const payment = mailbox.letters.filter((l) => /Message-ID: <payment-/i.test(l.text))
  assert.equal(payment.length, 1)
  assert.match(payment[0]!.text, /text\/plain[\s\S]*text\/html/)
})

// Guarantee: a job that failed for good is seen by administrators with its reason, and can be sent again.
test('a failed job is kept, shown and sent again', async () => {
  const port = await freePort()
  await using app = await startApp({ MAIL_URL: `smtp://127.0.0.1:${port}` })
  const token = await logInAdmin(app)
  await app.platform.pool.query(`update pgboss.queue set retry_limit = 0 where name = 'collects.created_mail'`)
  await app.post('/api/collects', collect, { token })
  const failed = await eventually('it is shown', async () => {
    const { body } = await app.get('/api/admin/jobs', { token })
    return body.count > 0 && body.results.find((j: { queue: string }) => j.queue === 'collects.created_mail')
  })
  assert.match(failed.error, /ECONNREFUSED/)
  assert.equal((await app.post(`/api/admin/jobs/${crypto.randomUUID()}/retry`, {}, { token })).status, 404)
  assert.equal((await app.post(`/api/admin/jobs/${failed.id}/retry`, {})).status, 401)
  await using mailbox = await startMailbox({ port })
  assert.equal((await app.post(`/api/admin/jobs/${failed.id}/retry`, undefined, { token })).status, 204)
  await eventually('the letter is there', () => mailbox.letters.length === 1)
  assert.equal((await app.get('/api/admin/jobs', { token })).body.count, 0)
})

// Guarantee: when the disk takes no more, an upload is refused, and neither half a file nor a row is left.
test('a full disk refuses an upload', { skip: process.platform === 'win32' }, async () => {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const [member] = await makeCrowd(database.url, 1)
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-full-')), (f) =>
    rmSync(f, { recursive: true, force: true }),
  )
  // No file of this process may grow past 8 KiB: to a program that is what a full disk looks like.
  const server = stack.use(
    await startProcess(['api'], { DATABASE_URL: database.url, DATA_DIR: folder }, 'ulimit -f 16;'),
  )
  const api = await server.ready()
  const noise = await sharp({
    create: {
      width: 600,
      height: 400,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  })
    .png()
    .toBuffer()
  const form = new FormData()
  for (const [name, value] of Object.entries(collect)) form.set(name, value)
  form.set('cover', new Blob([new Uint8Array(noise)], { type: 'image/png' }), 'a.png')
  const refused = await api.post('/api/collects', undefined, { raw: form, headers: member!.headers })
  assert.equal(refused.status, 503, refused.text)
  assert.equal(refused.body.code, 'files.not_kept')
  assert.deepEqual(readdirSync(join(folder, 'files', 'covers')), [])
  assert.equal((await api.get('/api/collects')).body.count, 0)
  assert.equal((await api.post('/api/collects', collect, { headers: member!.headers })).status, 201)
})

// Guarantee: a wrong environment stops the start with every fault named and exit code 1.
test('every wrong setting is named', async () => {
  await using process = await startProcess(['api'], {
    PORT: 'eighty',
    CACHE_URL: 'ftp://x',
    TIMEZONE: 'Mars/Base',
    JWT_SECRET: 'short',
    MODULES: 'collects,poker',
    TRUST_PROXY: 'everyone',
  })
  assert.equal(await process.exited, 1)
  for (const name of ['PORT', 'CACHE_URL', 'TIMEZONE', 'JWT_SECRET', 'MODULES', 'TRUST_PROXY'])
    assert.match(process.output(), new RegExp(`${name} `))
  assert.doesNotMatch(process.output(), /short/)
  assert.doesNotMatch(process.output(), /at .*\.ts:/)
})

// Guarantee: a database that cannot be used is told in words, without a stack and without its password.
test('a wrong DATABASE_URL is told in words', async () => {
  const url = new URL(process.env.DVOR_TEST_SERVER!)
  url.password = 'not-the-password'
  await using process_ = await startProcess(['api'], { DATABASE_URL: url.href })
  assert.equal(await process_.exited, 1)
  assert.match(process_.output(), /The database at .* can't be used: .*Check DATABASE_URL/)
  assert.doesNotMatch(process_.output(), /not-the-password|at .*\.(ts|js):/)
})

// Guarantee: a process with another secret than its database's does not start, and says why.
test('another JWT_SECRET is refused', async () => {
  const database = await cloneDatabase()
  {
    await using first = await startProcess(['api'], { DATABASE_URL: database.url })
    await first.ready()
    await using second = await startProcess(['api'], {
      DATABASE_URL: database.url,
      JWT_SECRET: 'another secret of 32 bytes or even more',
    })
    assert.equal(await second.exited, 1)
    assert.match(second.output(), /JWT_SECRET differs/)
  }
  await database.drop()
})

// Guarantee: a request to stop ends within 10 s, with the requests under way answered.
test('SIGTERM finishes what is under way', async () => {
  const database = await cloneDatabase()
  const [member] = await makeCrowd(database.url, 1)
  {
    await using server = await startProcess(['start'], { DATABASE_URL: database.url })
    const api = await server.ready()
    const { id } = (await api.post('/api/collects', collect, { headers: member!.headers })).body
    const answers = Array.from({ length: 50 }, () =>
      api.post('/api/payments', { collect: id, amount: 1 }, { headers: member!.headers }),
    )
    await answers[0]
    const began = performance.now()
    server.kill('SIGTERM')
    const settled = await Promise.allSettled(answers)
    assert.equal(await server.exited, 0, server.output())
    assert.ok(performance.now() - began < 10_000)
    for (const answer of settled) if (answer.status === 'fulfilled') assert.ok([201, 503].includes(answer.value.status))
    const told = settled.filter((a) => a.status === 'fulfilled' && a.value.status === 201).length
    await using again = await startProcess(['api'], { DATABASE_URL: database.url })
    const { payments_count } = (await (await again.ready()).get(`/api/collects/${id}`)).body
    assert.equal(payments_count, told)
  }
  await database.drop()
})
