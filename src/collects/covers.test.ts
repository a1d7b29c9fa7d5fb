import assert from 'node:assert/strict'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { drainJobs, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { sweepFiles } from '../platform/file-sweep.ts'

let app: TestApp
let author: Person
let stranger: Person
before(async () => {
  app = await startApp()
  author = await person(app)
  stranger = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#1f6f50' } })
const fields = { title: 'Ёлка', occasion: 'new_year', ends_at: '2027-12-31T18:00:00Z', target_amount: '' }
const form = (cover: Buffer | undefined, more: Record<string, string> = {}) => {
  const data = new FormData()
  for (const [name, value] of Object.entries({ ...fields, ...more })) data.set(name, value)
  if (cover) data.set('cover', new Blob([new Uint8Array(cover)], { type: 'image/svg+xml' }), '../../evil.svg')
  return data
}
const covers = () => readdirSync(join(app.folder, 'files', 'covers'))
const bytesOf = async (path: string) => Buffer.from(await (await fetch(app.url + path)).arrayBuffer())

// Guarantee: a cover is turned by EXIF, fitted into 1200×800 and saved as JPEG without metadata, whatever its name says.
test('a cover is made fit and clean', async () => {
  const phone = await picture(800, 2400)
    .jpeg()
    .withExif({ IFD0: { Copyright: 'secret place' } })
    .withMetadata({ orientation: 6 })
    .toBuffer()
  const created = await app.post('/api/collects', undefined, { raw: form(phone), token: author.token })
  assert.equal(created.status, 201, created.text)
  assert.equal(created.body.target_amount, null)
  assert.match(created.body.cover, /^\/files\/covers\/[0-9a-f]{32}-[0-9a-f]{8}\.jpg$/)
  const shown = await bytesOf(created.body.cover)
  const { format, width, height, exif, orientation } = await sharp(shown).metadata()
  assert.deepEqual([format, width, height, exif, orientation], ['jpeg', 1200, 400, undefined, undefined])
  const kept = await app.get(created.body.cover)
  assert.match(kept.headers.get('cache-control')!, /immutable/)
  for (const kind of ['png', 'webp'] as const) {
    const small = await picture(60, 40)[kind]().toBuffer()
    const put = await app.put(`/api/collects/${created.body.id}/cover`, {
      raw: new Uint8Array(small),
      headers: { 'content-type': 'application/octet-stream' },
      token: author.token,
    })
    assert.equal(put.status, 200, put.text)
    assert.equal((await sharp(await bytesOf(put.body.cover)).metadata()).width, 60)
  }
})

// Guarantee: what is no JPEG, PNG or WebP of the allowed size is refused, and no file or row is left behind.
test('a bad cover leaves nothing', async () => {
  await drainJobs(app)
  const files = covers().length
  const { count } = (await app.get('/api/collects')).body
  const jpeg = await picture(100, 100).jpeg().toBuffer()
  const grain = { type: 'gaussian', mean: 128, sigma: 60 } as const
  const noise = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#888', noise: grain } })
    .jpeg()
    .toBuffer()
  const bad: [Buffer, number][] = [
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 415],
    [await picture(10, 10).gif().toBuffer(), 415],
    [await picture(10, 10).tiff().toBuffer(), 415],
    [Buffer.from('not a picture'), 415],
    [noise.subarray(0, noise.length / 2), 400],
    [await picture(8000, 5001).png().toBuffer(), 413],
    [Buffer.concat([jpeg, Buffer.alloc(2 << 20)]), 413],
  ]
  for (const [cover, status] of bad) {
    const answer = await app.post('/api/collects', undefined, { raw: form(cover), token: author.token })
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.headers.get('content-type')!, /problem\+json/)
  }
  const wrongField = await app.post('/api/collects', undefined, { raw: form(jpeg, { title: '' }), token: author.token })
  assert.deepEqual([wrongField.status, wrongField.body.errors[0].path], [400, '/title'])
  assert.equal((await app.post('/api/collects', undefined, { raw: form(jpeg), token: 'nobody' })).status, 401)
  assert.equal(covers().length, files)
  assert.equal((await app.get('/api/collects')).body.count, count)
})

// Guarantee: the file of a cover that was replaced or removed goes, and only its author may do either.
test('the old file goes after the change', async () => {
  const image = await picture(60, 40).jpeg().toBuffer()
  const { id, cover } = (await app.post('/api/collects', undefined, { raw: form(image), token: author.token })).body
  const path = `/api/collects/${id}/cover`
  const put = (token: string) =>
    app.put(path, { raw: new Uint8Array(image), headers: { 'content-type': 'image/jpeg' }, token })
  assert.equal((await put(stranger.token)).status, 403)
  const replaced = (await put(author.token)).body.cover
  await drainJobs(app)
  assert.equal((await app.get(cover)).status, 404)
  assert.equal((await app.get(replaced)).status, 200)
  const patched = await app.call('PATCH', `/api/collects/${id}`, {
    raw: form(image, { title: 'Новая' }),
    token: author.token,
  })
  assert.equal(patched.body.title, 'Новая')
  assert.equal((await app.delete(path, { token: stranger.token })).status, 403)
  assert.equal((await app.delete(path, { token: author.token })).status, 204)
  assert.equal((await app.delete(path, { token: author.token })).status, 204)
  await drainJobs(app)
  for (const gone of [replaced, patched.body.cover]) assert.equal((await app.get(gone)).status, 404)
  assert.equal((await app.get(`/api/collects/${id}`)).body.cover, null)
  assert.equal((await app.get('/files/covers/..%2f..%2fsecrets%2fjwt')).status, 404)
  const used = await app.platform.db
    .selectFrom('collects.collects')
    .select('cover')
    .where('cover', 'is not', null)
    .execute()
  assert.equal(covers().length, used.length)
})

// Guarantee: a retry with its key makes one collect and leaves one file.
test('a repeated upload keeps one file', async () => {
  await drainJobs(app)
  const image = await picture(60, 40).jpeg().toBuffer()
  const files = covers().length
  const many = await Promise.all(
    Array.from({ length: 5 }, () =>
      app.post('/api/collects', undefined, {
        raw: form(image),
        token: author.token,
        headers: { 'idempotency-key': 'upload' },
      }),
    ),
  )
  assert.deepEqual([...new Set(many.map((m) => m.status))], [201])
  assert.equal(new Set(many.map((m) => m.body.id)).size, 1)
  assert.equal(covers().length, files + 1)
})

// Guarantee: a file that a crash left without a collect goes within a day, and one in use stays.
test('orphans are swept', async () => {
  const image = await picture(60, 40).jpeg().toBuffer()
  const { cover } = (await app.post('/api/collects', undefined, { raw: form(image), token: author.token })).body
  const file = (name: string) => join(app.folder, 'files', 'covers', name)
  const [old, fresh] = [`${'a'.repeat(32)}-00000000.jpg`, `${'b'.repeat(32)}-00000000.jpg`]
  const yesterday = new Date(Date.now() - 86_400_000)
  for (const name of [old, fresh]) writeFileSync(file(name), image)
  for (const name of [old, cover.split('/').at(-1)]) utimesSync(file(name), yesterday, yesterday)
  await sweepFiles(app.platform, new AbortController().signal, {
    folder: 'covers',
    table: 'collects.collects',
    column: 'cover',
  })
  assert.ok(!covers().includes(old))
  assert.ok(covers().includes(fresh), 'a file of an upload under way may not be touched')
  assert.equal((await app.get(cover)).status, 200)
})
