import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { Type } from 'typebox'
import { eventually, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { Closed, Id } from './schemas.ts'
import { compileSchema, fieldFaultsOf } from './validation.ts'

let app: TestApp
let anna: Person
before(async () => {
  app = await startApp()
  anna = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }

/** Writes bytes as they are and returns what came back until the server or `enough` ended it. */
function talk(text: string, to = app, enough = (_: string) => false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(to.url).port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (part) => {
      answer += part
      if (enough(answer)) socket.destroy()
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
const raw = (target: string, host = 'x') => talk(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)

// Guarantee: no host and no spelling of the caller's gets into a link, least of all into one that others read from the cache.
test('links are ours', async () => {
  for (let i = 0; i < 2; i++) await app.post('/api/collects', collect, { token: anna.token })
  const { body } = await app.get('/api/collects?page_size=1')
  const links = (answer: string) => /"next":"([^"]*)"/.exec(answer)?.[1]
  assert.match(await raw('http://evil.example/api/collects?page_size=1'), /^HTTP\/1\.1 400[\s\S]*problem\+json/)
  for (const target of [
    '/api/collects?page_size=1',
    '/%61pi/c%6Fllects/?page_size=1',
    '/api/v1/collects?page_size=1',
  ]) {
    assert.equal(links(await raw(target, 'evil.example')), '/api/collects?page_size=1&page=2', target)
  }
  assert.equal((await app.get('/api/collects?page_size=1')).body.next, body.next)
})

// Guarantee: a file is read only where one belongs, and JSON has its limit also where files may be larger.
test('bodies belong somewhere', async () => {
  const zeros = new Uint8Array(1 << 20)
  for (const [path, type] of [
    ['/api/verify', 'image/png'],
    ['/api/verify', 'application/octet-stream'],
    ['/api/verify', 'multipart/form-data; boundary=b'],
    ['/api/verify', 'text/plain'],
    ['/api/collects', 'image/png'],
  ] as const) {
    const answer = await app.post(path, undefined, { raw: zeros, headers: { 'content-type': type }, token: anna.token })
    assert.deepEqual([answer.status, answer.body.code], [415, 'request.media_type'], `${path} ${type}`)
  }
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  const large = { ...collect, description: 'x'.repeat(1 << 20) }
  for (const [method, path] of [
    ['POST', '/api/collects'],
    ['PATCH', `/api/collects/${id}`],
    ['PUT', `/api/collects/${id}/cover`],
  ] as const) {
    const answer = await app.call(method, path, { body: large, token: anna.token })
    assert.deepEqual([answer.status, answer.body.code], [413, 'request.too_large'], `${method} ${path}`)
  }
})

// Guarantee: a form is told all its faults at once; a large body costs one fault, and no answer names more than 20.
test('faults are counted', async () => {
  const form = await app.post('/api/collects', { title: '', occasion: 'x', more: 1 }, { token: anna.token })
  assert.deepEqual(form.body.errors.map((e: Json) => e.path).sort(), ['/ends_at', '/more', '/occasion', '/title'])
  const keys = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`key${i}`, 0]))
  const lines = (n: number) => ({ items: Array.from({ length: n }, () => ({})) })
  for (const [path, body, most] of [
    ['/api/auth/login', keys(60), 20],
    ['/api/auth/login', keys(70_000), 1],
    ['/api/orders', lines(100), 20],
    ['/api/orders', lines(300_000), 1],
    ['/api/auth/login', { ['k'.repeat(1_000_000)]: 0, password: 'x' }, 20],
  ] as const) {
    const answer = await app.post(path, body, { token: anna.token })
    assert.equal(answer.status, 400)
    assert.ok(answer.body.errors.length >= 1 && answer.body.errors.length <= most, `${answer.body.errors.length}`)
    assert.ok(answer.text.length < 10_000, `${answer.text.length} characters`)
  }
  // What each fault costs is an object: of the largest body there is one, whatever it holds.
  const line = Closed({ product: Id(), quantity: Type.Integer() })
  const schema = Closed({ items: Type.Array(line, { maxItems: 100 }) })
  const validate = compileSchema({ schema, httpPart: 'body' })
  for (const body of [
    lines(300_000),
    keys(120_000),
    Buffer.alloc(1 << 20),
    JSON.parse('['.repeat(5000) + ']'.repeat(5000)),
  ]) {
    assert.equal(validate(body), false)
    assert.ok(validate.errors!.length <= 2, `${validate.errors!.length} faults were made`)
  }
  assert.equal(validate(lines(100)), false)
  assert.equal(fieldFaultsOf(validate.errors!).length, 20)
})

// Guarantee: a database that has no room for more is not a fault of ours, and the caller hears when to come again.
test('a full disk is 503', async () => {
  for (const [errcode, code] of [
    ['53100', 'request.no_room'],
    ['53200', 'request.busy'],
    ['53400', 'request.busy'],
  ]) {
    await app.platform.pool.query(`
      create or replace function collects.full() returns trigger language plpgsql as $$ begin
        raise exception 'full' using errcode = '${errcode}'; end $$;
      create or replace trigger full_disk before insert on collects.collects execute function collects.full()`)
    const answer = await app.post('/api/collects', collect, { token: anna.token })
    assert.deepEqual([answer.status, answer.body.code], [503, code], errcode)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
  }
  await app.platform.pool.query('drop function collects.full() cascade')
  assert.equal((await app.post('/api/collects', collect, { token: anna.token })).status, 201)
})

