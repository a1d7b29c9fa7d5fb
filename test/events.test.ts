import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { accounts } from '../src/accounts/index.ts'
import { type State, streamEvents } from '../src/http/events.ts'
import { createApp } from '../src/http/http.ts'
import { IdParams } from '../src/http/schemas.ts'
import { notFound } from '../src/platform/errors.ts'
import type { App } from '../src/platform/fastify.ts'
import type { Module } from '../src/platform/module.ts'
import { notify } from '../src/platform/notices.ts'
import { client, eventually, type Person, person, startApp, type TestApp } from './harness.ts'

let base: TestApp
let anna: Person
let app: App
let url: string
/** What the streams of this made-up module tell, by id. */
const things = new Map<number, State>()
const made: Module = {
  name: 'made',
  messages: { ru: {}, en: {} },
  invariants: [],
  routes: (app, platform) => {
    const options = (id: number) => ({
      topic: `thing ${id}`,
      read: async () => {
        const state = things.get(id)
        if (!state) throw notFound()
        return state
      },
    })
    const route = { config: { access: 'user' }, schema: { summary: 'Things', params: IdParams } } as const
    app.get('/api/things/:id/events', route, (req, reply) => streamEvents(platform, req, reply, options(req.params.id)))
    app.get('/api/things/:id/ticks', route, (req, reply) =>
      streamEvents(platform, req, reply, { ...options(req.params.id), everyMs: 20 }),
    )
    app.get('/api/things/:id/moment', route, (req, reply) =>
      streamEvents(platform, req, reply, { ...options(req.params.id), lifeMs: 20 }),
    )
  },
}
before(async () => {
  base = await startApp({}, { worker: false })
  anna = await person(base)
  app = await createApp(base.platform, [accounts, made])
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  await app.close()
  await base[Symbol.asyncDispose]()
})

let last = 0
const thing = (state: State) => {
  things.set(++last, state)
  return last
}
const tell = (id: number) => notify(base.platform.pool, `thing ${id}`)

/** An open stream: what came so far, and when it ended. */
async function open(path: string, headers: Record<string, string> = {}, origin = url) {
  const stop = new AbortController()
  const response = await fetch(origin + path, {
    headers: { authorization: `Bearer ${anna.token}`, ...headers },
    signal: stop.signal,
  })
  const stream = { response, text: '', ended: false, close: () => stop.abort() }
  void (async () => {
    try {
      for await (const part of response.body ?? []) stream.text += Buffer.from(part).toString()
    } catch {}
    stream.ended = true
  })()
  return stream
}
const event = (id: string, data: unknown) => `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`

// Guarantee: a stream tells the state now and each later one that is notified, once; its caller resumes where it was, and
// comes no more when there is nothing to wait for.
test('a stream tells what changes', async () => {
  const id = thing({ id: 'a', data: { n: 1 } })
  const first = await open(`/api/things/${id}/events`)
  assert.match(first.response.headers.get('content-type')!, /^text\/event-stream/)
  assert.equal(first.response.headers.get('cache-control'), 'private, no-store')
  await eventually('the state now', () => first.text === event('a', { n: 1 }))
  await tell(id)
  things.set(id, { id: 'b', data: { n: 2 } })
  await tell(id)
  await eventually(
    'the next state',
    () => first.text.replaceAll(':\n\n', '') === event('a', { n: 1 }) + event('b', { n: 2 }),
  )
  const second = await open(`/api/things/${id}/events`, { 'last-event-id': 'b' })
  await eventually('a sign of life', () => second.text.startsWith(':\n\n'))
  things.set(id, { id: 'c', data: { n: 3 }, done: true })
  await tell(id)
  await eventually('both end', () => first.ended && second.ended)
  assert.equal(second.text.replaceAll(':\n\n', ''), event('c', { n: 3 }))
  assert.ok(first.text.endsWith(event('c', { n: 3 })))
  assert.equal((await open(`/api/things/${id}/events`, { 'last-event-id': 'c' })).response.status, 204)
  await eventually('nothing is held', () => app.streams.size === 0)
})

// Guarantee: before the first event a refusal is a problem as anywhere; a caller who may no longer see the thing is let go.
test('a stream has the refusals of its route', async () => {
  const refused = await open('/api/things/999/events')
  assert.equal(refused.response.status, 404)
  assert.match(refused.response.headers.get('content-type')!, /problem\+json/)
  assert.equal((await client(url).get('/api/things/1/events')).status, 401)
  const id = thing({ id: 'a', data: 1 })
  const head = await client(url).call('HEAD', `/api/things/${id}/events`, { token: anna.token })
  assert.equal(head.status, 200)
  const stream = await open(`/api/things/${id}/events`)
  things.delete(id)
  await tell(id)
  await eventually('it ends', () => stream.ended)
  assert.equal(app.streams.size, 0)
})

// Guarantee: a quiet stream shows that it lives, notices what nobody notified, and ends in time to ask who its caller is.
test('a quiet stream lives and ends', async () => {
  const id = thing({ id: 'a', data: 1 })
  const stream = await open(`/api/things/${id}/ticks`)
  await eventually('signs of life', () => stream.text.split(':\n\n').length > 2)
  things.set(id, { id: 'b', data: 2 })
  await eventually('the change', () => stream.text.includes(event('b', 2)))
  stream.close()
  const short = await open(`/api/things/${id}/moment`)
  await eventually('its end', () => short.ended)
  assert.equal(short.text, event('b', 2))
})

// Guarantee: a reader who does not read is cut, whatever there is to tell, and costs the server a bounded buffer.
test('a slow reader is cut', async () => {
  const id = thing({ id: '0', data: '' })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.pause()
  socket.on('error', () => {})
  socket.write(`GET /api/things/${id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${anna.token}\r\n\r\n`)
  await eventually('it is open', () => app.streams.size === 1)
  let n = 0
  await eventually('it is cut', async () => {
    things.set(id, { id: String(++n), data: 'x'.repeat(1 << 20) })
    await tell(id)
    return app.streams.size === 0
  })
  socket.destroy()
})

// Guarantee: one user holds 20 streams at most, and others still get theirs.
test('streams have a limit', async () => {
  const id = thing({ id: 'a', data: 1 })
  const boris = await person(base)
  const streams = await Promise.all(Array.from({ length: 20 }, () => open(`/api/things/${id}/events`)))
  const refused = await open(`/api/things/${id}/events`)
  assert.deepEqual([refused.response.status, refused.response.headers.get('retry-after')], [503, '5'])
  const other = await open(`/api/things/${id}/events`, { authorization: `Bearer ${boris.token}` })
  assert.equal(other.response.status, 200)
  for (const stream of [...streams, other]) stream.close()
  await eventually('they are let go', () => app.streams.size === 0)
})

// Guarantee: a stop ends the streams and waits for none.
test('a stop ends the streams', async () => {
  const id = thing({ id: 'a', data: 1 })
  const other = await createApp(base.platform, [accounts, made])
  const stream = await open(`/api/things/${id}/events`, {}, await other.listen({ host: '127.0.0.1', port: 0 }))
  await other.close()
  await eventually('its reader sees the end', () => stream.ended)
  assert.equal(stream.text, event('a', 1))
})
