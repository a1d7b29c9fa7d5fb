import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, eventually } from '../../test/harness.ts'
import { deliveryService } from '../../test/shop.ts'
import { size } from '../../test/size.ts'
import { startWorld } from '../../test/world.ts'
import { shop } from './index.ts'

// Guarantee: after kill -9 among orders, their documents and their calls of the delivery service, every acknowledged
// order is there with its lines, those retried with their key are there once, no stock is lost, and each order has one
// document, one letter and one delivery.
test('kill -9 among orders, documents and deliveries', { timeout: size(200_000, 2_000_000) }, async () => {
  const people = 200
  let onCall = () => {}
  await using service = await deliveryService(async (_, response) => {
    onCall()
    response.writeHead(200).end()
  })
  for (let round = 0; round < size(1, 10); round++) {
    // Its port is another after each start, and the address stands in the documents.
    const settings = { SHIPPING_URL: service.url, PUBLIC_URL: 'https://dvor.example.org' }
    await using world = await startWorld({ commands: ['start'], people: people + 1, email: true, settings })
    let { api, process } = { api: world.apis[0]!, process: world.processes[0]! }
    const one = async <T>(text: string, values: unknown[] = []): Promise<T> =>
      (await world.pool.query(text, values)).rows[0]
    const boss = world.crowd[people]!
    await world.pool.query(`update accounts.users set role = 'admin' where id = $1`, [boss.id])
    const goods: number[] = []
    for (let i = 0; i < 3; i++) {
      const product = { name: `Товар ${i}`, price: '10.00', stock: 1000, category: 'home' }
      goods.push((await api.post('/api/products', product, { headers: boss.headers })).body.id)
    }

    const acknowledged = new Map<number, string>()
    const order = async (i: number): Promise<Answer> => {
      const headers = { ...world.crowd[i]!.headers, 'idempotency-key': `order-${i}` }
      const items = (i % 2 ? goods : [...goods].reverse()).map((product) => ({ product, quantity: 1 + (i % 3) }))
      const answer = await api.post('/api/orders', { items }, { headers })
      if (answer.status !== 201) return answer
      const before = acknowledged.get(answer.body.id)
      if (before) assert.equal(answer.text, before, 'a replay differs from what was acknowledged')
      acknowledged.set(answer.body.id, answer.text)
      if (!before && acknowledged.size === 60 + 5 * round) process.kill('SIGKILL')
      return answer
    }
    const lost: number[] = []
    for (let wave = 0; wave < 10; wave++) {
      const members = Array.from({ length: people / 10 }, (_, i) => wave * (people / 10) + i)
      const answers = await Promise.allSettled(members.map(order))
      answers.forEach((a, i) => {
        if (a.status === 'rejected' || a.value.status !== 201) lost.push(members[i]!)
      })
    }
    assert.ok(lost.length > 0, 'the kill came too late to lose an answer')
    await process.exited
    ;({ api, process } = await world.restart('start'))
    const again = await Promise.all(Array.from({ length: people }, (_, i) => order(i)))
    assert.deepEqual([...new Set(again.map((a) => a.status))], [201])
    assert.equal(acknowledged.size, people)
    const made = await one(
      'select count(*)::int orders, (select count(*)::int from shop.order_items) lines from shop.orders',
    )
    assert.deepEqual(made, { orders: people, lines: people * 3 })
    const sold = Array.from({ length: people }, (_, i) => 1 + (i % 3)).reduce((a, b) => a + b)
    const stock = await one<{ all: number[] }>('select array_agg(distinct stock) "all" from shop.products')
    assert.deepEqual(stock.all, [1000 - sold])

    // Killed once more among the documents that are left, and among the calls.
    const ids = [...acknowledged.keys()]
    const move = (status: string) =>
      Promise.all(
        [ids.slice(0, 100), ids.slice(100)].map((orders) =>
          api.post('/api/admin/orders/status', { orders, status }, { headers: boss.headers }),
        ),
      )
    await move('processing')
    const before = service.calls.length
    onCall = () => {
      if (service.calls.length === before + 20) process.kill('SIGKILL')
    }
    await move('shipped').catch(() => {})
    await process.exited
    onCall = () => {}
    ;({ api, process } = await world.restart('start'))
    for (const answer of await move('shipped')) assert.equal(answer.status, 200)

    await eventually(
      'every order is delivered, documented and mailed',
      async () => {
        const state = await one<{ orders: number; letters: number }>(
          `select count(*)::int orders, (select count(*)::int from platform.outbox where key like 'order-%' and state = 'sent') letters
           from shop.orders where document is not null and shipping = 'delivered'`,
        )
        return state.orders === people && state.letters === people
      },
      90_000,
    )
    const files = (folder: string) => readdirSync(join(world.folder, folder)).filter((f) => f.startsWith('order-'))
    assert.equal(files('emails').filter((f) => f.endsWith('.eml')).length, people)
    assert.equal(files('files/documents').length, people)
    const called = new Set(service.calls.slice(before).map((c) => c.headers['idempotency-key']))
    assert.equal(called.size, people)
    for (const { name, sql } of shop.invariants) assert.deepEqual((await world.pool.query(sql)).rows, [], name)
  }
})
