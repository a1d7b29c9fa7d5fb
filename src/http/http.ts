import { randomUUID } from 'node:crypto'
import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import FindMyWay, { type HTTPMethod } from 'find-my-way'
import helmet from 'helmet'
import { checkAccess, mayWithin, scopeOf, type User } from '../platform/access.ts'
import { AppError } from '../platform/errors.ts'
import type { App, DeclaredRoute } from '../platform/fastify.ts'
import type { Locale } from '../platform/i18n.ts'
import { pickLocale } from '../platform/i18n.ts'
import { requestSeconds } from '../platform/metrics.ts'
import type { Module, Platform } from '../platform/module.ts'
import { compressAnswer, compressionOf } from './compression.ts'
import { takeKey, tellReplay } from './idempotency-key.ts'
import { registerDocs } from './openapi.ts'
import { readPreviews } from './previews.ts'
import { refuseUnread, sendProblem } from './problems.ts'
import { costlyKind, limitRequests } from './request-limits.ts'
import { completeRoute } from './route.ts'
import { Choice } from './schemas.ts'
import { buildSerializers } from './serialization.ts'
import { acceptUploads, boundBody, refuseFiles, takeUpload } from './uploads.ts'
import { compileSchema } from './validation.ts'
import { readPage, serveFiles } from './web-app.ts'

const methods: HTTPMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const first = <H>(hook: H, own: H | H[] | undefined) => [hook, ...[own ?? []].flat()] as H[]

