import { cursorRequest, pageRequest } from '../http/pages.ts'
import { PictureParams, sendPicture } from '../http/pictures.ts'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import { sendCached } from '../platform/cache.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { readDocument } from './document.ts'
import { listOrders, order, orderDetail, readers, staff, viewerOfOrder } from './orders.ts'
import { addPicture, removePicture } from './pictures.ts'
import { changeProduct, createProduct, productDetail, productList, removeProduct } from './products.ts'
import {
  AdminOrdersQuery,
  BulkOutcome,
  BulkStatus,
  HistoryQuery,
  NewOrder,
  NewProduct,
  Order,
  OrderChange,
  OrderHistory,
  Orders,
  OrdersQuery,
  PictureOfProduct,
  Product,
  ProductChange,
  Products,
  ProductsQuery,
  WholeProduct,
} from './schemas.ts'
import { resendShipping } from './shipping.ts'
import { changeStatus, changeStatuses, orderHistory } from './statuses.ts'

const ownerOrReader = ['owner', ...readers] as const
const aProduct = Ref(Product, 'Product')
const anOrder = Ref(Order, 'Order')

export function routes(app: App, platform: Platform): void {
  app.get(
    '/api/products',
    {
      config: { access: 'user' },
      schema: {
        summary: 'Products on sale',
        description: 'Kept for 5 minutes at most and never stale. A search without an ordering puts the best first.',
        querystring: ProductsQuery,
        response: { 200: Products },
      },
    },
    (req, reply) => sendCached(platform.cache, req, reply, productList(platform, req.query, pageRequest(req))) as never,
  )
  app.post(
    '/api/products',
    {
      config: { access: staff, idempotent: true },
      schema: { summary: 'Put a product on sale', body: NewProduct, response: { 201: aProduct } },
    },
    async (req) => createProduct(platform, req.user, req.body, req.once),
  )
  app.get(
    '/api/products/:id',
    {
      config: { access: 'user' },
      schema: { summary: 'A product', params: IdParams, querystring: NoQuery, response: { 200: aProduct } },
    },
    (req, reply) => sendCached(platform.cache, req, reply, productDetail(req.params.id)) as never,
  )
  const changing = (summary: string) => ({
    summary,
    description: 'More stock than before counts as received, less as a correction. Orders keep their prices.',
    params: IdParams,
    response: { 200: aProduct },
  })
  app.put(
    '/api/products/:id',
    { config: { access: staff, versioned: true }, schema: { ...changing('Replace a product'), body: WholeProduct } },
    async (req) => changeProduct(platform, req.user, req.params.id, req.body, req.headers['if-match']),
  )
  app.patch(
    '/api/products/:id',
    { config: { access: staff, versioned: true }, schema: { ...changing('Change a product'), body: ProductChange } },
    async (req) => changeProduct(platform, req.user, req.params.id, req.body, req.headers['if-match']),
  )
  app.delete(
    '/api/products/:id',
    {
      config: { access: staff },
      schema: {
        summary: 'Take a product off sale',
        description: 'One that was ordered is hidden and stays in its orders.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeProduct(platform, req.user, req.params.id),
  )

  app.post(
    '/api/products/:id/pictures',
    {
      config: { access: staff, idempotent: true, upload: { field: 'picture' } },
      schema: {
        summary: 'Add a picture',
        description:
          'The image itself as the body, or multipart with the file `picture`. JPEG, PNG or WebP of at most 2 MiB and 40 megapixels; eight of a product.',
        consumes: ['image/jpeg', 'image/png', 'image/webp', 'multipart/form-data'],
        params: IdParams,
        response: { 201: aProduct },
      },
    },
    async (req) => addPicture(platform, req.user, req.params.id, req.upload, req.once),
  )
  app.delete(
    '/api/products/:id/pictures/:picture',
    {
      config: { access: staff },
      schema: { summary: 'Remove a picture', params: PictureOfProduct, response: { 204: NoContent } },
    },
    async (req) => removePicture(platform, req.user, req.params.id, req.params.picture),
  )
  app.get(
    '/files/products/:name',
    { config: { access: 'anyone' }, schema: { summary: 'A picture of a product', params: PictureParams } },
    async (req, reply) => sendPicture(reply, await platform.files.read(`products/${req.params.name}`)),
  )

  app.get(
    '/api/orders',
    {
      config: { access: ['owner'] },
      schema: { summary: "One's own orders", querystring: OrdersQuery, response: { 200: Orders } },
    },
    async (req) => listOrders(platform, { ...req.query, user: req.user.id }, cursorRequest(req, '-created_at')),
  )
  app.post(
    '/api/orders',
    {
      config: { access: 'user', idempotent: true },
      schema: {
        summary: 'Order products',
        description:
          'All or nothing: too little stock of any line is a 400 that names each short line with what is left; a total other than `expected_total` is a 409 whose `values` hold the new `total_price`. A PDF follows by e-mail.',
        body: NewOrder,
        response: { 201: anOrder },
      },
    },
    async (req) => order(platform, req.user, req.body, req.once),
  )
  app.get(
    '/api/orders/:id',
    {
      config: { access: ownerOrReader },
      schema: {
        summary: 'An order',
        description: 'Kept for 1 minute at most and never stale.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: anOrder },
      },
    },
    async (req, reply) => {
      const viewer = await viewerOfOrder(platform, req.user, req.params.id)
      return sendCached(platform.cache, req, reply, orderDetail(req.params.id), viewer) as never
    },
  )
  app.patch(
    '/api/orders/:id',
    {
      config: { access: ownerOrReader, versioned: true, refuses: [409] },
      schema: {
        summary: 'Move an order, or cancel it',
        description:
          'The shop: pending → processing → shipped → delivered, and cancelled from the first two. The owner: cancelled only. Cancelling puts the goods back.',
        params: IdParams,
        body: OrderChange,
        response: { 200: anOrder },
      },
    },
    async (req) =>
      changeStatus(platform, req.user, req.params.id, req.body.status, req.locale, req.headers['if-match']),
  )
  app.get(
    '/api/orders/:id/document',
    {
      config: { access: ownerOrReader },
      schema: {
        summary: 'The PDF of an order',
        description: '404 before it is made.',
        produces: ['application/pdf'],
        params: IdParams,
        querystring: NoQuery,
      },
    },
    async (req, reply) => {
      await viewerOfOrder(platform, req.user, req.params.id)
      const content = await readDocument(platform, req.params.id)
      return reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="order-${req.params.id}.pdf"`)
        .send(content)
    },
  )
  app.get(
    '/api/orders/:id/history',
    {
      config: { access: ownerOrReader },
      schema: {
        summary: 'What happened to an order, oldest first',
        params: IdParams,
        querystring: HistoryQuery,
        response: { 200: OrderHistory },
      },
    },
    async (req) => {
      await viewerOfOrder(platform, req.user, req.params.id)
      return orderHistory(platform, req.user, req.params.id, pageRequest(req), req.locale)
    },
  )

  app.get(
    '/api/admin/orders',
    {
      config: { access: readers },
      schema: { summary: "Everybody's orders", querystring: AdminOrdersQuery, response: { 200: Orders } },
    },
    async (req) => listOrders(platform, req.query, cursorRequest(req, '-created_at')),
  )
  app.post(
    '/api/admin/orders/status',
    {
      config: { access: staff },
      schema: {
        summary: 'Move many orders at once',
        description: 'Each has an outcome of its own; those that may go, go together.',
        body: BulkStatus,
        response: { 200: BulkOutcome },
      },
    },
    async (req) => changeStatuses(platform, req.user, req.body, req.locale),
  )
  app.post(
    '/api/admin/orders/:id/resend-shipping',
    {
      config: { access: staff, refuses: [409] },
      schema: {
        summary: 'Call the delivery service again',
        description: '409 unless the order is shipped and its call has failed for good.',
        params: IdParams,
        response: { 200: anOrder },
      },
    },
    async (req) => resendShipping(platform, req.user, req.params.id),
  )
}
