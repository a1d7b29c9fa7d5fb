import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addProduct, bought } from '../../test/shop.ts'

let app: TestApp
let anna: Person
let admin: string
before(async () => {
  app = await startApp()
  anna = await person(app)
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const tagOf = async (path: string, token: string) => (await app.get(path, { token })).headers.get('etag')!
const change = (path: string, body: Json, token: string, match: string, method = 'PATCH') =>
  app.call(method, path, { body, token, headers: { 'if-match': match } })
const newCollect = async () =>
  (
    await app.post(
      '/api/collects',
      { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' },
      { token: anna.token },
    )
  ).body.id as number

// Guarantee: an edit that names what it was made of is refused when somebody else edited that meanwhile, and changes nothing.
test('a stale edit is refused', async () => {
  const collect = `/api/collects/${await newCollect()}`
  const product = `/api/products/${(await addProduct(app, admin)).id}`
  const whole = { name: 'Чашка', description: '', price: '5.00', stock: 3, category: 'home' }
  for (const [path, method, token, mine, theirs] of [
    [collect, 'PATCH', anna.token, { title: 'Моя' }, { title: 'Чужая' }],
    [product, 'PATCH', admin, { price: '7.00' }, { price: '8.00' }],
    [product, 'PUT', admin, whole, { ...whole, name: 'Кружка' }],
    ['/api/profile', 'PATCH', anna.token, { first_name: 'Анна' }, { first_name: 'Яна' }],
  ] as [string, string, string, Json, Json][]) {
    const before = await tagOf(path, token)
    assert.equal((await change(path, theirs, token, before, method)).status, 200, path)
    const seen = (await app.get(path, { token })).text
    const refused = await change(path, mine, token, before, method)
    assert.deepEqual([refused.status, refused.body.code], [412, 'request.changed'], path)
    assert.equal((await change(path, mine, token, '"junk"', method)).status, 412, path)
    assert.equal((await app.get(path, { token })).text, seen)
    const now = await tagOf(path, token)
    assert.equal((await change(path, mine, token, `"other", W/${now}`, method)).status, 200, path)
    assert.equal((await change(path, mine, token, '*', method)).status, 200, path)
    assert.equal((await app.call(method, path, { body: mine, token })).status, 200, path)
  }
})

// Guarantee: what is no edit of the same thing does not refuse one: a payment to the collect; a sale of the product, whose
// stock can be edited, does.
test('only what is edited counts', async () => {
  const id = await newCollect()
  const collect = await tagOf(`/api/collects/${id}`, anna.token)
  await app.post('/api/payments', { collect: id, amount: '5.00' }, { token: anna.token })
  assert.notEqual(await tagOf(`/api/collects/${id}`, anna.token), collect)
  assert.equal((await change(`/api/collects/${id}`, { title: 'Новая' }, anna.token, collect)).status, 200)
  const product = await addProduct(app, admin, { stock: 10 })
  const stocked = await tagOf(`/api/products/${product.id}`, admin)
  const order = await bought(app, anna.token, [product.id, 1])
  assert.equal((await change(`/api/products/${product.id}`, { stock: 30 }, admin, stocked)).status, 412)
  const path = `/api/orders/${order.id}`
  const pending = await tagOf(path, admin)
  assert.equal((await change(path, { status: 'processing' }, admin, pending)).status, 200)
  assert.equal((await change(path, { status: 'cancelled' }, admin, pending)).status, 412)
  assert.equal((await app.get(path, { token: admin })).body.status, 'processing')
})

// Guarantee: of two edits made of the same one wins, also when both arrive at once and wait for the same row.
test('of two edits one wins', async () => {
  const path = `/api/collects/${await newCollect()}`
  const tag = await tagOf(path, anna.token)
  const holder = await app.platform.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from collects.collects where id = $1 for update', [path.split('/').at(-1)])
    const [{ pid }] = (await holder.query('select pg_backend_pid() pid')).rows
    const edits = ['Первая', 'Вторая'].map((title) => change(path, { title }, anna.token, tag))
    await eventually('both wait', async () => {
      const { rows } = await app.platform.pool.query(
        `select count(*)::int n from pg_locks where not granted and pid <> $1`,
        [pid],
      )
      return rows[0].n >= 2
    })
    await holder.query('commit')
    assert.deepEqual((await Promise.all(edits)).map((e) => e.status).sort(), [200, 412])
  } finally {
    holder.release()
  }
})
