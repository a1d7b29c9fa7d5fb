import { Type } from 'typebox'
import { cursorRequest, pageRequest } from '../http/pages.ts'
import { Closed, IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import { sendCached } from '../platform/cache.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
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

const ownerOrAdmin = ['owner', 'admin'] as const
const upload = { field: 'cover', emptyIsNull: ['target_amount'] }
const aCollect = Ref(Collect, 'Collect')
const aPayment = Ref(Payment, 'Payment')

export function routes(app: App, platform: Platform): void {
  app.get(
    '/api/collects',
    {
      config: { access: 'anyone' },
      schema: { summary: 'Collects', querystring: CollectsQuery, response: { 200: Collects } },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectList(platform, req.query, pageRequest(req))) as never,
  )
  app.post(
    '/api/collects',
    {
      config: { access: 'user', idempotent: true, upload },
      schema: {
        summary: 'Open a collect',
        description: 'JSON, or multipart with the same fields and the file `cover`. The author gets an e-mail.',
        body: NewCollect,
        response: { 201: aCollect },
      },
    },
    async (req) => createCollect(platform, req.user, req.body, req.upload, req.once),
  )
  app.get(
    '/api/collects/:id',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'A collect and the newest of its feed',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: CollectDetail },
      },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectDetail(req.params.id)) as never,
  )
  app.get(
    '/api/collects/:id/payments',
    {
      config: { access: 'anyone' },
      schema: { summary: 'The feed of a collect', params: IdParams, querystring: FeedQuery, response: { 200: Feed } },
    },
    (req, reply) => sendCached(platform.cache, req, reply, collectFeed(req.params.id, cursorRequest(req))) as never,
  )
  app.patch(
    '/api/collects/:id',
    {
      config: { access: ownerOrAdmin, upload, versioned: true },
      schema: {
        summary: 'Change a collect',
        description: 'Takes multipart with the file `cover` too.',
        params: IdParams,
        body: CollectChange,
        response: { 200: aCollect },
      },
    },
    async (req) =>
      changeCollect(platform, req.user, req.params.id, req.body, {
        upload: req.upload,
        match: req.headers['if-match'],
      }),
  )
  app.put(
    '/api/collects/:id/cover',
    {
      config: { access: ownerOrAdmin, upload, versioned: true },
      schema: {
        summary: 'Set the cover',
        description:
          'The image itself as the body, or multipart with the file `cover`. JPEG, PNG or WebP of at most 2 MiB and 40 megapixels.',
        consumes: ['image/jpeg', 'image/png', 'image/webp', 'multipart/form-data'],
        params: IdParams,
        response: { 200: aCollect },
      },
    },
    async (req) => {
      if (!req.upload?.length) throw new AppError(400, 'collects.cover_missing')
      return changeCollect(
        platform,
        req.user,
        req.params.id,
        {},
        { upload: req.upload, match: req.headers['if-match'] },
      )
    },
  )
  app.delete(
    '/api/collects/:id/cover',
    {
      config: { access: ownerOrAdmin },
      schema: { summary: 'Remove the cover', params: IdParams, response: { 204: NoContent } },
    },
    async (req) => removeCover(platform, req.user, req.params.id),
  )
  app.post(
    '/api/collects/:id/close',
    {
      config: { access: ownerOrAdmin, refuses: [409] },
      schema: { summary: 'End a collect early', params: IdParams, response: { 200: aCollect } },
    },
    async (req) => closeCollect(platform, req.user, req.params.id),
  )
  app.delete(
    '/api/collects/:id',
    {
      config: { access: ownerOrAdmin, refuses: [409] },
      schema: { summary: 'Delete a collect without payments', params: IdParams, response: { 204: NoContent } },
    },
    async (req) => deleteCollect(platform, req.user, req.params.id),
  )

  app.post(
    '/api/payments',
    {
      config: { access: 'user', idempotent: true },
      schema: { summary: 'Give to a collect', body: NewPayment, response: { 201: aPayment } },
    },
    async (req) => pay(platform, req.user, req.body, req.once),
  )
  app.post(
    '/api/collects/:id/payments',
    {
      config: { access: 'user', idempotent: true },
      schema: { summary: 'Give to this collect', params: IdParams, body: Gift, response: { 201: aPayment } },
    },
    async (req) =>
      pay(platform, req.user, { ...req.body, collect: req.params.id }, req.once).catch((error) => {
        // Here the id stands in the address, not in the body.
        throw error instanceof AppError && error.faults?.[0]?.path === '/collect' ? notFound() : error
      }),
  )
  app.get(
    '/api/payments',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: {
        summary: 'One’s own payments and those of one’s collects',
        querystring: PaymentsQuery,
        response: { 200: Payments },
      },
    },
    async (req) => listPayments(platform, req.user, req.query, cursorRequest(req)),
  )
  app.get(
    '/api/payments/:id',
    {
      config: { access: ['owner', 'admin', 'auditor'] },
      schema: { summary: 'A payment', params: IdParams, response: { 200: aPayment } },
    },
    async (req) => getPayment(platform, req.user, req.params.id),
  )
  app.patch(
    '/api/payments/:id',
    {
      config: { access: ['owner'] },
      schema: {
        summary: 'Change comment or anonymity',
        params: IdParams,
        body: PaymentChange,
        response: { 200: aPayment },
      },
    },
    async (req) => changePayment(platform, req.user, req.params.id, req.body),
  )
  app.post(
    '/api/payments/:id/refund',
    {
      config: { access: ownerOrAdmin, refuses: [409] },
      schema: { summary: 'Give a payment back', params: IdParams, response: { 200: aPayment } },
    },
    async (req) => refundPayment(platform, req.user, req.params.id),
  )

  app.get(
    '/files/covers/:name',
    {
      config: { access: 'anyone' },
      schema: {
        summary: 'The picture of a cover',
        params: Closed({ name: Type.String({ pattern: '^[0-9a-f]{32}-[0-9a-f]{8}\\.jpg$' }) }),
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
