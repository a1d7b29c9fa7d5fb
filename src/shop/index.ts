/*
 * shop: products with stock, orders, documents, delivery.
 *
 *   URL                                        function        tables                            jobs
 *   GET    /api/products                       productList     products                          (cached: products)
 *   POST   /api/products                       createProduct   products, stock_movements
 *   GET    /api/products/:id                   productDetail   products                          (cached: product:id)
 *   PUT    /api/products/:id                   changeProduct   products, stock_movements
 *   PATCH  /api/products/:id                   changeProduct   products, stock_movements
 *   DELETE /api/products/:id                   removeProduct   products, order_items
 *   POST   /api/products/:id/pictures          addPicture      products, product_pictures
 *   DELETE /api/products/:id/pictures/:picture  removePicture  products, product_pictures       shop.remove_picture
 *   GET    /files/products/:name               files.read
 *   GET    /api/orders                         listOrders      orders, order_items
 *   POST   /api/orders                         order           products, orders, order_items     shop.document
 *   GET    /api/orders/:id                     orderDetail     orders, order_items               (cached: order:id, names)
 *   PATCH  /api/orders/:id                     changeStatus    products, orders, order_events    shop.shipping
 *   GET    /api/orders/:id/document            readDocument    orders
 *   GET    /api/orders/:id/history             orderHistory    orders, order_events
 *   GET    /api/admin/orders                   listOrders      orders, order_items
 *   POST   /api/admin/orders/status            changeStatuses  products, orders, order_events    shop.shipping
 *   POST   /api/admin/orders/:id/resend-shipping  resendShipping  orders, order_events           shop.shipping
 *
 *   shop.document makes a PDF and enqueues shop.document_mail.
 */
import { sweepFiles } from '../platform/file-sweep.ts'
import type { Module } from '../platform/module.ts'
import { documentNewest, mailDocuments, makeDocuments, sweepDocuments } from './document.ts'
import { home } from './home.ts'
import { messages } from './messages.ts'
import { folder, removeFiles } from './pictures.ts'
import { routes } from './routes.ts'
import { Order, Product } from './schemas.ts'
import { seed } from './seed.ts'
import { settings } from './settings.ts'
import { shippingJob, sweepShipping } from './shipping.ts'

declare module '../platform/access.ts' {
  interface Roles {
    storekeeper: true
  }
}

const orderKey = ({ order_id }: { order_id: number }) => String(order_id)

export const shop: Module = {
  name: 'shop',
  messages,
  settings,
  roles: ['storekeeper'],
  outboxKinds: ['shipping'],
  routes,
  seed,
  home,
  notifications: { 'shop.document': { letter: true }, 'shop.order': { letter: false } },
  shapes: [Product, Order],
  jobs: {
    'shop.document': { handle: makeDocuments, key: orderKey, batchSize: 10 },
    'shop.document_mail': { handle: mailDocuments, key: orderKey, batchSize: 20 },
    'shop.shipping': shippingJob,
    'shop.remove_picture': { handle: removeFiles, batchSize: 20 },
  },
  loops: [
    { name: 'shop.shipping', everySeconds: 15, run: sweepShipping },
    { name: 'shop.documents', everySeconds: 3600, run: sweepDocuments },
    {
      name: 'shop.pictures',
      everySeconds: 3600,
      run: (platform, signal) =>
        sweepFiles(platform, signal, { folder, table: 'shop.product_pictures', column: 'picture' }),
    },
  ],
  demonstrate: documentNewest,
  invariants: [
    {
      name: 'stock is never negative',
      sql: 'select id, stock from shop.products where stock < 0',
    },
    {
      name: 'initial + received − sold + restored is what is left, for each product',
      sql: `select p.id, p.stock, l.stock ledger from shop.products p
            left join (select product_id, sum(change) stock from shop.stock_ledger group by product_id) l on l.product_id = p.id
            where p.stock <> coalesce(l.stock, 0)`,
    },
    {
      name: 'an order has lines, and its total is their sum',
      sql: `select o.id, o.total_price, i.total from shop.orders o
            left join (select order_id, sum(price_at_purchase * quantity) total from shop.order_items group by order_id) i on i.order_id = o.id
            where o.total_price is distinct from i.total`,
    },
    {
      name: 'the status of an order is the last step of its history',
      sql: `select o.id, o.status, e.event from shop.orders o left join lateral (
              select event from shop.order_events e where e.order_id = o.id
                and event in ('processing', 'shipped', 'delivered', 'cancelled') order by e.id desc limit 1) e on true
            where o.status <> coalesce(e.event, 'pending')`,
    },
    {
      name: 'an order has one document and one letter at most',
      sql: `select o.id, o.document, count(*) from shop.orders o join shop.order_events e on e.order_id = o.id and e.event = 'document'
            group by o.id having count(*) > 1 or o.document is null
            union all
            select null, key, count(*) from platform.outbox where key like 'order-%' group by key having count(*) > 1`,
    },
    {
      name: 'the delivery service is called four times at most, and the history tells each',
      sql: `select o.id, o.shipping, o.shipping_attempts, e.calls from shop.orders o cross join lateral (
              select count(*) calls from shop.order_events where order_id = o.id
                and event in ('shipping_call', 'shipping_delivered', 'shipping_failed')
                and id > coalesce((select max(id) from shop.order_events where order_id = o.id and event = 'shipping_again'), 0)) e
            where o.shipping is not null and (o.shipping_attempts <> e.calls
              or (o.shipping = 'failed' and e.calls <> 4) or (o.shipping = 'delivered' and e.calls = 0))`,
    },
  ],
}
