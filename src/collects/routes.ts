import { Type } from 'typebox'
import { sendCached } from '../platform/cache.ts'
import { AppError, notFound } from '../platform/errors.ts'
import { type App, uploadBodyLimit } from '../platform/http.ts'
import type { Platform } from '../platform/module.ts'
import { cursorRequest, pageRequest } from '../platform/pages.ts'
import { Closed, IdParams, NoContent, NoQuery, problems, Ref } from '../platform/schemas.ts'
import {
  changeCollect,
  closeCollect,
  collectDetail,
  collectFeed,
  collectList,
  createCollect,
  deleteCollect,
  removeCover,
} from './collects.ts'
import { changePayment, getPayment, listPayments, pay, refundPayment } from './payments.ts'
import {
  Collect,
  CollectChange,
  CollectDetail,
  Collects,
  CollectsQuery,
  Feed,
  FeedQuery,
  Gift,
  NewCollect,
  NewPayment,
  Payment,
  PaymentChange,
  Payments,
  PaymentsQuery,
} from './schemas.ts'

const tags = ['collects']
const ownerOrAdmin = ['owner', 'admin'] as const
const upload = { field: 'cover', emptyIsNull: ['target_amount'] }
const aCollect = Ref(Collect, 'Collect')
const aPayment = Ref(Payment, 'Payment')

