import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  drainJobs,
  eventually,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { addProduct, bought, buy, crowd, stockOf, withRole } from '../../test/shop.ts'
import { order } from './orders.ts'

let app: TestApp
let admin: string
let anna: Person
let boris: Person
before(async () => {
  app = await startApp({ MIN_ORDER_TOTAL: '50.00' })
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна', last_name: 'Соколова' })
  boris = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const product = (fields?: Record<string, unknown>) => addProduct(app, admin, fields)

// Guarantee: an order takes the stock and keeps names, prices and sum of its day, exact to the kopeck.
test('an order is made of the prices of its day', async () => {
  const tea = await product({ name: 'Чай', price: '0.10', stock: 2000 })
  const cup = await product({ name: 'Чашка', price: '333.33', stock: 5 })
  const order = await bought(app, anna.token, [cup.id, 3], [tea.id, 999])
  assert.equal(order.total_price, '1099.89')
  assert.equal(order.status, 'pending')
  assert.equal(order.user, anna.id)
  assert.deepEqual(order.items, [
    { product: cup.id, name: 'Чашка', quantity: 3, price_at_purchase: '333.33' },
    { product: tea.id, name: 'Чай', quantity: 999, price_at_purchase: '0.10' },
  ])
  assert.match(order.created_at, /Z$/)
  await app.patch(`/api/products/${cup.id}`, { price: '999.00', name: 'Кружка' }, { token: admin })
  const detail = (await app.get(`/api/orders/${order.id}`, { token: anna.token })).body
  assert.deepEqual({ ...detail, document: null, updated_at: order.updated_at }, order)
  assert.equal(await stockOf(app, cup.id), 2)
  await app.audit()
})

// Guarantee: every line at fault is named with what is left, and a refused order changes nothing.
test('a refusal names each line and changes nothing', async () => {
  const some = await product({ name: 'Лейка', stock: 3 })
  const none = await product({ stock: 0 })
  const hidden = await product()
  await bought(app, boris.token, [hidden.id, 1])
  await app.delete(`/api/products/${hidden.id}`, { token: admin })
  const fine = await product()
  const before = (await app.get('/api/orders', { token: anna.token })).body.count
  const answer = await buy(app, anna.token, [
    [some.id, 4],
    [fine.id, 1],
    [none.id, 1],
    [hidden.id, 1],
    [999_999, 1],
  ])
  assert.equal(answer.status, 400)
  assert.deepEqual(
    answer.body.errors.map((e: Json) => [e.path, e.code]),
    [
      ['/items/0/quantity', 'shop.short_stock'],
      ['/items/2/quantity', 'shop.short_stock'],
      ['/items/3/product', 'validation.unknown_id'],
      ['/items/4/product', 'validation.unknown_id'],
    ],
  )
  assert.equal(answer.body.errors[0].message, 'Товара «Лейка» осталось 3.')
  assert.equal(await stockOf(app, some.id), 3)
  assert.equal(await stockOf(app, fine.id), 10)
  assert.equal((await app.get('/api/orders', { token: anna.token })).body.count, before)
  await app.audit()
})

// Guarantee: what is no order at all is a 400 on its field before anything is locked.
test('malformed orders', async () => {
  const { id } = await product({ price: '60.00', stock: 1_000_000_000 })
  const send = (body: unknown) => app.post('/api/orders', body, { token: anna.token })
  const line = (quantity: unknown, product: unknown = id) => ({ product, quantity })
  for (const [path, body] of [
    ['/items/0/quantity', { items: [line(0)] }],
    ['/items/0/quantity', { items: [line(-1)] }],
    ['/items/0/quantity', { items: [line(1.5)] }],
    ['/items/0/quantity', { items: [line('2')] }],
    ['/items/0/quantity', { items: [line(1_000_001)] }],
    ['/items/0/quantity', { items: [{ product: id }] }],
    ['/items/0/product', { items: [line(1, 0)] }],
    ['/items/1/product', { items: [line(1), line(2)] }],
    ['/items/0/price', { items: [{ ...line(1), price: '1.00' }] }],
    ['/items', { items: [] }],
    ['/items', { items: Array.from({ length: 101 }, (_, i) => line(1, i + 1)) }],
    ['/items', {}],
    ['/total_price', { items: [line(1)], total_price: '1.00' }],
  ] as const) {
    const answer = await send(body)
    assert.equal(answer.status, 400, answer.text)
    assert.ok(
      answer.body.errors.some((e: Json) => e.path === path),
      `${path}: ${answer.text}`,
    )
  }
  assert.equal((await app.post('/api/orders', { items: [line(1)] })).status, 401)
  assert.equal(await stockOf(app, id), 1_000_000_000)
})

// Guarantee: an order below the minimum sum, or above what a sum can hold, is refused and takes nothing.
test('the sum of an order has bounds', async () => {
  const pin = await product({ price: '49.99' })
  const low = await buy(app, anna.token, [[pin.id, 1]])
  assert.equal(low.status, 400)
  assert.deepEqual(low.body.errors, [
    { path: '/items', message: 'Сумма заказа не меньше 50.00.', code: 'shop.below_minimum' },
  ])
  const yachts = await Promise.all([1, 2].map(() => product({ price: '9999999999.99', stock: 1_000_000 })))
  const high = await buy(
    app,
    anna.token,
    yachts.map((y) => [y.id, 1_000_000]),
  )
  assert.equal(high.status, 400)
  assert.equal(high.body.errors[0].code, 'shop.total_too_large')
  assert.equal((await bought(app, anna.token, [yachts[0].id, 1_000_000])).total_price, '9999999999990000.00')
  assert.equal(await stockOf(app, pin.id), 10)
  assert.equal(await stockOf(app, yachts[1].id), 1_000_000)
})

// Guarantee: of 200 buyers of the last 10 items exactly 10 get one, and nobody sees a 5xx; 20 times over.
test('the last items are sold once', async () => {
  const tokens = await crowd(app, 200)
  for (let round = 0; round < 20; round++) {
    const { id } = await product()
    const answers = await Promise.all(tokens.map((token) => buy(app, token, [[id, 1]])))
    const count = (status: number) => answers.filter((a) => a.status === status).length
    assert.deepEqual([count(201), count(400)], [10, 190], `round ${round}`)
    for (const answer of answers.filter((a) => a.status === 400))
      assert.deepEqual(
        answer.body.errors.map((e: Json) => [e.path, e.code]),
        [['/items/0/quantity', 'shop.short_stock']],
      )
    assert.equal(await stockOf(app, id), 0)
  }
  await app.audit()
})

// Guarantee: orders of the same goods in opposite orders of lines, through two servers, never wait for each other in a
// ring, and an order that lacks one line gives its other lines back.
test('orders of several products never deadlock', async () => {
  await using second = await startApp({ MIN_ORDER_TOTAL: '50.00' }, { databaseUrl: app.databaseUrl, worker: false })
  const tokens = await crowd(app, 200)
  const deadlocks = async () =>
    (await app.platform.pool.query('select deadlocks::int n from pg_stat_database where datname = current_database()'))
      .rows[0].n
  const before = await deadlocks()
  for (let round = 0; round < 20; round++) {
    const goods = await Promise.all([10, 10, 10].map((stock) => product({ stock })))
    const ids = goods.map((g) => g.id as number)
    const answers = await Promise.all(
      tokens.map((token, i) =>
        buy(
          i % 2 ? app : second,
          token,
          (i % 3 ? [...ids].reverse() : ids).map((id) => [id, 1]),
        ),
      ),
    )
    assert.deepEqual(
      [201, 400].map((status) => answers.filter((a) => a.status === status).length),
      [10, 190],
      `round ${round}`,
    )
    for (const id of ids) assert.equal(await stockOf(app, id), 0)
  }
  // Half of them want what is not there: what else they asked for is left to the others, to the last piece.
  const [plenty, scarce] = [await product({ stock: 100 }), await product({ stock: 7 })]
  const greedy = (i: number): [number, number][] =>
    i % 4
      ? [
          [plenty.id, 2],
          [scarce.id, 8],
        ]
      : [
          [scarce.id, 8],
          [plenty.id, 2],
        ]
  const mixed = await Promise.all(
    tokens.map((token, i) => buy(i % 3 ? app : second, token, i % 2 ? [[plenty.id, 1]] : greedy(i))),
  )
  assert.ok(mixed.every((answer, i) => answer.status === (i % 2 ? 201 : 400)))
  assert.deepEqual([await stockOf(app, plenty.id), await stockOf(app, scarce.id)], [0, 7])
  assert.equal(await deadlocks(), before)
  await app.audit()
})

// Guarantee: within one batch a refused order takes nothing: what else it asked for is there for those after it.
test('a refused order of a batch gives its lines back', async () => {
  const [plenty, scarce] = [await product({ stock: 10 }), await product({ stock: 1 })]
  // Called in one breath, they are one batch; by HTTP that would be a matter of luck.
  const line = (product: number, quantity: number) => ({ product, quantity })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      order(
        app.platform,
        { id: anna.id, role: 'user' },
        { items: i % 2 ? [line(plenty.id, 1)] : [line(plenty.id, 1), line(scarce.id, 2)] },
      ),
    ),
  )
  assert.ok(outcomes.every((o, i) => o.status === (i % 2 ? 'fulfilled' : 'rejected')))
  assert.deepEqual([await stockOf(app, plenty.id), await stockOf(app, scarce.id)], [0, 1])
})

