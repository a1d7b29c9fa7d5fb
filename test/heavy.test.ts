import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { openHeavy } from '../src/platform/heavy.ts'
import { type Answer, adminPassword, person, startApp } from './harness.ts'
import { size } from './size.ts'

const endsAt = '2027-12-31T00:00:00Z'
/** Just below 40 megapixels and far below 2 MiB; interlaced, so that it must be held whole. */
const largest = () =>
  sharp({ create: { width: 6300, height: 6300, channels: 3, background: '#1f6f50' } })
    .png({ progressive: true })
    .toBuffer()

// Guarantee: 200 logins at once beside 8 of the largest covers all succeed, and logins, downloads and reads that come
// after them are answered long before the covers are done.
test('neither logins nor large images stop the rest', async () => {
  await using app = await startApp()
  const { token } = await person(app)
  const raw = new Uint8Array(await largest())
  const collects: number[] = []
  for (let i = 0; i < 8; i++) {
    const fields = { title: `Ёлка ${i}`, occasion: 'yard', ends_at: endsAt }
    collects.push((await app.post('/api/collects', fields, { token })).body.id)
  }
  let done = 0
  const headers = { 'content-type': 'image/png' }
  const covers = collects.map(async (id) => {
    const put = await app.put(`/api/collects/${id}/cover`, { raw, headers, token })
    done++
    return put
  })
  const logIn = () => app.post('/api/auth/login', { username: 'admin', password: adminPassword })
  const logins = Array.from({ length: 200 }, logIn)
  let after = 0
  const answers: Answer[] = []
  while (done < covers.length) {
    answers.push(...(await Promise.all(['/api/schema', '/api/collects', '/health/ready'].map((p) => app.get(p)))))
    if (done < covers.length) after++
  }
  // Behind the covers there would be one or two; how many there are depends on the machine.
  assert.ok(after >= size(5, 20), `${after} rounds of reads were answered while covers were made`)
  const all = [...(await Promise.all(covers)), ...(await Promise.all(logins)), ...answers]
  assert.deepEqual([...new Set(all.map((a) => a.status))], [200])
})

// Guarantee: a login does not wait for the images that were there before it: it takes a small part of their time.
test('a login does not wait behind images', async () => {
  await using app = await startApp()
  const { token } = await person(app)
  const raw = new Uint8Array(await largest())
  const collect = await app.post('/api/collects', { title: 'Ёлка', occasion: 'yard', ends_at: endsAt }, { token })
  const headers = { 'content-type': 'image/png' }
  const begun = performance.now()
  const put = () => app.put(`/api/collects/${collect.body.id}/cover`, { raw, headers, token })
  const covers = Array.from({ length: 12 }, put)
  // By then the images have arrived.
  for (let i = 0; i < 50; i++) await app.get('/health/live')
  const asked = performance.now()
  const login = await app.post('/api/auth/login', { username: 'admin', password: adminPassword })
  const loginMs = performance.now() - asked
  assert.equal(login.status, 200)
  assert.deepEqual([...new Set((await Promise.all(covers)).map((c) => c.status))], [200])
  const part = loginMs / (performance.now() - begun)
  assert.ok(part < size(0.6, 0.3), `the login took ${part.toFixed(2)} of the time of 12 covers`)
})

// Guarantee: what a full queue can't take hears 503 with Retry-After at once, and the others are served.
test('the queue of heavy work is bounded', async () => {
  const heavy = openHeavy()
  let finish = () => {}
  const finished = new Promise<void>((done) => {
    finish = done
  })
  const work = Array.from({ length: 100 }, () => heavy('image', () => finished))
  const refused = await Promise.any(
    work.map((w) =>
      w.then(
        () => Promise.reject(),
        (error) => error,
      ),
    ),
  )
  assert.deepEqual([refused.status, refused.code, refused.retryAfterSeconds], [503, 'request.busy', 5])
  await heavy('hash', async () => {})
  finish()
  const outcomes = await Promise.allSettled(work)
  assert.ok(outcomes.filter((o) => o.status === 'fulfilled').length >= 17)
})
