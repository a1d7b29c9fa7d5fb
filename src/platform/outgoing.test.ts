import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { type Outgoing, OutgoingError, openOutgoing } from './outgoing.ts'

const log = pino({ level: 'silent' })

/** An endpoint that does as it likes with each connection; `answer` gets the socket once a request arrived. */
async function endpoint(answer: (socket: Socket, nth: number) => unknown) {
  const sockets = new Set<Socket>()
  let requests = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', () => answer(socket, ++requests))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await new Promise((done) => server.close(done))
    },
  }
}

const ok = (body: string, head = '') => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${head}\r\n${body}`
const defaults = { name: 'test', timeoutMs: 300, maxBytes: 1000, concurrency: 2, log }
const call = { method: 'POST', path: '/', body: '{}' } as const

async function fails(outgoing: Outgoing, fault: string, request: Parameters<Outgoing['request']>[0] = call) {
  const started = performance.now()
  await assert.rejects(outgoing.request(request), (error) => {
    assert.ok(error instanceof OutgoingError)
    assert.equal(error.fault, fault, error.message)
    return true
  })
  return performance.now() - started
}

// Guarantee: a hostile endpoint costs at most the deadline, whichever part of the answer it holds back.
test('one deadline covers head and body', async () => {
  const hostile: Record<string, (socket: Socket) => unknown> = {
    'a head that never comes': () => {},
    'a body that never comes': (s) => s.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'),
    'a body that drips': async (s) => {
      s.write('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n')
      while (!s.destroyed) {
        s.write('x')
        await sleep(20)
      }
    },
    'a head that drips': async (s) => {
      s.write('HTTP/1.1 200 OK\r\n')
      for (let i = 0; !s.destroyed; i++) {
        s.write(`x-${i}: y\r\n`)
        await sleep(20)
      }
    },
  }
  for (const [what, answer] of Object.entries(hostile)) {
    await using server = await endpoint(answer)
    const outgoing = openOutgoing({ ...defaults, origin: server.origin })
    const ms = await fails(outgoing, 'timeout')
    assert.ok(ms >= 290 && ms < 20_000, `${what}: ${ms} ms`)
    assert.equal(outgoing.state().in_flight, 0)
    await outgoing.close()
  }
})

// Guarantee: a sound but slow endpoint gets every call, however long they queue: waiting for a turn is no failure.
test('waiting for a turn is not failing', async () => {
  let open = 0
  let most = 0
  await using server = await endpoint(async (s) => {
    most = Math.max(most, ++open)
    await sleep(700)
    open--
    s.write(ok('fine'))
  })
  const outgoing = openOutgoing({ ...defaults, timeoutMs: 3000, origin: server.origin, breaker: { failures: 2 } })
  const answers = await Promise.all(Array.from({ length: 12 }, () => outgoing.request(call)))
  assert.ok(answers.every((a) => a.status === 200))
  assert.deepEqual([outgoing.state().breaker, most, server.requests()], ['closed', 2, 12])
  await outgoing.close()
})

// Guarantee: who waits behind a call that hangs is let go by its own signal at once, and is never sent.
test('a caller ends its wait', async () => {
  await using server = await endpoint(() => {})
  const outgoing = openOutgoing({ ...defaults, timeoutMs: 60_000, origin: server.origin, concurrency: 1 })
  const first = new AbortController()
  const hanging = fails(outgoing, 'aborted', { ...call, signal: first.signal })
  assert.ok((await fails(outgoing, 'aborted', { ...call, signal: AbortSignal.timeout(50) })) < 20_000)
  first.abort()
  await hanging
  assert.equal(server.requests(), 1)
  assert.deepEqual([outgoing.state().breaker, outgoing.state().in_flight], ['closed', 0])
  await outgoing.close()
})

// Guarantee: what is no answer is a named fault: nobody there, a reset, garbage, half an answer.
test('a broken endpoint is told apart', async () => {
  const broken: [string, string, (socket: Socket) => unknown][] = [
    ['a reset', 'broken', (s) => s.resetAndDestroy()],
    ['garbage', 'broken', (s) => s.end('SMTP 220 hello\r\n\r\n')],
    ['half an answer', 'broken', (s) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')],
    ['a huge head', 'broken', (s) => s.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`)],
  ]
  for (const [what, fault, answer] of broken) {
    await using server = await endpoint(answer)
    const outgoing = openOutgoing({ ...defaults, timeoutMs: 3000, origin: server.origin })
    assert.ok((await fails(outgoing, fault)) < 3000, what)
    await outgoing.close()
  }
  const gone = await endpoint(() => {})
  await gone[Symbol.asyncDispose]()
  const outgoing = openOutgoing({ ...defaults, origin: gone.origin })
  await fails(outgoing, 'unreachable')
  await outgoing.close()
})

