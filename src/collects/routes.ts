import { pageRequest } from '../http/pages.ts'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import { sendCached } from '../platform/cache.ts'
import { AppError } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import {
  changeCollect,
  closeCollect,
  collectDetail,
  collectList,
  createCollect,
  deleteCollect,
  removeCover,
} from './collects.ts'
import { printPoster } from './papers.ts'
import { newsRoutes } from './routes-news.ts'
import { paymentRoutes } from './routes-payments.ts'
import { Collect, CollectChange, CollectDetail, Collects, CollectsQuery, NewCollect } from './schemas.ts'

const ownerOrAdmin = ['owner', 'admin'] as const
const upload = { field: 'cover', emptyIsNull: ['target_amount', 'max_amount'] }
const aCollect = Ref(Collect, 'Collect')

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
      if (!req.upload?.length) throw new AppError(400, 'picture.missing')
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
  app.get(
    '/api/collects/:id/poster.pdf',
    {
      config: { access: 'user' },
      schema: {
        summary: 'A poster with a QR code',
        produces: ['application/pdf'],
        params: IdParams,
        querystring: NoQuery,
      },
    },
    async (req, reply) =>
      reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="collect-${req.params.id}.pdf"`)
        .send(await printPoster(platform, req.params.id, req.locale)),
  )

  paymentRoutes(app, platform)
  newsRoutes(app, platform)
}