/** The HTTP side of a process: every module's routes behind one login, one access check and one error handler. */
export async function createApp(platform: Platform, modules: Module[]): Promise<App> {
  const { config, log } = platform
  const app: App = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    genReqId: () => randomUUID(),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.TRUST_PROXY.length ? config.TRUST_PROXY : false,
    bodyLimit: 1 << 20,
    // Fastify overwrites one of the three alone; together they end a stalled head with 408. The long one is for a CSV: any
    // other body is bound by a hook.
    requestTimeout: 3_600_000,
    http: { requestTimeout: 3_600_000, headersTimeout: 10_000, connectionsCheckingInterval: 1000 },
    // Inactivity of a socket, so it must stay above the slowest handler.
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => refuseUnread(platform, error, socket),
    // Addresses that no route is even looked up for.
    frameworkErrors: (error, req, reply) => void sendProblem(platform, error, req, reply as FastifyReply),
    schemaController: { compilersFactory: { buildSerializer: buildSerializers() } },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300 },
    rewriteUrl: (req) => (req.url ?? '/').replace(/^\/api\/v1(?=\/|\?|$)/, '/api'),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(compileSchema)

  const declared: DeclaredRoute[] = []
  app.decorate('declared', declared)
  app.decorate('streams', new Map())
  // The same router as Fastify's own tells 405 from 404. It sees only what is registered after this hook.
  const known = FindMyWay({ ignoreTrailingSlash: true })
  // The module whose routes are being added. The reference and the files of the web app come first; they are no part of the
  // API and open to all.
  let module: string | undefined
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat() as HTTPMethod[]) {
      if (!known.hasRoute(method, route.url)) known.on(method, route.url, () => {})
    }
    if (module && !route.config?.access) {
      throw new Error(`${route.method} ${route.url} does not say who may call it`)
    }
    // Hooks stand only where they have work: the cached reads are the ones that pay for each.
    if (!['GET', 'HEAD', 'DELETE'].includes(String(route.method))) {
      route.preParsing = first<unknown>(refuseFiles, route.preParsing) as typeof route.preParsing
      route.preValidation = first<unknown>(takeUpload, route.preValidation) as typeof route.preValidation
    }
    if (route.config?.idempotent) {
      route.preHandler = first<unknown>(takeKey, route.preHandler) as typeof route.preHandler
      route.onSend = first<unknown>(tellReplay, route.onSend) as typeof route.onSend
    }
    const { access } = route.config ?? {}
    const method = String(route.method)
    const scope = module && scopeOf(module, method)
    if (scope) route.config = { ...route.config, scope } as typeof route.config
    if (access && method !== 'HEAD') declared.push({ method, url: route.url, access, scope })
  })

  app.decorateRequest('viewer', undefined)
  app.decorateRequest('once', undefined)
  app.decorateRequest('user', {
    getter(this: FastifyRequest): User {
      if (!this.viewer) throw new AppError(401, 'request.not_logged_in')
      return this.viewer
    },
  })
  app.decorateRequest('locale', {
    getter(this: FastifyRequest): Locale {
      return pickLocale(this.headers['accept-language'], config.LOCALE)
    },
  })

  // Pages get all of these headers; an answer of the API needs one, and twelve more would cost a tenth of its time.
  const page = readPage()
  const guardPage = helmet({
    contentSecurityPolicy: {
      directives: {
        scriptSrc: ["'self'", ...(page?.scriptHashes ?? [])],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  })
  const https = config.PUBLIC_URL.startsWith('https')
  let isStopping = false
  app.addHook('onRequest', (req, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    if (https) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains')
    // What a handler says of caching comes after this.
    if (req.routeOptions.config.access) reply.header('cache-control', 'private, no-store')
    if (isStopping) return done(new AppError(503, 'request.closing', {}, { retryAfterSeconds: 1 }))
    // A whole URL where a path belongs names a host of the caller's choice.
    if (!req.originalUrl.startsWith('/')) return done(new AppError(400, 'request.malformed'))
    // The caller has left, and nobody can be counted. Read here it stays known for whoever asks later.
    if (!req.ip) return done(new AppError(400, 'request.malformed'))
    done()
  })
  app.addHook('onRequest', boundBody)
  await app.register(cookie)
  // Bodies are JSON, but for what a route takes besides.
  app.removeContentTypeParser('text/plain')
  await acceptUploads(app)
  const limit = config.RATE_LIMITS === 'on' ? await limitRequests(app) : undefined
  await registerDocs(app, modules)
  if (page) await serveFiles(app)

  const authenticate = modules.find((m) => m.authenticate)?.authenticate
  const enter = (req: FastifyRequest, viewer: User | undefined) => {
    const { access, scope } = req.routeOptions.config
    req.viewer = viewer
    checkAccess(access!, req.method, viewer)
    if (mayWithin(viewer, scope)) return
    // Where anybody may call, a token that may not is nobody's.
    if (access !== 'anyone') throw new AppError(403, 'request.out_of_scope', { scope })
    req.viewer = undefined
  }
  app.addHook('onRequest', (req, _reply, done) => {
    if (!req.routeOptions.config.access || !authenticate) return done()
    const { authorization, cookie: cookies } = req.headers
    if (authorization || cookies)
      return void authenticate(platform, req)
        .then((viewer) => enter(req, viewer))
        .then(() => done(), done)
    // Who brings nothing is nobody, and is not waited for.
    try {
      enter(req, undefined)
    } catch (error) {
      return done(error as Error)
    }
    done()
  })
  // A connection that falls idle only after the close began would hold it up until its keep-alive ends.
  app.addHook('preClose', async () => {
    isStopping = true
    for (const end of app.streams.keys()) end()
    const idle = setInterval(() => app.server.closeIdleConnections(), 50)
    app.server.once('close', () => clearInterval(idle))
  })
  app.addHook('onResponse', (req, reply, done) => {
    const route = req.routeOptions.url ?? 'none'
    requestSeconds.observe({ method: req.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    const level = reply.statusCode >= 500 ? 'warn' : 'info'
    req.log[level](
      {
        req,
        res: reply,
        user_id: req.viewer?.id,
        params: req.params,
        cache: reply.getHeader('x-cache'),
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    )
    done()
  })

  app.setErrorHandler((error, req, reply) => sendProblem(platform, error as Error, req, reply))
  const previewOf = readPreviews(platform, modules)
  app.setNotFoundHandler(async (req, reply) => {
    const path = req.url.split('?')[0]!
    const allowed = methods.filter((method) => known.find(method, path))
    if (allowed.length) {
      reply.header('allow', allowed.join(', '))
      return sendProblem(platform, new AppError(405, 'request.no_method'), req, reply)
    }
    // Whatever they accept: link previewers and monitors ask for anything.
    const wantsPage = ['GET', 'HEAD'].includes(req.method)
    if (page && wantsPage && !/^\/(api|auth|docs|health|metrics|files|assets)(\/|$)/.test(path)) {
      guardPage(req.raw, reply.raw, () => {})
      return page.send(req, reply, await previewOf(path, req.locale))
    }
    return sendProblem(platform, new AppError(404, 'request.not_found'), req, reply)
  })

  const shapes = [
    Choice(platform.roles, { $id: 'Role' }),
    Choice(platform.outboxKinds, { $id: 'OutboxKind' }),
    ...modules.flatMap((m) => m.shapes ?? []),
  ]
  for (const shape of shapes) app.addSchema(shape as { $id: string })
  for (const { name, routes } of modules) {
    module = name
    await app.register(async (scope) => {
      scope.addHook('onRoute', (route) => {
        const kind = limit && costlyKind(route)
        if (kind) route.onRequest = first(limit(kind), route.onRequest as never)
        route.config = { ...route.config, ...compressionOf(route, shapes) } as typeof route.config
        if (route.config?.compress) route.onSend = first<unknown>(compressAnswer, route.onSend) as typeof route.onSend
        completeRoute(name, shapes, route)
      })
      routes(scope as unknown as App, platform)
    })
  }
  return app
}
