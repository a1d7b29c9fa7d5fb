import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { drainJobs, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addProduct, stockOf } from '../../test/shop.ts'

let app: TestApp
let admin: string
let buyer: Person
let image: Uint8Array<ArrayBuffer>
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  buyer = await person(app)
  const picture = sharp({ create: { width: 2000, height: 900, channels: 3, background: '#1f6f50' } })
  image = new Uint8Array(await picture.webp().toBuffer())
})
after(() => app[Symbol.asyncDispose]())

const add = (id: number, token = admin, raw = image) =>
  app.call('POST', `/api/products/${id}/pictures`, { raw, headers: { 'content-type': 'image/webp' }, token })

// Guarantee: a product shows its pictures, made fit, in their order, in lists and cached answers at once; its files go with
// it, and only the shop adds or removes them.
test('a product has pictures', async () => {
  const { id } = await addProduct(app, admin, { name: 'Скворечник' })
  const shown = async () => (await app.get(`/api/products/${id}`, { token: buyer.token })).body.pictures
  assert.deepEqual(await shown(), [])
  assert.equal((await add(id, buyer.token)).status, 403)
  assert.equal((await add(id, admin, new TextEncoder().encode('<svg/>'))).status, 415)
  for (let n = 0; n < 2; n++) assert.equal((await add(id)).status, 201)
  const [first, second] = await shown()
  const { format, width, height } = await sharp(
    Buffer.from(await (await fetch(app.url + first.url)).arrayBuffer()),
  ).metadata()
  assert.deepEqual([format, width, height], ['jpeg', 1200, 540])
  const list = (await app.get('/api/products?search=Скворечник', { token: buyer.token })).body.results
  assert.deepEqual(list[0].pictures, [first, second])
  assert.equal((await app.delete(`/api/products/${id}/pictures/${first.id}`, { token: admin })).status, 204)
  assert.deepEqual(await shown(), [second])
  for (let n = 0; n < 7; n++) assert.equal((await add(id)).status, 201)
  assert.equal((await add(id)).status, 409)
  assert.equal((await app.delete(`/api/products/${id}`, { token: admin })).status, 204)
  await drainJobs(app)
  assert.deepEqual(readdirSync(join(app.folder, 'files', 'products')), [])
})

// Guarantee: an order says where it goes; one whose sum is not what the buyer saw is refused with the new sum and takes
// nothing, and one whose sum is so is made.
test('an order holds what its buyer saw', async () => {
  const product = await addProduct(app, admin, { price: '100.00', stock: 10 })
  const items = [{ product: product.id, quantity: 2 }]
  const order = (fields: object) => app.post('/api/orders', { items, ...fields }, { token: buyer.token })
  const where = { address: 'Садовая, 12, кв. 5', phone: '8 (912) 345-67-89', comment: 'Позвоните за час' }
  await app.patch(`/api/products/${product.id}`, { price: '120.00' }, { token: admin })
  const refused = await order({ ...where, expected_total: '200.00' })
  assert.deepEqual(
    [refused.status, refused.body.code, refused.body.values],
    [409, 'shop.total_changed', { total_price: '240.00' }],
  )
  assert.equal(await stockOf(app, product.id), 10)
  const made = await order({ ...where, expected_total: 240 })
  assert.equal(made.status, 201, made.text)
  const { address, phone, comment } = made.body
  assert.deepEqual({ address, phone, comment }, { ...where, phone: '79123456789' })
  const { body } = await app.get(`/api/orders/${made.body.id}`, { token: buyer.token })
  assert.deepEqual([body.address, body.phone, body.comment], [address, phone, comment])
  const faulty = await order({ phone: '12' })
  assert.deepEqual([faulty.status, faulty.body.errors[0].path], [400, '/phone'])
  const plain = await order({})
  assert.deepEqual([plain.body.address, plain.body.phone, plain.body.comment], ['', null, ''])
  await app.audit()
})