// Guarantee: an order made while a price is being changed has the price that was committed before it, everywhere.
test('an order waits for a change of its goods', async () => {
  const { id } = await product({ price: '100.00' })
  const client = await app.platform.pool.connect()
  try {
    await client.query('begin')
    await client.query(`update shop.products set price = 200, name = 'Дороже' where id = $1`, [id])
    const [{ pid }] = (await client.query('select pg_backend_pid() pid')).rows
    const order = bought(app, anna.token, [id, 2])
    await eventually('the order waits', async () => {
      const waiting = 'select count(*)::int n from pg_stat_activity where $1 = any(pg_blocking_pids(pid))'
      return (await app.platform.pool.query(waiting, [pid])).rows[0].n > 0
    })
    await client.query('commit')
    assert.equal((await order).total_price, '400.00')
    assert.deepEqual((await order).items, [{ product: id, name: 'Дороже', quantity: 2, price_at_purchase: '200.00' }])
  } finally {
    client.release()
  }
})

// Guarantee: the same key is the same order; a refusal is not stored, another body under the key is 422.
test('retries are safe', async () => {
  const { id } = await product({ stock: 5 })
  const headers = { 'idempotency-key': 'order-1' }
  const answers = await Promise.all(Array.from({ length: 10 }, () => buy(app, anna.token, [[id, 2]], headers)))
  assert.deepEqual([...new Set(answers.map((a) => a.status))], [201])
  assert.equal(new Set(answers.map((a) => a.body.id)).size, 1)
  const again = await buy(app, anna.token, [[id, 2]], headers)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual(again.body, answers[0]!.body)
  assert.equal(await stockOf(app, id), 3)
  assert.equal((await buy(app, anna.token, [[id, 1]], headers)).status, 422)

  const other = { 'idempotency-key': 'order-2' }
  assert.equal((await buy(app, anna.token, [[id, 4]], other)).status, 400)
  await app.patch(`/api/products/${id}`, { stock: 9 }, { token: admin })
  assert.equal((await buy(app, anna.token, [[id, 4]], other)).status, 201)
})

