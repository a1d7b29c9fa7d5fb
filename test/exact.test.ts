import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modules } from '../src/app.ts'
import { auditModules } from '../src/audit.ts'
import { createApp } from '../src/http/http.ts'
import { type Client, eventually, type Json, person, startApp } from './harness.ts'
import { size } from './size.ts'
import { type StoreName, withoutStore } from './stores.ts'
import { startWorld } from './world.ts'

const kopecks = (amount: string) => Math.round(Number(amount) * 100)

const twoProcesses = (store: StoreName, people: number) => startWorld({ commands: ['api', 'api'], store, people })

for (const store of ['memory', 'redis', 'memcached'] as const) {
  // Guarantee: with 200 people paying at once over two processes, and the store losing answers meanwhile, totals,
  // donors and feed are exact; no reader sees a sum that differs from its feed, nor misses an acknowledged payment.
  test(`200 people pay one collect: exact at every instant (${store})`, { skip: withoutStore(store) }, async () => {
    await using world = await twoProcesses(store, 200)
    const { apis, crowd, cache, pool } = world
    const [first, second] = apis as [Client, Client]
    const { id } = (
      await first.post(
        '/api/collects',
        { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' },
        { headers: crowd[0]!.headers },
      )
    ).body
    await Promise.all(apis.map((api) => api.get(`/api/collects/${id}`)))
    const acknowledged = new Set<number>()
    let over = false
    let reads = 0

    const read = async (api: Client) => {
      while (!over) {
        const before = [...acknowledged]
        const feed = await api.get(`/api/collects/${id}/payments?page_size=100`)
        const ids = new Set(feed.body.results.map((p: Json) => p.id))
        for (const known of before)
          assert.ok(ids.has(known), `the feed misses payment ${known}, acknowledged before it was asked for`)
        assert.equal(feed.body.count, ids.size)

        const known = [...acknowledged]
        const detail = (await api.get(`/api/collects/${id}`)).body
        assert.ok(detail.payments_count >= known.length, 'the collect is older than an acknowledged payment')
        if (detail.payments_count <= 20) {
          const sum = detail.payments.reduce((s: number, p: Json) => s + kopecks(p.amount), 0)
          assert.equal(sum, kopecks(detail.collected_amount))
        }
        const listed = (await api.get('/api/collects?status=active')).body.results[0]
        assert.ok(listed.payments_count >= known.length, 'the list is older than an acknowledged payment')
        reads += 3
      }
    }
    const disturb = async () => {
      while (!over) {
        await cache.flush()
        await new Promise((done) => setTimeout(done, 15))
      }
    }
    const readers = Promise.all([...apis, ...apis].map(read))
    const disturber = disturb()

    // Two people share each transaction_id: one of them is told so.
    const outcomes: number[] = []
    const pay = (from: number, to: number) =>
      Promise.all(
        crowd.slice(from, to).map(async ({ headers }, n) => {
          const i = from + n
          const body = { collect: id, amount: `${1 + (i % 100)}.${10 + (i % 90)}`, transaction_id: `t-${i % 100}` }
          const answer = await apis[i % 2]!.post('/api/payments', body, { headers })
          outcomes.push(answer.status)
          if (answer.status === 201) acknowledged.add(answer.body.id)
          else assert.equal(answer.body.code, 'collects.transaction_id_taken', answer.text)
        }),
      )
    const readMore = async () => {
      const goal = reads + 12
      await eventually('the readers go on', () => reads >= goal)
    }
    try {
      // Half of them at once, and the other half once readers have filled the store again.
      for (const half of [0, 100]) {
        await Promise.race([pay(half, half + 100), readers])
        await Promise.race([readMore(), readers])
      }
    } finally {
      over = true
    }
    await readers
    await disturber

    assert.equal(outcomes.filter((s) => s === 201).length, 100)
    assert.equal(outcomes.filter((s) => s === 409).length, 100)
    const detail = (await second.get(`/api/collects/${id}`)).body
    const feed = (await first.get(`/api/collects/${id}/payments?page_size=100`)).body.results
    assert.equal(
      kopecks(detail.collected_amount),
      feed.reduce((s: number, p: Json) => s + kopecks(p.amount), 0),
    )
    assert.deepEqual([detail.payments_count, detail.donors_count], [100, 100])
    // With nothing changing, a repeated answer comes from the store again, once it has rested from the load.
    await eventually('a hit', async () => (await first.get(`/api/collects/${id}`)).headers.get('x-cache') === 'HIT')
    assert.deepEqual(
      (await auditModules({ pool }, modules)).filter((r) => r.broken),
      [],
    )
  })
}

// Guarantee: a person who pays twice at the same instant through two processes is one donor, and a collect that is closed
// meanwhile takes nothing after its close was acknowledged.
test('rivals of two processes are counted once', async () => {
  await using world = await twoProcesses('memory', 40)
  const [first, second] = world.apis as [Client, Client]
  const author = world.crowd[0]!
  for (let round = 0; round < size(8, 100); round++) {
    const { id } = (
      await first.post(
        '/api/collects',
        { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' },
        { headers: author.headers },
      )
    ).body
    const pay = (api: Client, headers: Record<string, string>) =>
      api.post('/api/payments', { collect: id, amount: 1 }, { headers })
    await Promise.all(world.crowd.flatMap(({ headers }) => [pay(first, headers), pay(second, headers)]))
    const closing = second.post(`/api/collects/${id}/close`, {}, { headers: author.headers })
    const rivals = world.crowd.map(({ headers }) => pay(first, headers))
    await closing
    const seen = (await first.get(`/api/collects/${id}`)).body
    await Promise.all(rivals)
    const detail = (await second.get(`/api/collects/${id}`)).body
    assert.equal(detail.donors_count, 40)
    assert.deepEqual([seen.status, seen.payments_count], ['closed', detail.payments_count])
  }
  assert.deepEqual(
    (await auditModules({ pool: world.pool }, modules)).filter((r) => r.broken),
    [],
  )
})

for (const store of ['redis', 'memcached'] as const) {
  // Guarantee: a store that falls silent costs little time and no right answer; one that comes back serves again.
  test(`a silent store costs time, never an error (${store})`, { skip: withoutStore(store) }, async () => {
    await using world = await twoProcesses(store, 1)
    const api = world.apis[0]!
    const create = () =>
      api.post(
        '/api/collects',
        { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' },
        { headers: world.crowd[0]!.headers },
      )
    await create()
    await api.get('/api/collects')
    world.cache.freeze()
    try {
      for (let i = 0; i < 5; i++) {
        await create()
        const answer = await api.get('/api/collects')
        assert.equal(answer.status, 200)
        assert.equal(answer.body.count, i + 2)
      }
    } finally {
      world.cache.thaw()
    }
    const deadline = performance.now() + 15_000
    for (;;) {
      if ((await api.get('/api/collects')).headers.get('x-cache') === 'HIT') break
      assert.ok(performance.now() < deadline, 'the store is never used again')
    }
  })
}

// Guarantee: what a store mixed up, cut or forged is not believed.
test('a lying store is a cold store', { skip: withoutStore('redis') }, async () => {
  await using world = await twoProcesses('redis', 1)
  const api = world.apis[0]!
  const { createClient, RESP_TYPES } = await import('@redis/client')
  const redis = createClient({ url: world.cache.url })
  redis.on('error', () => {})
  await redis.connect()
  try {
    const make = (title: string) =>
      api.post(
        '/api/collects',
        { title, occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' },
        { headers: world.crowd[0]!.headers },
      )
    const a = (await make('Первый')).body.id
    const b = (await make('Второй')).body.id
    const asked = async () => [
      (await api.get(`/api/collects/${a}`)).body.title,
      (await api.get(`/api/collects/${b}`)).body.title,
    ]
    await asked()
    const keys = await eventually('both answers are kept', async () => {
      const found = await redis.keys('dvor:*')
      return found.length >= 2 && found
    })
    const bytes = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    const values = (await Promise.all(keys.map((k) => bytes.get(k)))) as unknown as Buffer[]
    for (const [i, key] of keys.entries()) await redis.set(key, values[(i + 1) % keys.length]!)
    assert.deepEqual(await asked(), ['Первый', 'Второй'])
    for (const key of keys)
      await redis.set(key, Buffer.concat([values[0]!.subarray(0, 60), Buffer.from('{"title":"ложь"}')]))
    assert.deepEqual(await asked(), ['Первый', 'Второй'])
    for (const key of keys) await redis.set(key, 'x')
    assert.deepEqual(await asked(), ['Первый', 'Второй'])
  } finally {
    redis.destroy()
  }
})

// Guarantee: a release whose answers have another shape never serves one that the release before it kept.
test('a kept answer has the shape of its release', async () => {
  await using app = await startApp({}, { worker: false })
  const { token } = await person(app)
  const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  const { id } = (await app.post('/api/collects', collect, { token })).body
  // Over one store, a field of an answer that refers to its shape by name is gone.
  const without = (shape: Json) => {
    const { donors_count: _, ...properties } = shape.properties
    return { ...shape, properties, required: shape.required.filter((f: string) => f !== 'donors_count') }
  }
  const later = modules.map((m) => ({
    ...m,
    shapes: m.shapes?.map((s) => ((s as Json).$id === 'Collect' ? without(s) : s)) ?? [],
  }))
  const next = await createApp(app.platform, later)
  try {
    const hits: string[] = []
    for (let i = 0; i < 2; i++) {
      const old = await app.get('/api/collects')
      const fresh = await next.inject('/api/collects')
      hits.push(`${old.headers.get('x-cache')} ${fresh.headers['x-cache']}`)
      assert.deepEqual([old.body.results[0].id, old.body.results[0].donors_count], [id, 0])
      assert.deepEqual([fresh.json().results[0].id, fresh.json().results[0].donors_count], [id, undefined])
    }
    assert.equal(hits[1], 'HIT HIT')
  } finally {
    await next.close()
  }
})
