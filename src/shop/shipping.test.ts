import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
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
import { addProduct, bought, deliveryService, hurryRetries, withRole } from '../../test/shop.ts'
import { sweepShipping } from './shipping.ts'

/** An order of its own that the shop has just shipped. */
async function ship(app: TestApp, admin: string, buyer: Person): Promise<number> {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, buyer.token, [id, 1])
  for (const status of ['processing', 'shipped'])
    assert.equal((await app.patch(`/api/orders/${order.id}`, { status }, { token: admin })).status, 200)
  return order.id
}
const historyOf = async (app: TestApp, token: string, id: number): Promise<string[]> =>
  (await app.get(`/api/orders/${id}/history?page_size=100`, { token })).body.results
    .filter((e: Json) => e.event.startsWith('shipping'))
    .map((e: Json) => `${e.event}: ${e.detail}`)
const look = async (app: TestApp, token: string, id: number) => (await app.get(`/api/orders/${id}`, { token })).body

/** Lets every repeat run as soon as it is due, and gathers the pauses that they would have taken. */
async function untilSettled(app: TestApp, admin: string, id: number): Promise<number[]> {
  const pauses: number[] = []
  await eventually('the calls are over', async () => {
    pauses.push(...(await hurryRetries(app, 'shop.shipping')))
    return (await look(app, admin, id)).shipping !== 'waiting'
  })
  return pauses
}

// Guarantee: an endpoint that fails twice and then answers is called three times, each on the history, and no more.
test('two failures and an answer', async () => {
  await using service = await deliveryService((nth, response) => {
    response.writeHead(nth < 3 ? 503 : 200).end('{}')
  })
  await using app = await startApp({ SHIPPING_URL: service.url, SHIPPING_SECRET: 'a secret of the delivery service' })
  const admin = await logInAdmin(app)
  const anna = await person(app)
  const id = await ship(app, admin, anna)
  const pauses = await untilSettled(app, admin, id)
  assert.deepEqual(await historyOf(app, anna.token, id), [
    'shipping_call: Попытка 1: служба доставки не приняла вызов (ответ 503).',
    'shipping_call: Попытка 2: служба доставки не приняла вызов (ответ 503).',
    'shipping_delivered: Попытка 3: служба доставки приняла вызов.',
  ])
  assert.equal(pauses.length, 2)
  assert.ok(pauses[1]! > pauses[0]!, `the pauses grow: ${pauses}`)
  const order = await look(app, admin, id)
  assert.deepEqual([order.status, order.shipping], ['shipped', 'delivered'])
  await drainJobs(app)
  assert.equal(service.calls.length, 3)
  for (const { path, headers, body } of service.calls) {
    assert.equal(path, '/shipping?from=dvor')
    assert.deepEqual(JSON.parse(body), { order_id: id, status: 'shipped' })
    assert.equal(headers['idempotency-key'], `order-${id}`)
    const timestamp = String(headers['x-dvor-timestamp'])
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60)
    const signature = createHmac('sha256', 'a secret of the delivery service')
      .update(`${timestamp}.${body}`)
      .digest('hex')
    assert.equal(headers['x-dvor-signature'], `sha256=${signature}`)
  }
  await app.audit()
})

// Guarantee: an endpoint that always fails is called four times, the failure is visible, and the shop can call again.
test('four failures, and once more', async () => {
  let sound = false
  await using service = await deliveryService((nth, response) => {
    if (sound) response.writeHead(204).end()
    else if (nth === 1) response.writeHead(307, { location: '/elsewhere' }).end()
    else if (nth === 2) response.socket!.destroy()
    else if (nth === 3) response.writeHead(404).end('x'.repeat(1000))
    else response.writeHead(200).end('x'.repeat(1 << 20))
  })
  await using app = await startApp({ SHIPPING_URL: service.url })
  const admin = await logInAdmin(app)
  const anna = await person(app)
  const storekeeper = await withRole(app, 'storekeeper')
  const id = await ship(app, admin, anna)
  const again = (token: string, order = id) => app.post(`/api/admin/orders/${order}/resend-shipping`, {}, { token })
  await untilSettled(app, admin, id)
  assert.deepEqual(await historyOf(app, anna.token, id), [
    'shipping_call: Попытка 1: служба доставки не приняла вызов (ответ 307).',
    'shipping_call: Попытка 2: служба доставки не приняла вызов (ответ оборван).',
    'shipping_call: Попытка 3: служба доставки не приняла вызов (ответ 404).',
    'shipping_failed: Попытка 4: служба доставки не приняла вызов (ответ слишком велик). Попыток больше не будет.',
  ])
  assert.equal(service.calls.length, 4)
  assert.equal(service.calls[0]!.headers['x-dvor-signature'], undefined)
  const order = await look(app, admin, id)
  assert.deepEqual([order.status, order.shipping], ['shipped', 'failed'])
  assert.ok(app.logs.some((l) => l.includes('the delivery service is not called any more')))

  assert.equal((await again(anna.token)).status, 403)
  assert.equal((await again(admin, 999_999)).status, 404)
  sound = true
  const resent = await again(storekeeper.token)
  assert.deepEqual([resent.status, resent.body.shipping], [200, 'waiting'])
  assert.equal((await again(admin)).status, 409)
  await untilSettled(app, admin, id)
  assert.equal((await look(app, admin, id)).shipping, 'delivered')
  assert.deepEqual((await historyOf(app, anna.token, id)).slice(4), [
    'shipping_again: Вызов службы доставки запрошен снова.',
    'shipping_delivered: Попытка 1: служба доставки приняла вызов.',
  ])
  assert.equal(service.calls.at(-1)!.headers['idempotency-key'], `order-${id}`)
  const english = await app.get(`/api/orders/${id}/history`, {
    token: anna.token,
    headers: { 'accept-language': 'en' },
  })
  assert.equal(english.body.results.at(-1).detail, 'Attempt 1: the delivery service took the call.')
  await app.audit()
})

