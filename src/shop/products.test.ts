import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { drainJobs, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { planOf, statementsOf } from '../../test/plans.ts'
import { addProduct, bought, stockOf, withRole } from '../../test/shop.ts'

let app: TestApp
let admin: string
let anna: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  anna = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const product = (fields?: Record<string, unknown>) => addProduct(app, admin, fields)
const list = (query = '') => app.get(`/api/products?${query}`, { token: anna.token })
const names = async (query: string) => (await list(query)).body.results.map((p: Json) => p.name)

// Guarantee: the shop writes products, buyers read them, and nobody reads them who is not logged in.
test('who may do what with products', async () => {
  const storekeeper = await withRole(app, 'storekeeper')
  const auditor = await withRole(app, 'auditor')
  const fields = { name: 'Стол', price: 100, category: 'home' }
  for (const [token, status] of [
    [undefined, 401],
    [anna.token, 403],
    [auditor.token, 403],
    [storekeeper.token, 201],
    [admin, 201],
  ] as const)
    assert.equal((await app.post('/api/products', fields, { token })).status, status)
  const { id } = await product()
  for (const token of [anna.token, auditor.token]) {
    assert.equal((await app.get(`/api/products/${id}`, { token })).status, 200)
    assert.equal((await app.patch(`/api/products/${id}`, { price: 1 }, { token })).status, 403)
    assert.equal((await app.put(`/api/products/${id}`, { body: fields, token })).status, 403)
    assert.equal((await app.delete(`/api/products/${id}`, { token })).status, 403)
  }
  assert.equal((await app.get('/api/products')).status, 401)
  assert.equal((await app.get(`/api/products/${id}`)).status, 401)
})

// Guarantee: a product is what was written, whole or in part, and its computed fields can't be written.
test('products are made, replaced, changed and removed', async () => {
  const made = await app.post('/api/products', { name: 'Стул', price: '99.5', category: 'home' }, { token: admin })
  assert.equal(made.status, 201)
  assert.deepEqual([made.body.price, made.body.stock, made.body.description], ['99.50', 0, ''])
  const path = `/api/products/${made.body.id}`
  const whole = { name: 'Кресло', description: 'Мягкое', price: '1500', stock: 4, category: 'other' }
  const replaced = await app.put(path, { body: whole, token: admin })
  assert.equal(replaced.status, 200, replaced.text)
  assert.deepEqual({ ...replaced.body, ...whole, price: '1500.00' }, replaced.body)
  assert.equal((await app.put(path, { body: { name: 'Кресло' }, token: admin })).status, 400)
  const same = await app.patch(path, {}, { token: admin })
  assert.deepEqual([same.status, same.body], [200, replaced.body])
  assert.equal((await app.patch(path, { price: '1400.10' }, { token: admin })).body.price, '1400.10')
  for (const wrong of [
    { price: 0 },
    { price: -1 },
    { price: '1e3' },
    { price: '1.001' },
    { stock: -1 },
    { stock: 1.5 },
    { name: '' },
    { name: 'ы'.repeat(201) },
    { category: 'food' },
    { id: 7 },
    { created_at: '2026-01-01T00:00:00Z' },
  ])
    assert.equal((await app.patch(path, wrong, { token: admin })).status, 400, JSON.stringify(wrong))
  assert.equal((await app.delete(path, { token: admin })).status, 204)
  for (const answer of [
    app.get(path, { token: admin }),
    app.patch(path, {}, { token: admin }),
    app.delete(path, { token: admin }),
  ])
    assert.equal((await answer).status, 404)
  await app.audit()
})

// Guarantee: the same key makes one product.
test('a repeated creation is one product', async () => {
  const body = { name: 'Повтор', price: '5.00', category: 'other', stock: 3 }
  const options = { token: admin, headers: { 'idempotency-key': 'product-1' } }
  const [a, b] = await Promise.all([1, 2].map(() => app.post('/api/products', body, options)))
  assert.equal(a!.body.id, b!.body.id)
  assert.equal((await list('search=Повтор')).body.count, 1)
  await app.audit()
})

// Guarantee: a product that was ordered leaves the shop but not its orders; one that was not is gone.
test('an ordered product is hidden, another removed', async () => {
  const [ordered, idle] = [await product({ name: 'Рубанок' }), await product({ name: 'Стамеска' })]
  const order = await bought(app, anna.token, [ordered.id, 1])
  for (const { id } of [ordered, idle]) {
    assert.equal((await app.delete(`/api/products/${id}`, { token: admin })).status, 204)
    assert.equal((await app.get(`/api/products/${id}`, { token: anna.token })).status, 404)
    assert.equal((await app.patch(`/api/products/${id}`, { stock: 5 }, { token: admin })).status, 404)
  }
  assert.deepEqual(await names('search=рубанок'), [])
  assert.equal((await app.get(`/api/orders/${order.id}`, { token: anna.token })).body.items[0].name, 'Рубанок')
  const { rows } = await app.platform.pool.query('select id from shop.products where id = any($1)', [
    [ordered.id, idle.id],
  ])
  assert.deepEqual(rows, [{ id: ordered.id }])
  // What was sold of a hidden product comes back all the same.
  await app.patch(`/api/orders/${order.id}`, { status: 'cancelled' }, { token: anna.token })
  assert.equal(await stockOf(app, ordered.id), 10)
  await app.audit()
})

// Guarantee: stock that people change leaves a movement and a line in the audit log.
test('stock is changed by movements', async () => {
  const { id } = await product({ stock: 10 })
  for (const stock of [25, 25, 7]) await app.patch(`/api/products/${id}`, { stock }, { token: admin })
  await bought(app, anna.token, [id, 2])
  const { rows } = await app.platform.pool.query(
    'select kind, change from shop.stock_ledger where product_id = $1 order by created_at',
    [id],
  )
  assert.deepEqual(
    rows.map((r) => `${r.kind} ${r.change}`),
    ['initial 10', 'received 15', 'corrected -18', 'sold -2'],
  )
  const log = await app.platform.db
    .selectFrom('platform.audit_log')
    .select(['action', 'before', 'after'])
    .where('subject', '=', 'shop.products')
    .where('subject_id', '=', id)
    .orderBy('id')
    .execute()
  assert.deepEqual(
    log.map((l) => l.action),
    ['shop.create_product', 'shop.change_product', 'shop.change_product', 'shop.change_product'],
  )
  assert.deepEqual([log[1]!.before, log[1]!.after], [{ stock: 10 }, { stock: 25 }])
  // The audit sees stock that moved by itself.
  await app.platform.pool.query('update shop.products set stock = stock + 1 where id = $1', [id])
  await assert.rejects(app.audit())
  await app.platform.pool.query('update shop.products set stock = stock - 1 where id = $1', [id])
  await app.audit()
})

// Guarantee: filters and orderings do what they say; what is not among them is refused.
test('filters, orderings and pages of the list', async () => {
  const made = await Promise.all(
    [
      { name: 'Ёж', price: '10.00', stock: 0 },
      { name: 'Еж', price: '20.00', stock: 1 },
      { name: 'Жук', price: '30.50', stock: 2 },
      { name: 'Ель', price: '40.00', stock: 30 },
    ].map((p) => product({ ...p, category: 'books' })),
  )
  assert.equal(made.length, 4)
  const books = (query: string) => names(`category=books&${query}`)
  assert.deepEqual(await books('ordering=price'), ['Ёж', 'Еж', 'Жук', 'Ель'])
  assert.deepEqual(await books('ordering=-price'), ['Ель', 'Жук', 'Еж', 'Ёж'])
  assert.deepEqual(await books('ordering=name'), ['Еж', 'Ёж', 'Ель', 'Жук'])
  assert.equal((await books('ordering=created_at')).length, 4)
  assert.deepEqual(await books('price_min=20&price_max=30.50&ordering=price'), ['Еж', 'Жук'])
  assert.deepEqual(await books('in_stock=true&ordering=price'), ['Еж', 'Жук', 'Ель'])
  assert.deepEqual(await books('in_stock=false'), ['Ёж'])
  assert.deepEqual(await books('stock_max=2&ordering=price'), ['Ёж', 'Еж', 'Жук'])
  const page = (await list('category=books&ordering=price&page_size=3')).body
  assert.deepEqual([page.count, page.previous, page.results.length], [4, null, 3])
  const next = (await app.get(page.next, { token: anna.token })).body
  assert.deepEqual([next.results.map((p: Json) => p.name), next.next], [['Ель'], null])
  for (const wrong of [
    'category=food',
    'price_min=x',
    'price_max=-1',
    'ordering=stock',
    'in_stock=2',
    'page=0',
    'color=red',
  ])
    assert.equal((await list(wrong)).status, 400, wrong)
})

// Guarantee: a search finds any form of a word, parts of words, ё as е, both languages, and forgives a slip of the hand.
test('the search knows word forms and slips', async () => {
  await product({ name: 'Чайник электрический', description: 'Для заварки крепкого чая' })
  await product({ name: 'Ёлочная гирлянда', description: 'Светит 100 % времени' })
  await product({ name: 'Children books', description: 'Tales_to read' })
  const finds = async (words: string, found: string) =>
    assert.deepEqual(await names(`search=${encodeURIComponent(words)}`), [found], words)
  await finds('чайники', 'Чайник электрический')
  await finds('электрическими чайниками', 'Чайник электрический')
  await finds('крепкий', 'Чайник электрический')
  await finds('чайн', 'Чайник электрический')
  await finds('ЁЛОЧНЫЕ', 'Ёлочная гирлянда')
  await finds('елочная', 'Ёлочная гирлянда')
  await finds('100 %', 'Ёлочная гирлянда')
  await finds('child book', 'Children books')
  await finds('tales_', 'Children books')
  await finds('чяйник', 'Чайник электрический')
  await finds('гирлянта', 'Ёлочная гирлянда')
  await finds('childern', 'Children books')
  assert.deepEqual(await names('search=холодильник'), [])
  assert.equal((await list(`search=${encodeURIComponent("' or 1=1 -- & | ! : <->")}`)).status, 200)
  // A word in the name stands before one in the description.
  await product({ name: 'Заварка' })
  assert.deepEqual(await names('search=заварка'), ['Заварка', 'Чайник электрический'])
})

// Guarantee: the searches go by their indexes, however many products there are.
test('a search walks no table', async () => {
  await using full = await startApp({}, { worker: false })
  const token = await logInAdmin(full)
  const { pool } = full.platform
  await pool.query(`
    insert into shop.products (name, price, category)
    select 'Товар ' || md5(n::text), 10, 'home' from generate_series(1, 10000) n`)
  await pool.query('vacuum analyze shop.products')
  const plans = async (search: string) => {
    const asked = await statementsOf(() => full.get(`/api/products?search=${encodeURIComponent(search)}`, { token }))
    const found = asked.filter((s) => s.text.includes('from shop.products p where'))
    return Promise.all(found.map(async (s) => (await planOf(pool, s)).join('\n')))
  }
  // What nothing has is looked for in its spelling next; each search counts and reads.
  const [count, rows, countAlike, rowsAlike] = await plans('чяйник')
  for (const plan of [count, rows]) {
    assert.match(plan!, /products_words_idx/)
    assert.match(plan!, /products_letters_idx/)
  }
  for (const plan of [countAlike, rowsAlike]) assert.match(plan!, /products_letters_idx/)
})

// Guarantee: the list is kept and is new with every change of a product, whoever makes it: a person, a sale, a hand edit.
test('lists and details are cached and never stale', async () => {
  const { id } = await product({ name: 'Кэш', stock: 10 })
  await drainJobs(app)
  const look = async (path: string) => {
    const answer = await app.get(path, { token: anna.token })
    const body = answer.body.results?.[0] ?? answer.body
    return `${answer.headers.get('x-cache')} ${body.stock}`
  }
  for (const path of ['/api/products?search=Кэш', `/api/products/${id}`]) {
    const stock = await stockOf(app, id)
    assert.equal(await look(path), `MISS ${stock}`)
    assert.equal(await look(path), `HIT ${stock}`)
    await bought(app, anna.token, [id, 1])
    assert.equal(await look(path), `MISS ${stock - 1}`)
    assert.equal(await look(path), `HIT ${stock - 1}`)
    await app.patch(`/api/products/${id}`, { stock: 50 }, { token: admin })
    assert.equal(await look(path), 'MISS 50')
    await app.platform.pool.query('update shop.products set stock = 51 where id = $1', [id])
    assert.equal(await look(path), 'MISS 51')
    await app.platform.pool.query('update shop.products set stock = 50 where id = $1', [id])
  }
  const first = await app.get(`/api/products/${id}`, { token: anna.token })
  const headers = { 'if-none-match': first.headers.get('etag')! }
  assert.equal((await app.get(`/api/products/${id}`, { token: anna.token, headers })).status, 304)
})