// Guarantee: the document is made once and known by its tag; its page loads its scripts over plain HTTP.
test('the reference is served as it is', async () => {
  const first = await app.get('/api/schema')
  const again = await app.get('/api/schema', { headers: { 'if-none-match': first.headers.get('etag')! } })
  assert.deepEqual([again.status, again.text], [304, ''])
  const swagger = app.app.swagger
  app.app.swagger = () => assert.fail('the document is made again')
  try {
    assert.equal((await app.get('/api/schema')).text, first.text)
  } finally {
    app.app.swagger = swagger
  }
  assert.equal((await app.get('/docs/json?x')).headers.get('location'), '/api/schema')
  const page = await app.get('/docs/')
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-security-policy')!, /script-src 'self'/)
  assert.doesNotMatch(page.headers.get('content-security-policy')!, /upgrade-insecure/)
})

// Guarantee: a caller who left before the head was read, so that nobody knows their address any more, is no fault of ours.
test('a caller who has left is refused', async () => {
  await using limited = await startApp({ RATE_LIMITS: 'on' }, { worker: false })
  const body = '{"username":"a","password":"b"}'
  const head = `Host: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  for (const server of [app, limited]) {
    const forget = (socket: object) => void Object.defineProperty(socket, 'remoteAddress', { value: undefined })
    server.app.server.on('connection', forget)
    const answer = await talk(`POST /api/auth/login HTTP/1.1\r\n${head}${body}`, server)
    server.app.server.off('connection', forget)
    assert.match(answer, /^HTTP\/1\.1 400[\s\S]*request\.malformed/)
  }
})

// Guarantee: a file that is refused at its head does not hold up what comes after it on its connection.
test('a refused file is read to its end', { timeout: 40_000 }, async () => {
  const token = await logInAdmin(app)
  const { id } = (await app.post('/api/houses', { address: 'ул. Новая, 1', timezone: 'Europe/Moscow' }, { token })).body
  const csv = `a;b\n${'1;2\n'.repeat(1 << 19)}`
  const form = `--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${csv}\r\n--b--\r\n`
  for (const [type, body] of [
    ['text/csv', csv],
    ['multipart/form-data; boundary=b', form],
  ] as const) {
    const head = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`
    const next = 'GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const answers = await talk(`POST /api/houses/${id}/import HTTP/1.1\r\n${head}${body}${next}`)
    assert.match(answers, /^HTTP\/1\.1 400[\s\S]*csv\.missing_column[\s\S]*HTTP\/1\.1 200/, type)
  }
})

// Guarantee: no cache keeps an answer about a person, a token or a refusal.
test('personal answers are not stored', async () => {
  const caching = async (path: string, token?: string) => (await app.get(path, { token })).headers.get('cache-control')
  for (const path of ['/api/profile/tokens', '/api/payments', '/api/orders'])
    assert.equal(await caching(path, anna.token), 'private, no-store', path)
  assert.equal(await caching('/api/profile', anna.token), 'private, no-cache')
  assert.equal(await caching('/api/collects'), 'private, no-cache')
  const login = await app.post('/api/auth/login', { username: anna.username, password: anna.password })
  assert.equal(login.headers.get('cache-control'), 'private, no-store')
  assert.match((await caching('/api/profile'))!, /no-store/)
})

// Guarantee: what comes while the server stops is refused as everything else is, with when to come again.
test('a stopping server refuses with words', async () => {
  await using other = await startApp({}, { worker: false })
  const holder = await other.platform.pool.connect()
  await holder.query('begin; lock table platform.installation')
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  const socket = connect(Number(new URL(other.url).port), '127.0.0.1')
  let answers = ''
  socket.on('data', (part) => (answers += part))
  socket.write(get('/api/organisation'))
  await eventually('the first request waits', async () => {
    const { rows } = await app.platform.pool.query(
      `select from pg_locks l join pg_database d on d.oid = l.database where not granted and d.datname = $1`,
      [new URL(other.databaseUrl).pathname.slice(1)],
    )
    return rows.length > 0
  })
  const closed = other.app.close()
  await eventually('the port is closed', () => !other.app.server.listening)
  const arrived = once(other.app.server, 'request')
  socket.write(get('/api/collects'))
  await arrived
  await holder.query('rollback')
  holder.release()
  await closed
  await eventually('both are answered', () => answers.split('HTTP/1.1 ').length === 3)
  const [, first, second] = answers.split('HTTP/1.1 ')
  assert.match(first!, /^200/)
  assert.match(second!, /^503[\s\S]*retry-after: 1[\s\S]*problem\+json[\s\S]*request\.closing/i)
  socket.destroy()
})

