import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { drainJobs, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addProduct, bought, stockOf, withRole } from '../../test/shop.ts'
import { type OrderStatus, statuses } from './schemas.ts'

let app: TestApp
let admin: string
let anna: Person
let boris: Person
let goods: Json
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  anna = await person(app)
  boris = await person(app)
  goods = await addProduct(app, admin, { stock: 10_000 })
})
after(() => app[Symbol.asyncDispose]())

const move = (id: number, status: string, token = admin) => app.patch(`/api/orders/${id}`, { status }, { token })
const order = async (): Promise<number> => (await bought(app, anna.token, [goods.id, 1])).id
const ways: Record<OrderStatus, OrderStatus[]> = {
  pending: [],
  processing: ['processing'],
  shipped: ['processing', 'shipped'],
  delivered: ['processing', 'shipped', 'delivered'],
  cancelled: ['cancelled'],
}
async function orderIn(status: OrderStatus): Promise<number> {
  const id = await order()
  for (const step of ways[status]) assert.equal((await move(id, step)).status, 200)
  return id
}

// Guarantee: an order goes only along the graph, by the shop; its owner can only cancel it while it is not on its way.
test('every step from every status', async () => {
  const allowed = [
    'pending processing',
    'pending cancelled',
    'processing shipped',
    'processing cancelled',
    'shipped delivered',
  ]
  for (const from of statuses) {
    for (const to of statuses) {
      const id = await orderIn(from)
      const byOwner = await move(id, to, anna.token)
      const may = allowed.includes(`${from} ${to}`)
      if (to === 'cancelled') assert.equal(byOwner.status, may ? 200 : 409, `${from} ${to}`)
      else assert.equal(byOwner.status, 403, `${from} ${to}`)
      const byShop = await move(to === 'cancelled' ? await orderIn(from) : id, to)
      assert.equal(byShop.status, may ? 200 : 409, `${from} ${to}`)
      if (may) assert.equal(byShop.body.status, to)
      else assert.match(byShop.body.detail, /нельзя перевести/)
    }
  }
  await drainJobs(app)
  await app.audit()
})

// Guarantee: nobody else moves an order, and a body without a status changes nothing.
test('who moves an order', async () => {
  const id = await order()
  const auditor = await withRole(app, 'auditor')
  const storekeeper = await withRole(app, 'storekeeper')
  assert.equal((await move(id, 'cancelled', boris.token)).status, 404)
  assert.equal((await move(id, 'processing', auditor.token)).status, 403)
  assert.equal((await move(999_999, 'processing')).status, 404)
  assert.equal((await move(id, 'lost')).status, 400)
  assert.equal((await app.patch(`/api/orders/${id}`, { total_price: '1.00' }, { token: admin })).status, 400)
  const same = await app.patch(`/api/orders/${id}`, {}, { token: anna.token })
  assert.deepEqual([same.status, same.body.status], [200, 'pending'])
  assert.equal((await move(id, 'processing', storekeeper.token)).status, 200)
  const { rows } = await app.platform.pool.query(
    `select user_id, before, after from platform.audit_log where subject = 'shop.orders' and subject_id = $1`,
    [id],
  )
  assert.deepEqual(rows, [{ user_id: storekeeper.id, before: { status: 'pending' }, after: { status: 'processing' } }])
})

// Guarantee: cancelling puts the goods back once, however many cancel at the same time.
test('two cancels restore the stock once', async () => {
  for (let round = 0; round < 10; round++) {
    const { id } = await addProduct(app, admin, { stock: 5 })
    const { id: number } = await bought(app, anna.token, [id, 3])
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => move(number, 'cancelled', anna.token)),
      ...Array.from({ length: 4 }, () => move(number, 'cancelled')),
    ])
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 409, 409, 409, 409, 409, 409, 409])
    assert.equal(await stockOf(app, id), 5)
  }
  await app.audit()
})

// Guarantee: a cancel against a shipment has one winner, and the stock follows the winner.
test('a cancel against a shipment', async () => {
  const winners = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const { id } = await addProduct(app, admin, { stock: 5 })
    const { id: number } = await bought(app, anna.token, [id, 3])
    await move(number, 'processing')
    const race = [() => move(number, 'shipped'), () => move(number, 'cancelled', anna.token)]
    if (round % 2) race.reverse()
    const answers = await Promise.all(race.map((go) => go()))
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 409])
    const winner = answers.find((a) => a.status === 200)!.body.status
    winners.add(winner)
    assert.equal(await stockOf(app, id), winner === 'cancelled' ? 5 : 2)
    assert.equal((await app.get(`/api/orders/${number}`, { token: admin })).body.status, winner)
  }
  await drainJobs(app)
  await app.audit()
})

