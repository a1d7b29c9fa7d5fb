import { createHmac } from 'node:crypto'
import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { Job, JobKind } from '../platform/jobs.ts'
import type { Platform } from '../platform/module.ts'
import { type Outgoing, OutgoingError, openOutgoing } from '../platform/outgoing.ts'
import { getOrder } from './orders.ts'
import type { Order } from './schemas.ts'
import { shopSettings } from './settings.ts'

/** One call and three retries. */
const mostAttempts = 4
/** Seconds before the second call; the pauses about double from there. */
const firstPause = 3
const longestPause = 60
/** Above the longest pause between two tries of a job, with its call and the time to notice a dead worker. */
const forgottenSeconds = 120

const openDelivery = (platform: Platform): Outgoing =>
  openOutgoing({
    name: 'shipping',
    origin: shopSettings(platform).SHIPPING_URL,
    timeoutMs: 10_000,
    maxBytes: 64 << 10,
    concurrency: 16,
    breaker: { failures: 20 },
    log: platform.log,
  })
const delivery = (platform: Platform) => platform.own(openDelivery, (outgoing) => outgoing.close())

type Outcome = { delivered: boolean; reason?: string; status?: number }

/** Tells the delivery service; only an answer of 2xx means that it knows. */
async function call(platform: Platform, orderId: number, signal: AbortSignal): Promise<Outcome> {
  const { SHIPPING_URL, SHIPPING_SECRET } = shopSettings(platform)
  const { pathname, search } = new URL(SHIPPING_URL)
  const body = bodyOf(orderId)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', SHIPPING_SECRET).update(`${timestamp}.${body}`).digest('hex')
  try {
    const { status } = await delivery(platform).request({
      method: 'POST',
      path: pathname + search,
      headers: {
        'content-type': 'application/json',
        // Each attempt and each repeat bears the same key, so that a service that knows it ships once.
        'idempotency-key': `order-${orderId}`,
        ...(SHIPPING_SECRET ? { 'x-dvor-timestamp': timestamp, 'x-dvor-signature': `sha256=${signature}` } : {}),
      },
      body,
      signal,
    })
    return status >= 200 && status < 300 ? { delivered: true } : { delivered: false, reason: 'status', status }
  } catch (error) {
    // Nothing was tried, or it was our own worker that stopped: no attempt of theirs, and the job comes again.
    if (!(error instanceof OutgoingError) || error.fault === 'resting' || signal.aborted) throw error
    return { delivered: false, reason: error.fault }
  }
}

const bodyOf = (orderId: number) => JSON.stringify({ order_id: orderId, status: 'shipped' })

/**
 * Tells the delivery service that an order is on its way: one call, and while it fails up to three more. What counts
 * are the attempts in the order, not those of the job, so a worker that dies neither spends one nor adds one.
 */
async function callShipping(platform: Platform, jobs: Job<{ order_id: number }>[]) {
  return Promise.all(jobs.map((job) => callOnce(platform, job).catch((error: Error) => error)))
}

/**
 * Calls beside each other, so that a slow service holds up none but its own. The order ends the attempts: while the service
 * is left alone its one job comes back, however often, and spends none of them.
 */
export const shippingJob: JobKind<Platform, { order_id: number }> = {
  handle: callShipping,
  key: ({ order_id }) => String(order_id),
  batchSize: 8,
  retryLimit: 1_000_000,
  retryDelay: firstPause,
  retryDelayMax: longestPause,
}

async function callOnce(platform: Platform, job: Job<{ order_id: number }>): Promise<Error | undefined> {
  const id = job.data.order_id
  const order = await platform.db
    .selectFrom('shop.orders')
    .select('shipping_attempts')
    .where('id', '=', id)
    .where('shipping', '=', 'waiting')
    .executeTakeFirst()
  if (!order) return undefined
  const attempt = order.shipping_attempts + 1
  const sandbox = shopSettings(platform).SHIPPING_URL === 'sandbox'
  const outcome: Outcome = sandbox ? { delivered: true } : await call(platform, id, job.signal)
  const last = attempt === mostAttempts
  const [state, event] = outcome.delivered
    ? ['delivered', 'shipping_delivered']
    : last
      ? ['failed', 'shipping_failed']
      : ['waiting', 'shipping_call']
  const { delivered, ...fault } = outcome
  await transaction(platform.db, async (tx) => {
    // Somebody else may have made this attempt meanwhile: then it is theirs.
    const { numUpdatedRows } = await tx
      .updateTable('shop.orders')
      .set({ shipping: state, shipping_attempts: attempt, shipping_at: sql`now()` })
      .where('id', '=', id)
      .where('shipping', '=', 'waiting')
      .where('shipping_attempts', '=', order.shipping_attempts)
      .executeTakeFirst()
    if (!numUpdatedRows) return
    await writeEvent(tx, id, event!, { attempt, ...fault })
    if (sandbox) {
      await tx
        .insertInto('platform.outbox')
        .values({
          key: `shipping-${id}`,
          kind: 'shipping',
          to: 'sandbox',
          text: bodyOf(id),
          state: 'sent',
          sent_at: sql`now()`,
        })
        .onConflict((c) => c.column('key').doNothing())
        .execute()
    }
  })
  if (delivered) return undefined
  const why = [fault.reason, fault.status].filter(Boolean).join(' ')
  const error = new Error(`the delivery service did not take order ${id}: ${why}`)
  if (!last) return error
  platform.log.warn({ order_id: id, attempts: attempt, err: error }, 'the delivery service is not called any more')
  return undefined
}

const writeEvent = (tx: Tx, order_id: number, event: string, detail: object, user_id?: number) =>
  tx
    .insertInto('shop.order_events')
    .values({ order_id, event, detail: JSON.stringify(detail), user_id: user_id ?? null })
    .execute()

/** Has the delivery service called again; 409 unless the order is shipped and its call failed for good. */
export async function resendShipping(platform: Platform, user: User, id: number): Promise<Order> {
  return transaction(platform.db, async (tx) => {
    const order = await tx
      .selectFrom('shop.orders')
      .select(['status', 'shipping'])
      .where('id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (!order) throw notFound()
    if (order.status !== 'shipped' || order.shipping !== 'failed') throw new AppError(409, 'shop.not_resendable')
    await tx
      .updateTable('shop.orders')
      .set({ shipping: 'waiting', shipping_attempts: 0, shipping_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    await writeEvent(tx, id, 'shipping_again', {}, user.id)
    await recordChange(tx, user, { action: 'shop.resend_shipping', subject: 'shop.orders', subject_id: id })
    await platform.jobs.enqueue(tx, 'shop.shipping', [{ order_id: id }])
    return getOrder(tx, id)
  })
}

/** Wakes calls that nobody will make any more: their job was lost or gave up while their order still waits. */
export async function sweepShipping(platform: Platform): Promise<void> {
  await transaction(platform.db, async (tx) => {
    const { rows } = await sql<{ order_id: number }>`
      update shop.orders set shipping_at = now() where id = any(array(
        select id from shop.orders where shipping = 'waiting' and shipping_at < now() - make_interval(secs => ${forgottenSeconds})
        order by id limit 500 for no key update skip locked))
      returning id order_id`.execute(tx)
    await platform.jobs.enqueue(tx, 'shop.shipping', rows)
  })
}