export function routes(app: App, platform: Platform): void {
  app.get(
    '/api/collects',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'Collects',
        tags,
        querystring: CollectsQuery,
        response: { 200: Collects, ...problems(400, 503) },
      },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectList(platform, req.query, pageRequest(req))) as never,
  )
  app.post(
    '/api/collects',
    {
      config: { access: 'user', idempotent: true, upload },
      bodyLimit: uploadBodyLimit,
      schema: {
        summary: 'Open a collect',
        description: 'JSON, or multipart with the same fields and the file `cover`. The author gets an e-mail.',
        tags,
        body: NewCollect,
        response: { 201: aCollect, ...problems(400, 401, 409, 413, 415, 422, 503) },
      },
    },
    async (req, reply) => reply.code(201).send(await createCollect(platform, req.user, req.body, req.upload, req.once)),
  )
  app.get(
    '/api/collects/:id',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'A collect and the newest of its feed',
        tags,
        params: IdParams,
        querystring: NoQuery,
        response: { 200: CollectDetail, ...problems(404, 503) },
      },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectDetail(req.params.id)) as never,
  )
  app.get(
    '/api/collects/:id/payments',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'The feed of a collect',
        tags,
        params: IdParams,
        querystring: FeedQuery,
        response: { 200: Feed, ...problems(400, 404, 503) },
      },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectFeed(req.params.id, cursorRequest(req))) as never,
  )
  app.patch(
    '/api/collects/:id',
    {
      config: { access: ownerOrAdmin, upload },
      bodyLimit: uploadBodyLimit,
      schema: {
        summary: 'Change a collect',
        description: 'Takes multipart with the file `cover` too.',
        tags,
        params: IdParams,
        body: CollectChange,
        response: { 200: aCollect, ...problems(400, 401, 403, 404, 413, 415, 503) },
      },
    },
    async (req) => changeCollect(platform, req.user, req.params.id, req.body, req.upload),
  )
  app.put(
    '/api/collects/:id/cover',
    {
      config: { access: ownerOrAdmin, upload },
      bodyLimit: uploadBodyLimit,
      schema: {
        summary: 'Set the cover',
        description:
          'The image itself as the body, or multipart with the file `cover`. JPEG, PNG or WebP of at most 2 MiB and 40 megapixels.',
        tags,
        consumes: ['image/jpeg', 'image/png', 'image/webp', 'multipart/form-data'],
        params: IdParams,
        response: { 200: aCollect, ...problems(400, 401, 403, 404, 413, 415, 503) },
      },
    },
    async (req) => {
      const image = req.upload ?? (Buffer.isBuffer(req.body) ? req.body : undefined)
      if (!image?.length) throw new AppError(400, 'collects.cover_missing')
      return changeCollect(platform, req.user, req.params.id, {}, image)
    },
  )
  app.delete(
    '/api/collects/:id/cover',
    {
      config: { access: ownerOrAdmin },
      schema: {
        summary: 'Remove the cover',
        tags,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 403, 404, 503) },
      },
    },
    async (req, reply) => {
      await removeCover(platform, req.user, req.params.id)
      return reply.code(204).send()
    },
  )
  app.post(
    '/api/collects/:id/close',
    {
      config: { access: ownerOrAdmin },
      schema: {
        summary: 'End a collect early',
        tags,
        params: IdParams,
        response: { 200: aCollect, ...problems(401, 403, 404, 409, 503) },
      },
    },
    async (req) => closeCollect(platform, req.user, req.params.id),
  )
  app.delete(
    '/api/collects/:id',
    {
      config: { access: ownerOrAdmin },
      schema: {
        summary: 'Delete a collect without payments',
        tags,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 403, 404, 409, 503) },
      },
    },
    async (req, reply) => {
      await deleteCollect(platform, req.user, req.params.id)
      return reply.code(204).send()
    },
  )

  app.post(
    '/api/payments',
    {
      config: { access: 'user', idempotent: true },
      schema: {
        summary: 'Give to a collect',
        tags,
        body: NewPayment,
        response: { 201: aPayment, ...problems(400, 401, 409, 422, 503) },
      },
    },
    async (req, reply) => reply.code(201).send(await pay(platform, req.user, req.body, req.once)),
  )
  app.post(
    '/api/collects/:id/payments',
    {
      config: { access: 'user', idempotent: true },
      schema: {
        summary: 'Give to this collect',
        tags,
        params: IdParams,
        body: Gift,
        response: { 201: aPayment, ...problems(400, 401, 404, 409, 422, 503) },
      },
    },
    async (req, reply) => {
      const payment = await pay(platform, req.user, { ...req.body, collect: req.params.id }, req.once).catch(
        (error) => {
          // Here the id stands in the address, not in the body.
          throw error instanceof AppError && error.faults?.[0]?.path === '/collect' ? notFound() : error
        },
      )
      return reply.code(201).send(payment)
    },
  )
  app.get(
    '/api/payments',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: {
        summary: 'One’s own payments and those of one’s collects',
        tags,
        querystring: PaymentsQuery,
        response: { 200: Payments, ...problems(400, 401, 503) },
      },
    },
    async (req) => listPayments(platform, req.user, req.query, cursorRequest(req)),
  )
  app.get(
    '/api/payments/:id',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: { summary: 'A payment', tags, params: IdParams, response: { 200: aPayment, ...problems(401, 404, 503) } },
    },
    async (req) => getPayment(platform, req.user, req.params.id),
  )
  app.patch(
    '/api/payments/:id',
    {
      config: { access: ['owner'] },
      schema: {
        summary: 'Change comment or anonymity',
        tags,
        params: IdParams,
        body: PaymentChange,
        response: { 200: aPayment, ...problems(400, 401, 403, 404, 503) },
      },
    },
    async (req) => changePayment(platform, req.user, req.params.id, req.body),
  )
  app.post(
    '/api/payments/:id/refund',
    {
      config: { access: ownerOrAdmin },
      schema: {
        summary: 'Give a payment back',
        tags,
        params: IdParams,
        response: { 200: aPayment, ...problems(401, 403, 404, 409, 503) },
      },
    },
    async (req) => refundPayment(platform, req.user, req.params.id),
  )

  app.get(
    '/files/covers/:name',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'The picture of a cover',
        tags,
        params: Closed({ name: Type.String({ pattern: '^[0-9a-f]{32}-[0-9a-f]{8}\\.jpg$' }) }),
        response: problems(404),
      },
    },
    async (req, reply) => {
      const content = await platform.files.read(`covers/${req.params.name}`)
      if (!content) throw notFound()
      // The name bears the content's hash, so it never changes.
      return reply.type('image/jpeg').header('cache-control', 'public, max-age=31536000, immutable').send(content)
    },
  )
}
