import { existsSync, readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { Access } from '../platform/access.ts'
import { compress, type Encoding, encodingFor } from '../platform/compression.ts'
import { etagOf, sendTagged } from '../platform/etags.ts'
import type { App } from '../platform/fastify.ts'
import type { Module } from '../platform/module.ts'
import { Problem } from './schemas.ts'

const whoMay = (access: Access): string => {
  if (access === 'anyone') return 'Who may: anyone.'
  if (access === 'self') return 'Who may: everybody who is logged in, about their own account.'
  if (access === 'user') return 'Who may: everybody who is logged in.'
  return `Who may: ${access.join(', ')}.`
}

/** `GET /api/collects/{id}/payments` is getCollectsByIdPayments: what generated clients call it; Root for what is not under /api. */
const operationOf = (method: string, url: string) =>
  url
    .replace(/^\/(?!api\/)/, '/root/')
    .replace(/^\/api/, '')
    .split('/')
    .filter(Boolean)
    .reduce(
      (name, part) =>
        name +
        (part.startsWith(':') ? `-by-${part.slice(1)}` : `-${part}`)
          .split(/[^A-Za-z0-9]+/)
          .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
          .join(''),
      method.toLowerCase(),
    )

const dress = `
  body { background: #f8f6f1; }
  .swagger-ui .topbar { background: #235f3b; padding: 8px 0; }
  .swagger-ui .topbar img { height: 40px; }
  .swagger-ui .topbar .download-url-wrapper { display: none; }
  .swagger-ui .info .title { color: #1d2620; }
  .swagger-ui .btn.authorize, .swagger-ui .btn.authorize svg { color: #235f3b; border-color: #235f3b; fill: #235f3b; }
`
const favicon = new URL('../../web/dist/favicon.svg', import.meta.url)
/** The mark of the web app, where it is built. */
const mark = existsSync(favicon) ? readFileSync(favicon) : undefined

/** Collects every route into the OpenAPI document and serves it at /docs and /api/schema. */
export async function registerDocs(app: App, modules: Module[]): Promise<void> {
  app.addSchema(Problem)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Dvor',
        version: '0.1.0',
        description:
          'One backend for a residential community: accounts, group collections, monthly bills, a shop. ' +
          '`/api/v1/…` answers exactly as `/api/…`; a trailing slash never matters. Errors are RFC 9457 problems in Russian or English by Accept-Language. ' +
          'Where a GET gave an ETag, PATCH and PUT take it as If-Match: 412 when somebody else edited it meanwhile. ' +
          'Try it: register, log in, press Authorize and paste the `access` token.',
      },
      tags: modules.map((m) => ({ name: m.name })),
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          token: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: '`Token <token>` from POST /auth',
          },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) },
    transform: ({ schema, url, route }) => {
      const access = (route.config as { access?: Access } | undefined)?.access
      if (!access) return { schema: { ...schema, hide: true }, url }
      const { idempotent, versioned } = route.config as { idempotent?: boolean; versioned?: boolean }
      const succeeds = Object.keys(schema?.response ?? {}).some((status) => /^[23]/.test(status))
      const headers = {
        ...(idempotent && {
          'Idempotency-Key': {
            type: 'string',
            maxLength: 128,
            description: 'Makes a retry safe: the first answer is given again for 24 hours',
          },
        }),
        ...(versioned && {
          'If-Match': {
            type: 'string',
            description:
              'The ETag that a GET gave: 412 when somebody changed it since; without the header it is changed as it is',
          },
        }),
      }
      return {
        url,
        schema: {
          ...schema,
          operationId: operationOf(String(route.method), url),
          description: [schema?.description, whoMay(access)].filter(Boolean).join('\n\n'),
          ...(Object.keys(headers).length ? { headers: { type: 'object', properties: headers } } : {}),
          response: succeeds ? schema?.response : { 200: { description: 'Done' }, ...(schema?.response as object) },
          security: (access === 'anyone' ? [] : [{ bearer: [] }, { token: [] }]) as Record<string, string[]>[],
        },
      }
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // Over plain HTTP it would ask for its own scripts by HTTPS.
    transformStaticCSP: (policy) =>
      policy
        .replace(/\s*upgrade-insecure-requests;/, '')
        .replace(/style-src [^;]*/, "style-src 'self' 'unsafe-inline'"),
    // The page reads the document where everybody does.
    uiHooks: {
      onRequest: (req, reply, done) =>
        req.url.split('?')[0] === '/docs/json' ? void reply.redirect('/api/schema') : done(),
    },
    theme: {
      title: 'Dvor, API',
      ...(mark && {
        favicon: [{ filename: 'dvor.svg', rel: 'icon', sizes: 'any', type: 'image/svg+xml', content: mark }],
      }),
      css: [{ filename: 'dvor.css', content: dress }],
    },
    ...(mark && { logo: { type: 'image/svg+xml', content: mark, href: '/', target: '_self' } }),
    uiConfig: {
      persistAuthorization: true,
      docExpansion: 'none',
      tryItOutEnabled: true,
      operationsSorter: 'alpha',
      filter: true,
    },
  })
  let document: { body: Buffer; etag: string } | undefined
  const small: Partial<Record<Encoding, Promise<Buffer>>> = {}
  app.get(
    '/api/schema',
    { config: { access: 'anyone', compress: 'always' }, schema: { hide: true } },
    async (req, reply) => {
      if (!document) {
        const body = Buffer.from(JSON.stringify(app.swagger()))
        document = { body, etag: etagOf(body, {}) }
      }
      reply.header('cache-control', 'no-cache')
      const encoding = encodingFor(req)
      if (!encoding) return sendTagged(req, reply, document)
      small[encoding] ??= compress(document.body, encoding)
      return sendTagged(req, reply, { ...document, small: { encoding, body: await small[encoding] } })
    },
  )
  app.get('/api/schema/swagger-ui', { config: { access: 'anyone' }, schema: { hide: true } }, async (_req, reply) =>
    reply.redirect('/docs'),
  )
}
