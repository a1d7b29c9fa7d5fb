import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
import { addProduct, bought, buy, crowd, deliveryService, hurryRetries, stockOf } from '../../test/shop.ts'
import { startStore, withoutStore } from '../../test/stores.ts'
import { orderDetail } from './orders.ts'
import { productDetail, productList } from './products.ts'
import { categories, statuses } from './schemas.ts'

// Each test bears a line of the requirements that this module grew out of, as its author wrote it, translated to our
// stack: jobs for Celery, statement-level triggers for signals. The edges of each rule stand in the other test files.

let app: TestApp
let admin: string
let anna: Person
let service: Awaited<ReturnType<typeof deliveryService>>
before(async () => {
  service = await deliveryService((nth, response) => {
    response.writeHead(nth <= 3 ? 500 : 200).end()
  })
  app = await startApp({ SHIPPING_URL: service.url, MIN_ORDER_TOTAL: '100.00' })
  admin = await logInAdmin(app)
  anna = await person(app)
})
after(async () => {
  await app[Symbol.asyncDispose]()
  await service[Symbol.asyncDispose]()
})

const columnsOf = async (table: string): Promise<string[]> =>
  (
    await app.platform.pool.query(
      `select column_name c from information_schema.columns where table_schema || '.' || table_name = $1`,
      [table],
    )
  ).rows.map((r) => r.c)
const get = (path: string, token: string | undefined = anna.token) => app.get(path, { token })

// Guarantee: a person has what the product needs beyond a name and a password.
test('User: расширьте встроенную модель пользователя', async () => {
  const { body } = await get('/api/profile/')
  for (const field of ['id', 'username', 'email', 'phone', 'full_name', 'role', 'invite_code'])
    assert.ok(field in body, field)
})

// Guarantee: a product has these fields, and a category out of a closed set.
test('Product: name, description, price, stock, category', async () => {
  const product = await addProduct(app, admin, { description: 'Описание', category: 'electronics' })
  assert.deepEqual(Object.keys(product).sort(), [
    ...['category', 'created_at', 'description', 'id', 'name', 'pictures', 'price', 'stock', 'updated_at'],
  ])
  for (const category of ['electronics', 'clothing', 'books'] as const) assert.ok(categories.includes(category))
  assert.equal((await app.patch(`/api/products/${product.id}`, { category: 'x' }, { token: admin })).status, 400)
})

// Guarantee: an order has these fields, its total is computed, its statuses are these five.
test('Order: user, products, total_price (вычисляемое), status, created_at', async () => {
  const { id } = await addProduct(app, admin, { price: '70.10' })
  const order = await bought(app, anna.token, [id, 2])
  assert.deepEqual([order.user, order.total_price, order.status], [anna.id, '140.20', 'pending'])
  assert.ok(Date.parse(order.created_at) <= Date.now() + 1000)
  assert.deepEqual([...statuses], ['pending', 'processing', 'shipped', 'delivered', 'cancelled'])
})

// Guarantee: a line joins an order and a product with quantity and price of the day.
test('OrderItem (through-модель): order, product, quantity, price_at_purchase', async () => {
  const columns = await columnsOf('shop.order_items')
  for (const column of ['order_id', 'product_id', 'quantity', 'price_at_purchase']) assert.ok(columns.includes(column))
  const { id } = await addProduct(app, admin, { name: 'Лопата', price: '150.00' })
  const order = await bought(app, anna.token, [id, 3])
  assert.deepEqual(order.items, [{ product: id, name: 'Лопата', quantity: 3, price_at_purchase: '150.00' }])
})

