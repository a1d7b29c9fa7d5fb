import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import sharp from 'sharp'
import { type Answer, person } from './harness.ts'
import { asNpmStarts, startWorld } from './world.ts'

// Guarantee: a server that is started as npm starts it stays under 400 MB with a crowd at the door: hundreds of logins,
// covers of 27 megapixels, thousands of payments and lists, each wave at once.
test('a crowd costs less than 400 MB', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  await using world = await startWorld({
    commands: ['start'],
    people: 1,
    settings: { ...asNpmStarts(), DATABASE_POOL: '10' },
  })
  const api = world.apis[0]!
  const headers = world.crowd[0]!.headers
  const { pid } = world.processes[0]!.child
  const most: Record<string, number> = {}
  const wave = async (what: string, count: number, call: () => Promise<Answer>) => {
    const answers = await Promise.all(Array.from({ length: count }, call))
    assert.deepEqual(
      answers.filter(({ status }) => status >= 400 && status !== 503).map(({ text }) => text),
      [],
    )
    most[what] = Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
  }
  const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  const { id } = (await api.post('/api/collects', collect, { headers })).body
  const picture = { create: { width: 5200, height: 5200, channels: 3 as const, background: '#1f6f50' } }
  const raw = new Uint8Array(await sharp(picture).png({ progressive: true }).toBuffer())
  const image = { raw, headers: { ...headers, 'content-type': 'image/png' } }
  const { username, password } = await person(api)
  await wave('logins', 300, () => api.post('/api/auth/login', { username, password }))
  await wave('covers', 8, () => api.put(`/api/collects/${id}/cover`, image))
  await wave('payments', 3000, () => api.post('/api/payments', { collect: id, amount: 1 }, { headers }))
  await wave('lists', 3000, () => api.get('/api/collects?page_size=100'))
  process.stderr.write(`most memory so far, in MB: ${JSON.stringify(most)}\n`)
  assert.ok(most.lists! < 400, JSON.stringify(most))
})