// Guarantee: a body over the cap is not read to its end, said or unsaid, and its connection is closed.
test('a huge body is cut off', async () => {
  let written = 0
  const flood = async (s: Socket, head: string) => {
    s.write(head)
    const megabyte = Buffer.alloc(1 << 20, 'x')
    while (!s.destroyed && written < 200) {
      written++
      if (!s.write(megabyte)) await Promise.race([once(s, 'drain'), once(s, 'close')]).catch(() => {})
    }
  }
  for (const head of ['content-length: 209715200', 'connection: close']) {
    written = 0
    await using server = await endpoint((s) => flood(s, `HTTP/1.1 200 OK\r\n${head}\r\n\r\n`))
    const outgoing = openOutgoing({ ...defaults, timeoutMs: 5000, origin: server.origin })
    await fails(outgoing, 'too_large')
    assert.ok(written < 50, `${written} MiB were taken`)
    await outgoing.close()
  }
})

// Guarantee: a redirect is an answer, not an order; the second address is never called.
test('redirects are not followed', async () => {
  await using second = await endpoint((s) => s.end(ok('secret')))
  await using first = await endpoint((s) =>
    s.end(`HTTP/1.1 307 Temporary Redirect\r\nlocation: ${second.origin}/\r\ncontent-length: 0\r\n\r\n`),
  )
  const outgoing = openOutgoing({ ...defaults, origin: first.origin })
  assert.equal((await outgoing.request(call)).status, 307)
  assert.equal(second.requests(), 0)
  await outgoing.close()
})

// Guarantee: the caller can cut a call off, and that is not held against the endpoint.
test('a caller cuts a call off', async () => {
  await using server = await endpoint((s, nth) => nth > 2 && s.write(ok('fine')))
  const outgoing = openOutgoing({ ...defaults, timeoutMs: 5000, origin: server.origin, breaker: { failures: 1 } })
  for (let i = 0; i < 2; i++)
    assert.ok((await fails(outgoing, 'aborted', { ...call, signal: AbortSignal.timeout(50) })) < 2000)
  await fails(outgoing, 'aborted', { ...call, signal: AbortSignal.abort() })
  assert.equal(outgoing.state().breaker, 'closed')
  assert.equal((await outgoing.request(call)).body.toString(), 'fine')
  assert.ok(outgoing.state().latency_ms!.p50 >= 0)
  await outgoing.close()
})

// Guarantee: an endpoint that fails in a row is left alone, is tried by one call after the pause, and comes back.
test('the breaker opens, tries with one call and closes', async () => {
  let sound = false
  await using server = await endpoint((s) =>
    s.write(sound ? ok('fine') : 'HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n'),
  )
  const breaker = { failures: 3, pauseMs: 200, longestPauseMs: 200 }
  const outgoing = openOutgoing({ ...defaults, origin: server.origin, breaker })
  for (let i = 0; i < 3; i++) assert.equal((await outgoing.request(call)).status, 500)
  assert.equal(outgoing.state().breaker, 'open')
  await fails(outgoing, 'resting')
  assert.equal(server.requests(), 3, 'nothing is sent while it rests')

  // The probe fails too: of ten calls together one goes out.
  await untilTried(outgoing)
  assert.equal(server.requests(), 4)
  sound = true
  await untilTried(outgoing)
  assert.equal(outgoing.state().breaker, 'closed')
  await outgoing.close()

  /** Ten calls at once, again and again until one of them is let through; exactly one is. */
  async function untilTried(outgoing: Outgoing) {
    const before = server.requests()
    while (server.requests() === before) {
      await Promise.allSettled(Array.from({ length: 10 }, () => outgoing.request(call)))
      await sleep(10)
    }
    assert.equal(server.requests(), before + 1)
  }
})

// Guarantee: a call that tries a resting endpoint and is cut off by its caller does not pass for a success.
test('a probe that was cut off does not close the breaker', async () => {
  await using server = await endpoint((s, nth) => nth === 1 && s.resetAndDestroy())
  const breaker = { failures: 1, pauseMs: 1, longestPauseMs: 1 }
  const outgoing = openOutgoing({ ...defaults, origin: server.origin, breaker })
  await fails(outgoing, 'broken')
  await sleep(20)
  const cut = AbortSignal.timeout(50)
  await fails(outgoing, 'aborted', { ...call, signal: cut })
  assert.equal(outgoing.state().breaker, 'open')
  await outgoing.close()
})