// Guarantee: to call again makes no sense unless the order is shipped and its call failed: 409.
test('no call without a reason', async () => {
  await using app = await startApp()
  const admin = await logInAdmin(app)
  const anna = await person(app)
  const { id } = await addProduct(app, admin)
  const pending = await bought(app, anna.token, [id, 1])
  const shipped = await ship(app, admin, anna)
  await drainJobs(app)
  for (const order of [pending.id, shipped])
    assert.equal((await app.post(`/api/admin/orders/${order}/resend-shipping`, {}, { token: admin })).status, 409)
  // The sandbox is the default: it takes every call and shows it in the outbox.
  assert.equal((await look(app, admin, shipped)).shipping, 'delivered')
  const { body } = await app.get('/api/outbox?kind=shipping', { token: admin })
  assert.deepEqual(
    body.results.map((o: Json) => [o.to, o.text, o.state]),
    [['sandbox', JSON.stringify({ order_id: shipped, status: 'shipped' }), 'sent']],
  )
  await app.audit()
})

// Guarantee: a job that runs twice calls once; one that was lost is found by the sweep.
test('calls are neither doubled nor lost', async () => {
  await using service = await deliveryService((_, response) => {
    response.writeHead(200).end()
  })
  await using app = await startApp({ SHIPPING_URL: service.url })
  const admin = await logInAdmin(app)
  const anna = await person(app)
  const id = await ship(app, admin, anna)
  await drainJobs(app)
  await app.platform.db
    .transaction()
    .execute((tx) => app.platform.jobs.enqueue(tx, 'shop.shipping', [{ order_id: id }]))
  await drainJobs(app)
  assert.equal(service.calls.length, 1)

  const lost = await ship(app, admin, anna)
  await drainJobs(app)
  await app.platform.pool.query('delete from shop.order_events where order_id = $1 and event = $2', [
    lost,
    'shipping_delivered',
  ])
  const forget = `update shop.orders set shipping = 'waiting', shipping_attempts = 0, shipping_at = now() - $2::interval where id = $1`
  await app.platform.pool.query(forget, [lost, '1 minute'])
  await sweepShipping(app.platform)
  await drainJobs(app)
  assert.equal((await look(app, admin, lost)).shipping, 'waiting', 'a job may still be on its way')
  await app.platform.pool.query(forget, [lost, '3 minutes'])
  await sweepShipping(app.platform)
  await drainJobs(app)
  assert.equal((await look(app, admin, lost)).shipping, 'delivered')
  assert.equal(service.calls.length, 3)
  await app.audit()
})

// Guarantee: however long the delivery service is away and is left alone, an order has one live job, which never dies of that,
// and the calls go out when the service is back.
test('an outage makes no jobs', async () => {
  let sound = false
  await using service = await deliveryService((_, response) => {
    response.writeHead(sound ? 200 : 503).end()
  })
  await using app = await startApp({ SHIPPING_URL: service.url })
  const admin = await logInAdmin(app)
  const [product, anna] = [await addProduct(app, admin, { stock: 100 }), await person(app)]
  const bought60 = await Promise.all(Array.from({ length: 60 }, () => bought(app, anna.token, [product.id, 1])))
  const orders = bought60.map((o) => o.id)
  for (const status of ['processing', 'shipped'])
    await app.post('/api/admin/orders/status', { orders, status }, { token: admin })
  const { pool } = app.platform
  const jobs = async () => {
    const { rows } = await pool.query(
      `select count(*) filter (where name = 'shop.shipping')::int made, count(*) filter (where name = 'dead')::int dead,
         count(*) filter (where name = 'shop.shipping' and state = 'retry' and start_after > now())::int resting from pgboss.job`,
    )
    return rows[0]
  }
  for (let minute = 0; minute < 10; minute += 2) {
    await eventually('every call rests', async () => (await jobs()).resting === 60, 60_000)
    assert.deepEqual(await jobs(), { made: 60, dead: 0, resting: 60 })
    // Two minutes later, after more tries than a job has elsewhere.
    await pool.query(
      `update shop.orders set shipping_at = shipping_at - interval '3 minutes' where shipping = 'waiting'`,
    )
    await pool.query(`update pgboss.job set retry_count = retry_count + 10 where name = 'shop.shipping'`)
    await sweepShipping(app.platform)
    await hurryRetries(app, 'shop.shipping')
  }
  sound = true
  await eventually(
    'all are told',
    async () => {
      await hurryRetries(app, 'shop.shipping')
      const waiting = `select count(*)::int n from shop.orders where shipping = 'waiting'`
      return (await pool.query(waiting)).rows[0].n === 0
    },
    120_000,
  )
  await drainJobs(app)
  assert.deepEqual(await jobs(), { made: 60, dead: 0, resting: 0 })
  await app.audit()
})