// Guarantee: who may not set a picture does not make the server decode one.
test('a stranger’s picture is not looked at', async () => {
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  const stranger = await person(app)
  const junk = new TextEncoder().encode('no picture at all')
  const put = (path: string, token: string) =>
    app.put(path, { raw: junk, headers: { 'content-type': 'image/png' }, token })
  assert.equal((await put(`/api/collects/${id}/cover`, anna.token)).status, 415)
  assert.equal((await put(`/api/collects/${id}/cover`, stranger.token)).status, 403)
  assert.equal((await put('/api/collects/999999/cover', stranger.token)).status, 404)
})

// Guarantee: nobody takes the server for themselves: writes, uploads and searches are counted by user, and one user's
// count is not another's; a minute later they begin anew.
test('calls have a limit', async (t) => {
  await using limited = await startApp({ RATE_LIMITS: 'on' }, { worker: false })
  const [boris, vera] = [await person(limited), await person(limited)]
  const image = new Uint8Array(
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer(),
  )
  const upload = (token: string) =>
    limited.put('/api/collects/1/cover', { raw: image, headers: { 'content-type': 'image/png' }, token })
  // The clock stands, so that a slow machine has no more than a minute either.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const count = async (call: () => Promise<{ status: number; headers: Headers }>, most: number) => {
    for (let n = 1; n <= most; n++) assert.notEqual((await call()).status, 429, `call ${n}`)
    const refused = await call()
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '60'])
  }
  await count(() => upload(boris.token), 60)
  assert.equal((await upload(vera.token)).status, 404)
  await count(() => limited.get('/api/collects?search=a', { token: boris.token }), 240)
  assert.equal((await limited.get('/api/collects', { token: boris.token })).status, 200)
  assert.equal((await limited.get('/api/collects?search=a', { token: vera.token })).status, 200)
  await count(() => limited.patch('/api/profile', {}, { token: boris.token }), 600)
  assert.equal((await limited.patch('/api/profile', {}, { token: vera.token })).status, 200)
  assert.equal((await limited.get('/api/profile', { token: boris.token })).status, 200)
  t.mock.timers.tick(60_000)
  assert.equal((await limited.patch('/api/profile', {}, { token: boris.token })).status, 200)
})

// Guarantee: only this machine and who bears the token read the metrics, also behind a proxy.
test('metrics are for the operator', async () => {
  await using proxied = await startApp({ METRICS_TOKEN: 'of the scraper', TRUST_PROXY: '127.0.0.1' }, { worker: false })
  const status = async (to: TestApp, headers: Record<string, string>) => (await to.get('/metrics', { headers })).status
  const outside = { 'x-forwarded-for': '203.0.113.7' }
  assert.equal(await status(app, {}), 200)
  assert.equal(await status(app, outside), 401)
  assert.equal(await status(app, { 'x-forwarded-for': '127.0.0.1' }), 401)
  assert.equal(await status(app, { ...outside, authorization: 'Bearer ' }), 401)
  assert.equal(await status(proxied, {}), 200)
  assert.equal(await status(proxied, outside), 401)
  assert.equal(await status(proxied, { ...outside, authorization: 'Bearer of the scraped' }), 401)
  assert.equal(await status(proxied, { ...outside, authorization: 'Bearer of the scraper' }), 200)
  const token = await logInAdmin(proxied)
  assert.equal((await proxied.get('/metrics', { headers: outside, token })).status, 401)
})

// Guarantee: what the parser of HTTP refuses is a problem as every other refusal, in the language of the installation.
test('what cannot be read is refused in words', async () => {
  for (const [text, status, code] of [
    ['GET / HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n', 400, 'request.malformed'],
    ['HELO\r\n\r\n', 400, 'request.malformed'],
    [`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'request.head_too_large'],
  ] as const) {
    const answer = await talk(text)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*content-type: application/problem\\+json`, 'i'))
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
    assert.deepEqual([problem.status, problem.code, problem.type], [status, code, `urn:dvor:problem:${code}`])
    assert.ok(problem.title && problem.detail && problem.instance)
  }
})

// Guarantee: JSON in another encoding is refused as such, whether its type says so or not, and in UTF-8 by any spelling taken.
test('JSON is taken in UTF-8', async () => {
  const body = JSON.stringify(collect)
  const send = (raw: Uint8Array<ArrayBuffer>, type = 'application/json') =>
    app.post('/api/collects', undefined, { raw, token: anna.token, headers: { 'content-type': type } })
  const utf16 = new Uint8Array(Buffer.from(body, 'utf16le'))
  const marked = new Uint8Array(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]))
  const big = new Uint8Array(Buffer.from(utf16).swap16())
  for (const answer of [
    ...(await Promise.all([utf16, marked, big].map((raw) => send(raw)))),
    await send(utf16, 'application/json; charset=utf-16'),
    await send(new Uint8Array(Buffer.from(body)), 'application/json;charset="windows-1251"'),
  ])
    assert.deepEqual([answer.status, answer.body.code], [415, 'request.charset'], answer.text)
  for (const type of ['application/json', 'application/json; charset=UTF-8', 'application/json;charset="utf8"'])
    assert.equal((await send(new Uint8Array(Buffer.from(body)), type)).status, 201, type)
})