// Guarantee: an order is seen by its owner and the shop; to anybody else it is not there.
test('who sees an order', async () => {
  const { id } = await product()
  const order = await bought(app, anna.token, [id, 1])
  const storekeeper = await withRole(app, 'storekeeper')
  const auditor = await withRole(app, 'auditor')
  for (const path of ['', '/history']) {
    for (const token of [anna.token, admin, storekeeper.token, auditor.token])
      assert.equal((await app.get(`/api/orders/${order.id}${path}`, { token })).status, 200)
    assert.equal((await app.get(`/api/orders/${order.id}${path}`, { token: boris.token })).status, 404)
    assert.equal((await app.get(`/api/orders/${order.id}${path}`)).status, 401)
    assert.equal((await app.get(`/api/orders/999999${path}`, { token: boris.token })).status, 404)
    assert.equal((await app.get(`/api/orders/999999${path}`, { token: admin })).status, 404)
  }
  const own = await app.get('/api/orders', { token: anna.token })
  assert.ok(own.body.results.every((o: Json) => o.user === anna.id))
  assert.equal(own.body.results[0].id, order.id)
  assert.equal((await app.get('/api/admin/orders', { token: anna.token })).status, 403)
})

// Guarantee: the list of all orders filters by status, buyer and time, and its pages neither miss nor repeat a row.
test('the list of all orders', async () => {
  const buyer = await person(app)
  const { id } = await product({ stock: 100 })
  const made: number[] = []
  for (let i = 0; i < 7; i++) made.push((await bought(app, buyer.token, [id, 1])).id)
  const list = (query: string) => app.get(`/api/admin/orders?user=${buyer.id}&${query}`, { token: admin })
  const ids = (answer: { body: Json }) => answer.body.results.map((o: Json) => o.id)
  assert.deepEqual(ids(await list('')), [...made].reverse())
  assert.deepEqual(ids(await list('ordering=created_at')), made)
  assert.deepEqual(ids(await list('ordering=-id')), [...made].reverse())
  assert.equal((await list('')).body.count, 7)

  await app.patch(`/api/orders/${made[2]}`, { status: 'processing' }, { token: admin })
  assert.deepEqual(ids(await list('status=processing')), [made[2]])
  const at = (await app.get(`/api/orders/${made[3]}`, { token: admin })).body.created_at
  assert.deepEqual(ids(await list(`created_from=${encodeURIComponent(at)}`)), made.slice(3).reverse())
  assert.deepEqual(ids(await list(`created_to=${encodeURIComponent(at)}`)), made.slice(0, 3).reverse())

  // Ids are drawn before the commit, so times and ids may cross.
  await app.platform.pool.query(`update shop.orders set created_at = created_at - interval '1 hour' where id = $1`, [
    made[4],
  ])
  const byTime = [made[4]!, ...made.filter((id) => id !== made[4])]
  for (const ordering of ['created_at', '-created_at', 'id', '-id']) {
    const walked: number[] = []
    let page = await list(`page_size=3&ordering=${ordering}`)
    for (;;) {
      walked.push(...ids(page))
      if (!page.body.next) break
      page = await app.get(page.body.next, { token: admin })
    }
    const expected = ordering.endsWith('id') ? made : byTime
    assert.deepEqual(walked, ordering.startsWith('-') ? [...expected].reverse() : expected, ordering)
    const back = await app.get(page.body.previous, { token: admin })
    assert.equal(back.body.results.length, 3, ordering)
  }
  for (const wrong of ['status=lost', 'created_from=yesterday', 'ordering=total_price', 'color=red', 'user=x'])
    assert.equal((await list(wrong)).status, 400, wrong)
})

