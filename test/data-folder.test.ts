import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import sharp from 'sharp'
import { cloneDatabase, eventually, logIn, person, startProcess } from './harness.ts'
import { addProduct, bought } from './shop.ts'

/** A database and a DATA_DIR that nobody used yet. */
async function ground() {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-data-')), (f) =>
    rmSync(f, { recursive: true, force: true }),
  )
  const pool = stack.adopt(new pg.Pool({ connectionString: database.url, max: 1 }), (p) => p.end())
  const owned = stack.move()
  const settings = { DATABASE_URL: database.url, DATA_DIR: folder, JWT_SECRET: '' }
  return {
    folder,
    pool,
    settings,
    start: (command: string, more = {}, limits = '') => startProcess([command], { ...settings, ...more }, limits),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const walk = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? [path, ...walk(path)] : [path]
  })

// Guarantee: letters, uploads, documents and secrets are read by nobody but their owner, also those that an earlier version
// left open to all.
test('what lies in DATA_DIR is its owner’s alone', { skip: process.platform === 'win32' }, async () => {
  await using place = await ground()
  const { folder } = place
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'files', 'covers'), { recursive: true })
  mkdirSync(join(folder, 'emails'))
  for (const old of ['files/covers/old.jpg', 'emails/old.eml', 'note'])
    writeFileSync(join(folder, old), 'old', { mode: 0o644 })
  await using server = await place.start('start', { ADMIN_PASSWORD: 'the-admin-of-tests' }, 'umask 022;')
  const api = await server.ready()
  const { token } = await logIn(api, 'admin', 'the-admin-of-tests')
  const anna = await person(api)
  const form = new FormData()
  for (const [name, value] of Object.entries({ title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }))
    form.set(name, value)
  const picture = await sharp({ create: { width: 90, height: 60, channels: 3, background: '#888' } })
    .png()
    .toBuffer()
  form.set('cover', new Blob([new Uint8Array(picture)], { type: 'image/png' }), 'a.png')
  assert.equal((await api.post('/api/collects', undefined, { raw: form, token: anna.token })).status, 201)
  const product = await addProduct(api, token)
  await bought(api, anna.token, [product.id, 1])
  const made = ['files/covers', 'files/documents', 'emails', 'secrets'].map((name) => join(folder, name))
  await eventually('all of it is there', () =>
    made.every((path) => existsSync(path) && readdirSync(path).some((name) => !name.startsWith('old'))),
  )
  assert.equal(modeOf(folder), process.getuid?.() === 0 ? '711' : '700')
  for (const path of walk(folder)) assert.equal(modeOf(path), statSync(path).isDirectory() ? '700' : '600', path)
})

// Guarantee: the secret is made whole and once; one that is lost or cut short stops the start with words, unless nothing
// is lost with it: then another is made.
test('a secret that is cut short signs nothing', async () => {
  await using place = await ground()
  const file = join(place.folder, 'secrets', 'jwt')
  const starts = async () => {
    await using server = await place.start('api', { ADMIN_PASSWORD: 'the-admin-of-tests' })
    await server.ready()
    return server.output()
  }
  const refused = async (words: RegExp) => {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    await using server = await place.start('api')
    assert.equal(await server.exited, 1)
    assert.match(server.output(), words)
    assert.doesNotMatch(server.output(), /at .*\.ts:/)
    assert.equal(existsSync(file) ? readFileSync(file, 'utf8') : undefined, before)
  }
  await starts()
  const secret = readFileSync(file, 'utf8')
  assert.equal(secret.length, 64)
  assert.deepEqual(readdirSync(join(place.folder, 'secrets')), ['jwt'])
  await starts()
  assert.equal(readFileSync(file, 'utf8'), secret)

  writeFileSync(file, '')
  await refused(/secrets\/jwt was cut short \(it has 0 bytes\)\. Put back the file/)
  writeFileSync(file, secret.slice(0, 31))
  await refused(/secrets\/jwt was cut short \(it has 31 bytes\)/)
  rmSync(file)
  await refused(/secrets\/jwt is not there/)
  writeFileSync(file, secret)
  await starts()

  // An earlier version took an empty file for the secret.
  writeFileSync(file, '')
  await place.pool.query(
    `update platform.installation set secret_fingerprint = left(encode(sha256('fingerprint '), 'hex'), 16)`,
  )
  assert.match(await starts(), /The secret was cut short by a crash; a new one is made/)
  const next = readFileSync(file, 'utf8')
  assert.ok(next.length === 64 && next !== secret)
  await place.pool.query('update platform.installation set secret_fingerprint = null')
  writeFileSync(file, next.slice(0, 9))
  await starts()
  assert.equal(readFileSync(file, 'utf8').length, 64)
})

// Guarantee: of processes that start together the one that made the first administrator tells of the password, and where
// its words are no terminal, only the name of a file that nobody else reads.
test('the first password stands in no log', async () => {
  await using place = await ground()
  await using first = await place.start('api')
  await using second = await place.start('api')
  await using worker = await place.start('worker')
  const api = await first.ready()
  await second.ready()
  await eventually('the worker is ready', () => worker.output().includes('the worker is ready'))
  const file = join(place.folder, 'first-password')
  const password = readFileSync(file, 'utf8').trim()
  await logIn(api, 'admin', password)
  assert.equal(modeOf(file), '600')
  const told = [first, second, worker].map((p) => p.output().split('The first administrator is admin').length - 1)
  assert.deepEqual([told[0]! + told[1]!, told[2]], [1, 0])
  for (const { output } of [first, second, worker]) assert.ok(!output().includes(password))
  assert.ok(first.output().concat(second.output()).includes(file))
  assert.deepEqual(
    readdirSync(place.folder).filter((name) => name.startsWith('first-password')),
    ['first-password'],
  )
})