// Guarantee: buyers and cancels of the same goods in any order of lines never wait for each other in a ring.
test('orders against cancels', async () => {
  const [a, b] = [await addProduct(app, admin, { stock: 50 }), await addProduct(app, admin, { stock: 50 })]
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => bought(app, anna.token, [i % 2 ? a.id : b.id, 1], [i % 2 ? b.id : a.id, 1])),
  )
  const answers = await Promise.all(
    made.flatMap((o, i) => [
      move(o.id, 'cancelled', anna.token),
      app.post(
        '/api/orders',
        { items: (i % 2 ? [b, a] : [a, b]).map((p) => ({ product: p.id, quantity: 1 })) },
        { token: boris.token },
      ),
      app.patch(`/api/products/${i % 2 ? a.id : b.id}`, { description: `${i}` }, { token: admin }),
    ]),
  )
  assert.ok(
    answers.every((answer) => answer.status < 300),
    answers.find((x) => x.status >= 300)?.text,
  )
  assert.deepEqual([await stockOf(app, a.id), await stockOf(app, b.id)], [30, 30])
  await app.audit()
})

// Guarantee: many orders are moved at once, each with an outcome of its own, by as many statements as one takes.
test('bulk status', async () => {
  const bulk = (orders: number[], status: string, token = admin) =>
    app.post('/api/admin/orders/status', { orders, status }, { token })
  const [pending, processing, shipped] = [
    await orderIn('pending'),
    await orderIn('processing'),
    await orderIn('shipped'),
  ]
  const answer = await bulk([shipped, 999_999, processing, pending, processing], 'shipped')
  assert.equal(answer.status, 200)
  const step = (from: string) => `Заказ в состоянии «${from}» нельзя перевести в «отправлен».`
  assert.deepEqual(answer.body.results, [
    { order: shipped, status: 'shipped', error: step('отправлен') },
    { order: 999_999, status: null, error: 'Такой записи нет.' },
    { order: processing, status: 'shipped', error: null },
    { order: pending, status: 'pending', error: step('принят') },
    { order: processing, status: 'shipped', error: null },
  ])
  assert.equal((await bulk([pending], 'processing', anna.token)).status, 403)
  for (const orders of [[], Array.from({ length: 101 }, (_, i) => i + 1), ['1'], [0]])
    assert.equal((await bulk(orders as number[], 'processing')).status, 400)

  const many = await Promise.all(Array.from({ length: 100 }, order))
  const stock = await stockOf(app, goods.id)
  await drainJobs(app)
  const one = await statementsOf(() => bulk([pending], 'cancelled'))
  const hundred = await statementsOf(() => bulk(many, 'cancelled'))
  assert.equal(hundred, one)
  assert.equal(await stockOf(app, goods.id), stock + 101)
  await drainJobs(app)
  await app.audit()
})

/** How many statements this process sends while the work runs, its polling of the queue left out. */
async function statementsOf(work: () => Promise<Json>): Promise<number> {
  const query = pg.Client.prototype.query
  let count = 0
  pg.Client.prototype.query = function (this: pg.Client, ...args: Json[]) {
    const text = typeof args[0] === 'string' ? args[0] : args[0]?.text
    if (/shop\.|audit_log/.test(text ?? '')) count++
    return (query as Json).apply(this, args)
  } as Json
  try {
    assert.equal((await work()).status, 200)
  } finally {
    pg.Client.prototype.query = query
  }
  return count
}

// Guarantee: the history tells each step, oldest first, with who did it; of the shop's people the buyer learns no name.
test('the history of an order', async () => {
  const id = await orderIn('delivered')
  await drainJobs(app)
  const path = `/api/orders/${id}/history`
  const { body } = await app.get(path, { token: admin })
  const events = body.results.filter((e: Json) => !/document|shipping/.test(e.event))
  assert.deepEqual(
    events.map((e: Json) => [e.event, e.by === anna.id ? 'buyer' : 'shop', e.detail]),
    [
      ['created', 'buyer', 'Заказ принят.'],
      ['processing', 'shop', 'Заказ собирается.'],
      ['shipped', 'shop', 'Заказ отправлен.'],
      ['delivered', 'shop', 'Заказ доставлен.'],
    ],
  )
  assert.equal(body.count, 6)
  assert.ok(body.results.every((e: Json) => (e.by === null) === (e.full_name === null)))
  const own = (await app.get(path, { token: anna.token })).body.results
  assert.ok(own.every((e: Json) => e.full_name === null || e.by === anna.id))
  const first = (await app.get(`${path}?page_size=2`, { token: admin })).body
  assert.deepEqual([first.results.length, first.previous], [2, null])
  assert.equal((await app.get(`${path}?page=99`, { token: admin })).body.count, 6)
  assert.deepEqual((await app.get(first.next, { token: admin })).body.results, body.results.slice(2, 4))
})
