import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { adminPassword, logIn, type Person, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let anna: Person
before(async () => {
  app = await startApp()
  anna = await person(app)
  for (let i = 0; i < 5; i++)
    await app.post(
      '/api/collects',
      {
        title: `Скамейки ${i}`,
        description: 'Две у арки. '.repeat(20),
        occasion: 'yard',
        ends_at: '2099-01-01T00:00:00Z',
      },
      { token: anna.token },
    )
})
after(() => app[Symbol.asyncDispose]())

type Raw = { status: number; headers: Record<string, string | undefined>; body: Buffer }
/** What goes over the wire, which fetch would unpack. */
const wire = (path: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<Raw> =>
  new Promise((done, fail) => {
    const call = request(app.url + path, { method, headers }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () =>
        done({ status: answer.statusCode!, headers: answer.headers as Raw['headers'], body: Buffer.concat(parts) }),
      )
    })
    call.on('error', fail)
    call.end(body)
  })
const encodingOf = async (path: string, headers: Record<string, string> = {}) =>
  (await wire(path, { 'accept-encoding': 'br, gzip', ...headers })).headers['content-encoding']

// Guarantee: an answer of a kilobyte or more is compressed as its caller takes it, cached or not, and says that it varies.
test('long answers are compressed as the caller takes it', async () => {
  for (const path of ['/api/collects', '/api/schema']) {
    const plain = await wire(path)
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.match(plain.headers.vary!, /accept-encoding/)
    for (const [takes, encoding, unpack] of [
      ['gzip, deflate, br', 'br', brotliDecompressSync],
      ['gzip;q=1.0, br;q=0', 'gzip', gunzipSync],
      ['deflate, gzip', 'gzip', gunzipSync],
    ] as const) {
      for (const _ of ['first', 'again']) {
        const small = await wire(path, { 'accept-encoding': takes })
        assert.deepEqual([small.status, small.headers['content-encoding']], [200, encoding], `${path} ${takes}`)
        assert.equal(Number(small.headers['content-length']), small.body.length)
        assert.ok(small.body.length < plain.body.length / 2)
        assert.deepEqual(unpack(small.body), plain.body)
      }
    }
    for (const takes of ['identity', 'br;q=0, gzip;q=0.0', 'zstd'])
      assert.equal((await wire(path, { 'accept-encoding': takes })).headers['content-encoding'], undefined, takes)
  }
  assert.equal(await encodingOf('/api/payments', { authorization: `Bearer ${anna.token}` }), undefined)
  const me = { authorization: `Bearer ${(await logIn(app, 'admin', adminPassword)).token}` }
  for (let i = 0; i < 8; i++) await person(app, { first_name: 'Длинноимённая', last_name: 'Соседка' })
  assert.equal(await encodingOf('/api/admin/users', me), 'br')
})

// Guarantee: a cached body is compressed once for all, and kept so; its tag is weak then, and both tags are known again.
test('a cached answer is kept compressed', async () => {
  const path = '/api/collects?page_size=4'
  const takes = { 'accept-encoding': 'br' }
  const crowd = await Promise.all(Array.from({ length: 20 }, () => wire(path, takes)))
  for (const { body } of crowd) assert.deepEqual(body, crowd[0]!.body)
  const small = await wire(path, takes)
  const plain = await wire(path)
  assert.deepEqual([small.headers['x-cache'], plain.headers['x-cache']], ['HIT', 'HIT'])
  assert.equal(small.headers.etag, `W/${plain.headers.etag}`)
  for (const etag of [small.headers.etag!, plain.headers.etag!])
    for (const headers of [takes, {}]) {
      const known = await wire(path, { ...headers, 'if-none-match': etag })
      assert.deepEqual([known.status, known.body.length], [304, 0])
      assert.equal(known.headers['content-encoding'], undefined)
      assert.match(known.headers.vary!, /accept-encoding/)
    }
})

// Guarantee: no secret goes out compressed, nor what only its reader may see beside what somebody typed; nor any refusal.
test('secrets are never compressed', async () => {
  const admin = { authorization: `Bearer ${(await logIn(app, 'admin', adminPassword)).token}` }
  const padding = 'x'.repeat(3000)
  const login = JSON.stringify({ username: anna.username, password: anna.password })
  const said = await wire(
    '/api/auth/login',
    { 'accept-encoding': 'br', 'content-type': 'application/json' },
    'POST',
    login,
  )
  assert.deepEqual([said.status, said.headers['content-encoding']], [200, undefined])
  assert.equal(await encodingOf('/api/admin/users?search=example', admin), undefined)
  assert.equal(await encodingOf('/api/admin/users?role=user', admin), 'br')
  assert.equal(await encodingOf('/api/outbox?page_size=100', admin), undefined)
  assert.equal(await encodingOf(`/api/collects?search=${padding.slice(0, 90)}`), undefined)
  assert.equal(await encodingOf('/api/collects?search=%D0%A1%D0%BA%D0%B0%D0%BC%D0%B5%D0%B9'), 'br', 'open to all')
})

// Guarantee: files are sent as the build has compressed them, each encoding under the same address, for ever if its name
// bears a hash; the page itself is asked for each time.
test('files of the web app are compressed by the build', { skip: !existsSync('web/dist') }, async () => {
  const assets = readdirSync('web/dist/assets')
  const script = assets.find((name) => /^libraries-.*\.js$/.test(name))!
  const plain = await wire(`/assets/${script}`)
  for (const [encoding, unpack] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    for (const path of [`/assets/${script}`, '/favicon.svg', '/collects']) {
      const headers = { 'accept-encoding': encoding, accept: 'text/html' }
      const small = await wire(path, headers)
      if (path === '/favicon.svg' && !existsSync(`web/dist/favicon.svg.${encoding === 'br' ? 'br' : 'gz'}`)) continue
      assert.deepEqual([small.status, small.headers['content-encoding']], [200, encoding], path)
      assert.match(small.headers.vary!, /accept-encoding/i)
      assert.deepEqual(unpack(small.body), (await wire(path, { accept: 'text/html' })).body)
      if (path.startsWith('/assets')) assert.deepEqual(unpack(small.body), plain.body)
      assert.match(small.headers['content-type']!, /javascript|svg|html/)
      assert.match(
        small.headers['cache-control']!,
        path.startsWith('/assets') ? /max-age=31536000, immutable/ : /no-cache/,
      )
      if (path.startsWith('/assets')) continue
      const again = await wire(path, { ...headers, 'if-none-match': small.headers.etag! })
      assert.equal(again.status, 304, path)
    }
  }
  assert.equal((await wire(`/assets/${script}.br`)).status, 404)
})