// Guarantee: no route of the shop answers without a login; a JWT opens them.
test('JWT для всех эндпоинтов, кроме регистрации и логина', async () => {
  const { paths } = (await app.get('/api/schema')).body
  const shop = Object.entries<Json>(paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods)
      .filter(([, o]) => path.startsWith('/api/') && o.tags?.includes('shop'))
      .map(([method]) => ({ path, method })),
  )
  assert.equal(shop.length, 17)
  for (const { path, method } of shop)
    assert.equal(
      (await app.call(method.toUpperCase(), path.replace(/\{\w+\}/g, '1'), { body: method === 'get' ? undefined : {} }))
        .status,
      401,
      path,
    )
  assert.equal(anna.token.split('.').length, 3)
})

// Guarantee: these two addresses make an account and log it in.
test('/api/auth/register/ (email, password, username) и /api/auth/login/', async () => {
  const account = { username: 'petr', email: 'petr@example.org', password: 'blue-heron-17' }
  assert.equal((await app.post('/api/auth/register/', account)).status, 201)
  const login = await app.post('/api/auth/login/', { username: 'petr', password: 'blue-heron-17' })
  assert.equal(login.status, 200)
  assert.equal((await get('/api/products/', login.body.access)).status, 200)
})

// Guarantee: the list has pages and filters, and only administrators write.
test('/api/products/ (GET: пагинация и фильтры по category/price, POST: админ)', async () => {
  for (const price of ['510', '520', '530']) await addProduct(app, admin, { price, category: 'clothing' })
  const { body } = await get('/api/products/?category=clothing&price_min=515&price_max=600&page_size=1&ordering=price')
  assert.deepEqual([body.count, body.results.map((p: Json) => p.price)], [2, ['520.00']])
  assert.equal((await get(body.next)).body.results[0].price, '530.00')
  assert.equal(
    (await app.post('/api/products/', { name: 'x', price: 1, category: 'home' }, { token: anna.token })).status,
    403,
  )
})

// Guarantee: the address of a product reads for all, writes for administrators.
test('/api/products/<id>/ (GET: детали, PUT/PATCH: обновление, DELETE: удаление, админ)', async () => {
  const { id } = await addProduct(app, admin)
  const path = `/api/products/${id}/`
  const body = { name: 'Новое', description: '', price: '5.00', stock: 1, category: 'other' }
  assert.equal((await get(path)).status, 200)
  for (const [method, token, status] of [
    ['PUT', anna.token, 403],
    ['PUT', admin, 200],
    ['PATCH', anna.token, 403],
    ['PATCH', admin, 200],
    ['DELETE', anna.token, 403],
    ['DELETE', admin, 204],
  ] as const)
    assert.equal(
      (await app.call(method, path, { token, ...(method === 'DELETE' ? {} : { body }) })).status,
      status,
      method,
    )
})

// Guarantee: one's own orders are listed; a new one checks the stock and is whole or not at all.
test('/api/orders/ (GET: список заказов пользователя, POST: создание с проверкой stock и транзакциями)', async () => {
  const [enough, short] = [await addProduct(app, admin), await addProduct(app, admin, { stock: 1 })]
  const before = (await get('/api/orders/')).body.count
  assert.equal(
    (
      await buy(app, anna.token, [
        [enough.id, 1],
        [short.id, 2],
      ])
    ).status,
    400,
  )
  assert.deepEqual([await stockOf(app, enough.id), await stockOf(app, short.id)], [10, 1])
  await bought(app, anna.token, [enough.id, 1], [short.id, 1])
  const { body } = await get('/api/orders/')
  assert.equal(body.count, before + 1)
  assert.ok(body.results.every((o: Json) => o.user === anna.id))
})

// Guarantee: an order is read by its owner and administrators, and moved by each as they may.
test('/api/orders/<id>/ (GET: детали, PATCH: обновление статуса, админ/владелец)', async () => {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, anna.token, [id, 1])
  const path = `/api/orders/${order.id}/`
  assert.equal((await get(path)).body.id, order.id)
  assert.equal((await get(path, admin)).body.id, order.id)
  assert.equal((await app.patch(path, { status: 'processing' }, { token: anna.token })).status, 403)
  assert.equal((await app.patch(path, { status: 'processing' }, { token: admin })).body.status, 'processing')
  assert.equal((await app.patch(path, { status: 'cancelled' }, { token: anna.token })).body.status, 'cancelled')
})

