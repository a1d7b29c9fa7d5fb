import { type RawBuilder, sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import { phoneDigits } from '../accounts/index.ts'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import { hasRole, type User } from '../platform/access.ts'
import { freeOf, groupCommit, locked } from '../platform/batch.ts'
import type { Source } from '../platform/cache.ts'
import { run, sqlOf, type Tx } from '../platform/database.ts'
import { AppError, type FieldFault, fieldFaults, notFound } from '../platform/errors.ts'
import type { Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { type AdminOrdersQuery, type NewOrder, type Order, orderEdits } from './schemas.ts'
import { shopSettings } from './settings.ts'

/** Who works with everybody's orders, and the auditor who only looks. */
export const staff = ['admin', 'storekeeper'] as const
export const readers = [...staff, 'auditor'] as const

type Goods = { id: number; name: string; price: string; stock: number }
/** `totals`, `low` and `high` are by the places of the orders. */
type Found = { goods: Goods[]; held: number[]; totals: Record<string, string>; low: number[]; high: number[] }

// Locks in id order, so that two batches over the same goods never wait for each other in a ring; the sums are taken
// from the locked rows. A hidden product is no product here.
const wantedSql = 'select id, name, price, stock from shop.products where id = any($1::bigint[]) and hidden_at is null'
const lockSql = (skip: boolean) => `
  with ${skip ? freeOf('product', wantedSql, 'goods') : `goods as materialized (${wantedSql} order by id for no key update)`},
  sums as (
    select l.n, sum(g.price * l.quantity) total
    from unnest($2::int[], $3::bigint[], $4::int[]) l(n, product_id, quantity) join goods g on g.id = l.product_id
    group by l.n)
  select (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'price', price::text, 'stock', stock)), '[]') from goods) goods,
    array(select id from shop.products p where id = any($1::bigint[]) and hidden_at is null
      and not exists (select from goods g where g.id = p.id)) held,
    (select coalesce(jsonb_object_agg(n, total::text), '{}') from sums) totals,
    array(select n from sums where total < $5::numeric) low, array(select n from sums where total >= 1e16) high`

// One statement writes stock, orders and lines. Ids are drawn first, to know which order is whose.
const orderSql = `
  with lines as materialized (
    select l.n, l.position, l.product_id, l.quantity, p.name, p.price
    from unnest($3::int[], $4::smallint[], $5::bigint[], $6::int[]) l(n, position, product_id, quantity)
    join shop.products p on p.id = l.product_id),
  sold as (
    update shop.products p set stock = p.stock - s.quantity
    from (select product_id, sum(quantity) quantity from lines group by product_id) s where p.id = s.product_id),
  named as materialized (
    select o.*, nextval('shop.orders_id_seq') id
    from unnest($1::int[], $2::bigint[], $7::text[], $8::text[], $9::text[]) o(n, user_id, address, phone, comment) order by o.n),
  made as (
    insert into shop.orders (id, user_id, total_price, address, phone, comment) overriding system value
    select o.id, o.user_id, t.total, o.address, o.phone, o.comment
    from named o join (select n, sum(price * quantity) total from lines group by n) t using (n) order by o.id
    returning id, user_id, status, total_price, address, phone, comment, created_at, updated_at),
  written as (
    insert into shop.order_items (order_id, position, product_id, name, quantity, price_at_purchase)
    select o.id, l.position, l.product_id, l.name, l.quantity, l.price
    from lines l join named o using (n) order by o.id, l.position)
  select o.n, m.id, m.user_id "user", u.full_name, m.status, m.total_price, m.address, m.phone, m.comment,
    m.created_at, m.updated_at
  from named o join made m using (id) join accounts.users u on u.id = m.user_id`

/** Orders goods. Many orders at once become one transaction; each caller learns its own outcome. */
export async function order(platform: Platform, buyer: User, input: NewOrder, once?: Once): Promise<Order> {
  const { items, address = '', comment = '', expected_total } = input
  const phone = input.phone?.trim() ? phoneDigits(input.phone) : null
  const seen = new Set<number>()
  const twice = items.flatMap(({ product }, i): FieldFault[] => {
    if (seen.has(product)) return [{ path: `/items/${i}/product`, code: 'shop.product_twice' }]
    seen.add(product)
    return []
  })
  if (twice.length) throw fieldFaults(twice)
  return platform.own(openOrders)({ buyer: buyer.id, items, address, phone, comment, expected_total }, once)
}

type Wanted = {
  buyer: number
  items: NewOrder['items']
  address: string
  phone: string | null
  comment: string
  expected_total: string | undefined
}

function openOrders(platform: Platform) {
  const minimum = shopSettings(platform).MIN_ORDER_TOTAL
  return groupCommit<Wanted, Order>({
    name: 'orders',
    pool: platform.batchPool,
    async work(client, orders, { skipLocked }) {
      const ids = [...new Set(orders.flatMap((o) => o.items.map((i) => i.product)))].sort((a, b) => a - b)
      const lines = orders.flatMap((o, n) => o.items.map((item, i) => ({ n, position: i + 1, ...item })))
      const of = (some: typeof lines) =>
        [
          some.map((l) => l.n),
          some.map((l) => l.position),
          some.map((l) => l.product),
          some.map((l) => l.quantity),
        ] as const
      const [ns, , products, quantities] = of(lines)
      const [found] = await run<Found>(client, lockSql(skipLocked), [ids, ns, products, quantities, minimum])
      const goods = new Map(found!.goods.map((g) => [g.id, g]))
      const [held, low, high] = [new Set(found!.held), new Set(found!.low), new Set(found!.high)]
      // In the order of arrival; only an order that gets all its lines takes any.
      const refusals = orders.map((order, n): AppError | typeof locked | undefined => {
        if (order.items.some((item) => held.has(item.product))) return locked
        const faults = order.items.flatMap((item, i) => shortageOf(goods.get(item.product), item.quantity, i))
        if (faults.length) return fieldFaults(faults)
        if (low.has(n)) return fieldFaults([{ path: '/items', code: 'shop.below_minimum', params: { minimum } }])
        if (high.has(n)) return fieldFaults([{ path: '/items', code: 'shop.total_too_large' }])
        const total = found!.totals[n]
        if (order.expected_total !== undefined && order.expected_total !== total) return totalChanged(total!)
        for (const item of order.items) goods.get(item.product)!.stock -= item.quantity
        return undefined
      })
      const taken = orders.flatMap((_, n) => (refusals[n] ? [] : [n]))
      if (!taken.length) return refusals.map((refusal) => refusal!)
      const made = await run<Order & { n: number }>(client, orderSql, [
        taken,
        taken.map((n) => orders[n]!.buyer),
        ...of(lines.filter((l) => !refusals[l.n])),
        taken.map((n) => orders[n]!.address),
        taken.map((n) => orders[n]!.phone),
        taken.map((n) => orders[n]!.comment),
      ])
      await platform.jobs.enqueue(
        client,
        'shop.document',
        made.map((o) => ({ order_id: o.id })),
      )
      const rows = new Map(made.map(({ n, ...order }) => [n, order]))
      return orders.map((order, n) => {
        const row = rows.get(n)
        if (!row) return refusals[n]!
        const items = order.items.map(({ product, quantity }) => {
          const { name, price } = goods.get(product)!
          return { product, name, quantity, price_at_purchase: price }
        })
        return { ...row, items, document: null, shipping: null }
      })
    },
  })
}

const totalChanged = (total: string) =>
  new AppError(409, 'shop.total_changed', { total }, { values: { total_price: total } })

function shortageOf(goods: Goods | undefined, quantity: number, line: number): FieldFault[] {
  if (!goods) return [{ path: `/items/${line}/product`, code: 'validation.unknown_id' }]
  if (goods.stock >= quantity) return []
  const params = { name: goods.name, left: goods.stock }
  return [{ path: `/items/${line}/quantity`, code: 'shop.short_stock', params }]
}

/** What an order shows; needs `o` and `u`. */
const orderColumns = `o.id, o.user_id "user", u.full_name, o.status, o.total_price, o.address, o.phone, o.comment,
  (select jsonb_agg(jsonb_build_object('product', i.product_id, 'name', i.name, 'quantity', i.quantity,
     'price_at_purchase', i.price_at_purchase::text) order by i.position)
   from shop.order_items i where i.order_id = o.id) items,
  case when o.document is not null then '/api/orders/' || o.id || '/document' end document,
  o.shipping, o.created_at, o.updated_at`
const orderSource = 'from shop.orders o join accounts.users u on u.id = o.user_id'
const oneSql = `select ${orderColumns} ${orderSource} where o.id = $1`

/** One order, for whoever was let in to it. */
export function orderDetail(id: number): Source {
  return {
    scopes: [`order:${id}`, 'names'],
    edits: orderEdits,
    maxAgeSeconds: 60,
    async read(client) {
      const [order] = await run<Order>(client, oneSql, [id])
      if (!order) throw notFound()
      return { answer: order }
    },
  }
}

/** The order as the transaction that changed it sees it. */
export async function getOrder(tx: Tx, id: number): Promise<Order> {
  return (await sqlOf(tx)<Order>(oneSql, [id]))[0]!
}

const openOwners = () => new LRUCache<number, number>({ max: 20_000 })

/**
 * Who looks at an order: the shop, or its buyer; a foreign order and a missing one are the same 404. An order never
 * changes hands, so its owner is looked up once.
 */
export async function viewerOfOrder(platform: Platform, user: User, id: number): Promise<'staff' | `user ${number}`> {
  const owners = platform.own(openOwners)
  let owner = owners.get(id)
  if (owner === undefined) {
    const [order] = await run<{ user_id: number }>(platform.pool, 'select user_id from shop.orders where id = $1', [id])
    if (!order) throw notFound()
    owner = order.user_id
    owners.set(id, owner)
  }
  if (hasRole(user, ...readers)) return 'staff'
  if (owner !== user.id) throw notFound()
  return `user ${owner}`
}

/** Orders, all of them or one buyer's; newest first, walked by cursor. */
export async function listOrders(
  { db }: Platform,
  query: AdminOrdersQuery,
  page: CursorRequest,
): Promise<PageOf<Order>> {
  const filters: RawBuilder<unknown>[] = [sql`true`]
  if (query.user) filters.push(sql`o.user_id = ${query.user}`)
  if (query.status) filters.push(sql`o.status = ${query.status}`)
  if (query.created_from) filters.push(sql`o.created_at >= ${query.created_from}::timestamptz`)
  if (query.created_to) filters.push(sql`o.created_at < ${query.created_to}::timestamptz`)
  const where = sql.join(filters, sql` and `)
  // Ids are drawn before the commit, so times and ids may cross by a hair.
  const { after, order, key } = walk(page, sql`o.id`, { created_at: [sql`o.created_at`, 'timestamptz'] })
  const { rows } = await sql<Order & { key: string }>`
    select ${sql.raw(orderColumns)}, ${key} as key ${sql.raw(orderSource)} where ${where} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const found = (limit: RawBuilder<unknown>) => sql`select from shop.orders o where ${where} ${limit}`
  return cursorAnswer(page, rows, await countRows(db, page, found))
}