// Guarantee: an order's answer is kept for its viewer and is new with the very change of the order.
test('the order detail is cached and never stale', async () => {
  const { id } = await product()
  const order = await bought(app, anna.token, [id, 1])
  const look = async (token: string) => {
    const answer = await app.get(`/api/orders/${order.id}`, { token })
    return [answer.headers.get('x-cache'), answer.body.status]
  }
  await drainJobs(app)
  assert.deepEqual(await look(anna.token), ['MISS', 'pending'])
  assert.deepEqual(await look(anna.token), ['HIT', 'pending'])
  assert.deepEqual(await look(admin), ['MISS', 'pending'])
  assert.deepEqual(await look(admin), ['HIT', 'pending'])
  await app.patch(`/api/orders/${order.id}`, { status: 'processing' }, { token: admin })
  assert.deepEqual(await look(anna.token), ['MISS', 'processing'])
  assert.deepEqual(await look(anna.token), ['HIT', 'processing'])
  // A hand edit counts too.
  await app.platform.pool.query('update shop.order_items set quantity = 2 where order_id = $1', [order.id])
  assert.deepEqual(await look(anna.token), ['MISS', 'processing'])
  await app.platform.pool.query('update shop.order_items set quantity = 1 where order_id = $1', [order.id])
  await app.patch(`/api/profile`, { first_name: 'Ася' }, { token: anna.token })
  assert.match((await app.get(`/api/orders/${order.id}`, { token: admin })).body.full_name, /Ася/)
})