// Guarantee: the total is the server's, and too little stock is a 400 that says what is left.
test('При создании заказа: рассчитайте total_price, верните ошибку 400 при недостаточном stock', async () => {
  const { id } = await addProduct(app, admin, { name: 'Грабли', price: '33.35' })
  assert.equal((await bought(app, anna.token, [id, 7])).total_price, '233.45')
  const refused = await buy(app, anna.token, [[id, 4]])
  assert.equal(refused.status, 400)
  assert.deepEqual(refused.body.errors, [
    { path: '/items/0/quantity', message: 'Товара «Грабли» осталось 3.', code: 'shop.short_stock' },
  ])
})

// Guarantee: administrators see everybody's orders, filtered.
test('/api/admin/orders/ (GET: все заказы с фильтрами по status/user)', async () => {
  const boris = await person(app)
  const { id } = await addProduct(app, admin)
  const order = await bought(app, boris.token, [id, 1])
  const found = await get(`/api/admin/orders/?user=${boris.id}&status=pending`, admin)
  assert.deepEqual(
    found.body.results.map((o: Json) => o.id),
    [order.id],
  )
  assert.equal((await get(`/api/admin/orders/?user=${boris.id}&status=shipped`, admin)).body.count, 0)
  assert.equal((await get('/api/admin/orders/')).status, 403)
})

// Guarantee: a new order is answered at once; its PDF and its letter come by a job.
test('При создании заказа: асинхронная задача для PDF-отчета и email', async () => {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, anna.token, [id, 1])
  assert.equal(order.document, null)
  await drainJobs(app)
  const pdf = await get(`/api/orders/${order.id}/document`)
  assert.ok(pdf.text.startsWith('%PDF-'))
  assert.ok(existsSync(join(app.folder, 'emails', `order-${order.id}.eml`)))
})

// Guarantee: a shipped order calls the outside service, with at most three retries after the first call.
test("При обновлении статуса на 'shipped': вызов внешнего API с retry (max_retries=3)", async () => {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, anna.token, [id, 1])
  for (const status of ['processing', 'shipped'])
    await app.patch(`/api/orders/${order.id}`, { status }, { token: admin })
  await eventually('the call is over', async () => {
    await hurryRetries(app, 'shop.shipping')
    return (await get(`/api/orders/${order.id}`)).body.shipping === 'delivered'
  })
  const { results } = (await get(`/api/orders/${order.id}/history`)).body
  assert.deepEqual(
    results.filter((e: Json) => /^shipping/.test(e.event)).map((e: Json) => e.event),
    ['shipping_call', 'shipping_call', 'shipping_call', 'shipping_delivered'],
  )
  assert.equal(service.calls.length, 4)
})

// Guarantee: each run of a job is a line of the log: which, for what, which attempt, how it ended.
test('Логируйте выполнение задач', async () => {
  const lines = app.logs.map((l) => JSON.parse(l)).filter((l) => l.job)
  const done = lines.find((l) => l.job === 'shop.document' && l.msg === 'a job is done')
  assert.ok(done.data.order_id && done.job_id && done.attempt === 1)
  assert.deepEqual(
    lines.filter((l) => l.job === 'shop.shipping').map((l) => [l.msg, l.attempt]),
    [
      ['a job failed', 1],
      ['a job failed', 2],
      ['a job failed', 3],
      ['a job is done', 4],
    ],
  )
})

