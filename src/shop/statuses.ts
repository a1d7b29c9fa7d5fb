import { sql } from 'kysely'
import { type PageOf, pageAnswer, type pageRequest } from '../http/pages.ts'
import { hasRole, type User } from '../platform/access.ts'
import { recordChanges } from '../platform/audit.ts'
import { sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { addNotifications } from '../platform/notifications.ts'
import { getOrder, readers, staff } from './orders.ts'
import { type Order, type OrderEvent, type OrderStatus, orderEdits } from './schemas.ts'

/** Where an order may go from where it is. */
const steps: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ['processing', 'cancelled'],
  processing: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}

/**
 * Moves orders one step, in one transaction of a constant number of statements: those that may go, go; for each of the
 * others the answer holds its refusal. Cancelling puts the goods back.
 */
async function moveOrders(
  platform: Platform,
  tx: Tx,
  actor: User,
  ids: number[],
  to: OrderStatus,
): Promise<Map<number, { from: OrderStatus; status: OrderStatus; refusal?: AppError }>> {
  const query = sqlOf(tx)
  // Products before orders, as those who buy; the lines of an order never change, so its goods are known unlocked.
  if (to === 'cancelled')
    await query(
      `select from shop.products where id in (select product_id from shop.order_items where order_id = any($1::bigint[]))
       order by id for no key update`,
      [ids],
    )
  const orders = await query<{ id: number; user_id: number; status: OrderStatus }>(
    'select id, user_id, status from shop.orders where id = any($1::bigint[]) order by id for no key update',
    [ids],
  )
  const moving = orders.filter((o) => steps[o.status].includes(to))
  const going = moving.map((o) => o.id)
  if (going.length) {
    if (to === 'cancelled')
      await query(
        `update shop.products p set stock = stock + i.quantity
         from (select product_id, sum(quantity) quantity from shop.order_items where order_id = any($1::bigint[]) group by product_id) i
         where p.id = i.product_id`,
        [going],
      )
    await query(
      `with moved as (
         update shop.orders set status = $2, updated_at = now(),
           shipping = case when $2 = 'shipped' then 'waiting' else shipping end,
           shipping_at = case when $2 = 'shipped' then now() else shipping_at end
         where id = any($1::bigint[]) returning id)
       insert into shop.order_events (order_id, event, user_id) select id, $2, $3 from moved order by id`,
      [going, to, actor.id],
    )
    if (hasRole(actor, ...staff)) {
      const before = new Map(orders.map((o) => [o.id, o.status]))
      const changes = going.map((id) => ({
        actor,
        change: {
          action: 'shop.move_order',
          subject: 'shop.orders',
          subject_id: id,
          before: { status: before.get(id) },
          after: { status: to },
        },
      }))
      await recordChanges(query, changes)
    }
    await addNotifications(
      query,
      moving.flatMap(({ id, user_id }) =>
        user_id === actor.id
          ? []
          : [
              {
                user_id,
                kind: 'shop.order',
                key: `order-${id}-${to}`,
                path: `/orders/${id}`,
                params: { number: id, context: to },
              },
            ],
      ),
    )
    if (to === 'shipped')
      await platform.jobs.enqueue(
        tx,
        'shop.shipping',
        going.map((order_id) => ({ order_id })),
      )
  }
  const went = new Set(going)
  return new Map(
    orders.map(({ id, status: from }) => [
      id,
      went.has(id)
        ? { from, status: to }
        : { from, status: from, refusal: new AppError(409, 'shop.wrong_step', { from, to }) },
    ]),
  )
}

/** Moves one order; its owner may only cancel it. Without a status nothing changes. */
export async function changeStatus(
  platform: Platform,
  user: User,
  id: number,
  to: OrderStatus | undefined,
  locale: Locale,
  match?: string,
): Promise<Order> {
  return transaction(platform.db, async (tx) => {
    const place = await tx.selectFrom('shop.orders').select('user_id').where('id', '=', id).executeTakeFirst()
    if (!place || (place.user_id !== user.id && !hasRole(user, ...readers))) throw notFound()
    if (!hasRole(user, ...staff)) {
      if (place.user_id !== user.id) throw new AppError(403, 'request.forbidden')
      if (to !== undefined && to !== 'cancelled') throw new AppError(403, 'shop.only_cancel')
    }
    if (to !== undefined) {
      const { from, refusal } = (await moveOrders(platform, tx, user, [id], to)).get(id)!
      checkMatch(match, { status: from }, orderEdits)
      if (refusal) throw worded(platform, refusal, locale)
      return getOrder(tx, id)
    }
    const order = await getOrder(tx, id)
    checkMatch(match, order, orderEdits)
    return order
  })
}

/** A refusal that names statuses in words of the language. */
const worded = ({ translate: t }: Platform, { status, code, params }: AppError, locale: Locale) =>
  new AppError(status, code, {
    from: t(locale, `shop.status.${params.from}`),
    to: t(locale, `shop.status.${params.to}`),
  })

/** Moves many orders at once, each with its own outcome in the order asked for. */
export async function changeStatuses(
  platform: Platform,
  user: User,
  { orders, status }: { orders: number[]; status: OrderStatus },
  locale: Locale,
) {
  const { translate: t } = platform
  const outcomes = await transaction(platform.db, (tx) =>
    moveOrders(
      platform,
      tx,
      user,
      [...new Set(orders)].sort((a, b) => a - b),
      status,
    ),
  )
  return {
    results: orders.map((order) => {
      const outcome = outcomes.get(order)
      if (!outcome) return { order, status: null, error: t(locale, 'validation.unknown_id') }
      const refusal = outcome.refusal && worded(platform, outcome.refusal, locale)
      return { order, status: outcome.status, error: refusal ? t(locale, refusal.code, refusal.params) : null }
    }),
  }
}

type EventRow = Omit<OrderEvent, 'detail'> & { detail: { attempt?: number; reason?: string; status?: number } }

/** What happened to an order, oldest first, in words; who of the shop did it, only the shop reads by name. */
export async function orderHistory(
  { db, translate: t }: Platform,
  user: User,
  id: number,
  page: ReturnType<typeof pageRequest>,
  locale: Locale,
): Promise<PageOf<OrderEvent>> {
  // That it was made, the order itself says.
  const { rows } = await sql<EventRow>`
    select e.at, e.event, e.user_id by, e.detail,
      case when ${hasRole(user, ...readers)} or e.user_id = ${user.id} then u.full_name end full_name
    from (
      select 0 id, created_at as at, 'created' event, user_id, '{}'::jsonb detail from shop.orders where id = ${id}
      union all
      select id, created_at, event, user_id, detail from shop.order_events where order_id = ${id}) e
      left join accounts.users u on u.id = e.user_id
    order by e.id limit ${page.limit} offset ${page.offset}`.execute(db)
  const wording = ({ event, detail }: EventRow) =>
    t(locale, `shop.event.${event}`, {
      attempt: detail.attempt,
      reason: detail.reason && t(locale, `shop.fault.${detail.reason}`, { status: detail.status }),
    })
  const events = await db
    .selectFrom('shop.order_events')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('order_id', '=', id)
    .executeTakeFirstOrThrow()
  return pageAnswer(
    page,
    rows.map((row) => ({ ...row, detail: wording(row) })),
    events.n + 1,
  )
}