// Guarantee: with Memcached as the store, lists and orders are read from it and are new with every change.
test('Memcached: кэшируйте список продуктов и детали заказа, очищайте кэш при обновлении', {
  skip: withoutStore('memcached'),
}, async () => {
  await using stack = new AsyncDisposableStack()
  const memcached = stack.adopt(await startStore('memcached'), (s) => s.stop())
  const cached = stack.use(await startApp({ CACHE_URL: memcached.url }))
  const boss = await logInAdmin(cached)
  const boris = await person(cached)
  const { id } = await addProduct(cached, boss)
  const order = await bought(cached, boris.token, [id, 1])
  await drainJobs(cached)
  for (const [path, change] of [
    ['/api/products/', () => cached.patch(`/api/products/${id}`, { price: '555.00' }, { token: boss })],
    [
      `/api/orders/${order.id}/`,
      () => cached.patch(`/api/orders/${order.id}`, { status: 'processing' }, { token: boss }),
    ],
  ] as const) {
    const look = async () => {
      // A store may lose an answer: only that it comes from there in the end is promised.
      return eventually('an answer from the store', async () => {
        const answer = await cached.get(path, { token: boris.token })
        return answer.headers.get('x-cache') === 'HIT' && answer.text
      })
    }
    const before = await look()
    assert.equal((await change()).status, 200)
    const changed = await cached.get(path, { token: boris.token })
    assert.equal(changed.headers.get('x-cache'), 'MISS')
    assert.notEqual(changed.text, before)
    assert.equal(await look(), changed.text)
    await memcached.flush()
    assert.equal((await cached.get(path, { token: boris.token })).headers.get('x-cache'), 'MISS')
  }
})

// Guarantee: kept answers die of age after five minutes and one minute, whatever else happens.
test('Кэшируйте /api/products/ 5 минут и /api/orders/<id>/ 1 минуту', async () => {
  const page = { path: '', query: {}, limit: 20, offset: 0, direction: 'desc' } as const
  const { id } = await addProduct(app, admin)
  const order = (await bought(app, anna.token, [id, 1])).id
  await drainJobs(app)
  for (const [source, seconds] of [
    [productList(app.platform, {}, page), 300],
    [productDetail(id), 300],
    [orderDetail(order), 60],
  ] as const) {
    assert.equal(source.maxAgeSeconds, seconds)
    // The same source, with a second for its time.
    const get = () => app.platform.cache.get(`${source.scopes}`, { ...source, maxAgeSeconds: 1 }, JSON.stringify)
    await eventually('it is kept', async () => (await get()).hit)
    await eventually('it dies of age', async () => !(await get()).hit)
  }
})

// Guarantee: many buyers of the last items get exactly what is left.
test('Concurrency: select_for_update() для атомарного обновления stock', async () => {
  const tokens = await crowd(app, 40)
  const { id } = await addProduct(app, admin, { stock: 10 })
  const answers = await Promise.all(tokens.map((token) => buy(app, token, [[id, 1]])))
  assert.deepEqual(
    [201, 400].map((s) => answers.filter((a) => a.status === s).length),
    [10, 30],
  )
  assert.equal(await stockOf(app, id), 0)
  await app.audit()
})

// Guarantee: a quantity is positive, and an order is worth its trouble.
test('Валидация: положительное quantity, минимальная сумма заказа', async () => {
  const { id } = await addProduct(app, admin, { price: '99.99' })
  for (const [quantity, path] of [
    [0, '/items/0/quantity'],
    [-1, '/items/0/quantity'],
    [1, '/items'],
  ] as const) {
    const answer = await buy(app, anna.token, [[id, quantity]])
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, path])
  }
  assert.equal((await buy(app, anna.token, [[id, 2]])).status, 201)
})

// Guarantee: the OpenAPI document describes every route of the shop, and a page shows it.
test('Документация: Swagger для API', async () => {
  assert.equal((await fetch(`${app.url}/docs`)).status, 200)
  const { paths } = (await app.get('/api/schema')).body
  for (const path of ['/api/products', '/api/products/{id}', '/api/orders', '/api/orders/{id}', '/api/admin/orders']) {
    assert.ok(paths[path], path)
    for (const operation of Object.values<Json>(paths[path]))
      assert.ok(operation.summary && operation.description, path)
  }
})
