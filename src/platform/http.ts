import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import fastifyStatic from '@fastify/static'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify'
import FindMyWay, { type HTTPMethod } from 'find-my-way'
import { type Access, checkAccess, type User } from './access.ts'
import { AppError, type FieldFault, isDatabaseAway } from './errors.ts'
import type { Locale } from './i18n.ts'
import { pickLocale } from './i18n.ts'
import type { Once } from './idempotency.ts'
import { requestSeconds } from './metrics.ts'
import type { Module, Platform } from './module.ts'
import { registerDocs } from './openapi.ts'
import { compileSchema, fieldFaultsOf } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call; a route that says nothing stops the start. */
    access?: Access
    /** Takes an Idempotency-Key; its function stores the answer with the change. */
    idempotent?: boolean
    /** Accepts multipart too: fields become the body, the file of this name `req.upload`. */
    upload?: { field: string; emptyIsNull?: string[] }
  }
  interface FastifyInstance {
    declared: DeclaredRoute[]
  }
  interface FastifyRequest {
    /** The caller, if logged in. */
    viewer: User | undefined
    /** The caller of a route that only logged-in people reach. */
    user: User
    once: Once | undefined
    upload: Buffer | undefined
    locale: Locale
  }
}

/** A route and who may call it, as it was registered; HEAD goes with GET. */
export type DeclaredRoute = { method: string; url: string; access: Access }

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

const uploadLimitBytes = 2 << 20
/** For the `bodyLimit` of routes that take an image: the file and what multipart puts around it. */
export const uploadBodyLimit = uploadLimitBytes + (64 << 10)

const methods: HTTPMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** The HTTP side of a process: every module's routes behind one login, one access check and one error handler. */
export async function createApp(platform: Platform, modules: Module[]): Promise<App> {
  const { config, log } = platform
  const app: App = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    genReqId: () => randomUUID(),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.TRUST_PROXY.length ? config.TRUST_PROXY : false,
    bodyLimit: 1 << 20,
    // Fastify overwrites one of the three alone; together they end a stalled head or body with 408.
    requestTimeout: 15_000,
    http: { requestTimeout: 15_000, headersTimeout: 10_000, connectionsCheckingInterval: 1000 },
    // Inactivity of a socket, so it must stay above the slowest handler.
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // Addresses that no route is even looked up for.
    frameworkErrors: (error, req, reply) => void sendProblem(platform, error, req, reply as FastifyReply),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300 },
    rewriteUrl: (req) => (req.url ?? '/').replace(/^\/api\/v1(?=\/|\?|$)/, '/api'),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(compileSchema)

  const declared: DeclaredRoute[] = []
  app.decorate('declared', declared)
  // The same router as Fastify's own tells 405 from 404. It sees only what is registered after this hook.
  const known = FindMyWay({ ignoreTrailingSlash: true })
  // The reference and the files of the web app come first; they are no part of the API and open to all.
  let ofModules = false
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat() as HTTPMethod[]) {
      if (!known.hasRoute(method, route.url)) known.on(method, route.url, () => {})
    }
    if (ofModules && !route.config?.access) {
      throw new Error(`${route.method} ${route.url} does not say who may call it`)
    }
    // Hooks stand only where they have work: the cached reads are the ones that pay for each.
    const first = <H>(hook: H, own: H | H[] | undefined) => [hook, ...[own ?? []].flat()] as H[]
    if (!['GET', 'HEAD', 'DELETE'].includes(String(route.method))) {
      route.preValidation = first<unknown>(takeUpload, route.preValidation) as typeof route.preValidation
    }
    if (route.config?.idempotent) {
      route.preHandler = first<unknown>(takeKey, route.preHandler) as typeof route.preHandler
      route.onSend = first<unknown>(tellReplay, route.onSend) as typeof route.onSend
    }
    const { access } = route.config ?? {}
    if (access && route.method !== 'HEAD') declared.push({ method: String(route.method), url: route.url, access })
  })

  app.decorateRequest('viewer', undefined)
  app.decorateRequest('once', undefined)
  app.decorateRequest('upload', undefined)
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

  // Pages get all of its headers; an answer of the API needs one, and twelve more would cost a tenth of its time.
  await app.register(helmet, {
    global: false,
    contentSecurityPolicy: {
      directives: {
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  })
  const https = config.PUBLIC_URL.startsWith('https')
  app.addHook('onRequest', (_req, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    if (https) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains')
    done()
  })
  await app.register(cookie)
  await app.register(multipart, { limits: { fileSize: uploadLimitBytes, files: 1, fields: 50, fieldSize: 64 << 10 } })
  app.addContentTypeParser(/^(image\/|application\/octet-stream)/, { parseAs: 'buffer' }, (_req, body, done) =>
    done(null, body),
  )
  if (config.RATE_LIMITS === 'on') {
    await app.register(rateLimit, {
      global: false,
      errorResponseBuilder: (_req, { ttl }) =>
        new AppError(429, 'request.too_many', {}, { retryAfterSeconds: Math.ceil(ttl / 1000) }),
    })
  }
  await registerDocs(app, platform, modules)
  const index = await webApp(app)
  ofModules = true

  const authenticate = modules.find((m) => m.authenticate)?.authenticate
  app.addHook('onRequest', async (req) => {
    const access = req.routeOptions.config.access
    if (!access || !authenticate) return
    req.viewer = await authenticate(platform, req)
    checkAccess(access, req.method, req.viewer)
  })
  // A connection that falls idle only after the close began would hold it up until its keep-alive ends.
  app.addHook('preClose', async () => {
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
  app.setNotFoundHandler(async (req, reply) => {
    const path = req.url.split('?')[0]!
    const allowed = methods.filter((method) => known.find(method, path))
    if (allowed.length) {
      reply.header('allow', allowed.join(', '))
      return sendProblem(platform, new AppError(405, 'request.no_method'), req, reply)
    }
    const wantsPage = ['GET', 'HEAD'].includes(req.method) && req.headers.accept?.includes('text/html')
    if (index && wantsPage && !/^\/(api|auth|docs|health|metrics|files|assets)(\/|$)/.test(path)) {
      await reply.helmet()
      return reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(index)
    }
    return sendProblem(platform, new AppError(404, 'request.not_found'), req, reply)
  })

  for (const shape of modules.flatMap((m) => m.shapes ?? [])) app.addSchema(shape as { $id: string })
  for (const module of modules) await app.register(async (scope) => module.routes(scope as unknown as App, platform))
  return app
}

/** Serves the built web app; returns its page, which stands for every address that the app itself knows. */
async function webApp(app: App): Promise<Buffer | undefined> {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  if (!existsSync(join(folder, 'index.html'))) return undefined
  // Names in assets bear a hash of their content; the rest is asked for each time.
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: false,
    globIgnore: ['index.html', '.built'],
    setHeaders: (reply, path) =>
      void reply.header(
        'cache-control',
        path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ),
  })
  return readFileSync(join(folder, 'index.html'))
}

/** Takes multipart apart: text fields become the body, which is validated as JSON would be, and the file is kept aside. */
async function takeUpload(req: FastifyRequest) {
  const upload = req.routeOptions.config.upload
  // An empty PATCH changes nothing, also when its body is not even sent.
  if (req.method === 'PATCH' && req.body === undefined && !req.isMultipart?.()) req.body = {}
  if (!req.isMultipart?.()) return
  if (!upload) throw new AppError(415, 'request.media_type')
  const body: Record<string, unknown> = {}
  try {
    for await (const part of req.parts()) {
      if (part.type === 'field') {
        const empty = part.value === '' && upload.emptyIsNull?.includes(part.fieldname)
        body[part.fieldname] = empty ? null : part.value
      } else if (part.fieldname === upload.field) {
        const content = await part.toBuffer()
        // What a form sends when no file was chosen.
        if (content.length || part.filename) req.upload = content
      } else {
        part.file.resume()
        // A file where a field belongs is refused by every schema.
        body[part.fieldname] = { file: part.filename }
      }
    }
  } catch (error) {
    // Cut off, without a boundary, or no multipart at all.
    throw (error as { statusCode?: number }).statusCode
      ? error
      : new AppError(400, 'request.malformed', {}, { cause: error })
  }
  req.body = body
}

async function takeKey(req: FastifyRequest, reply: FastifyReply) {
  if (req.viewer) req.once = onceOf(req, reply, req.viewer)
}

async function tellReplay(req: FastifyRequest, reply: FastifyReply) {
  if (req.once?.replayed) reply.header('idempotent-replayed', 'true')
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  )
}

function onceOf(req: FastifyRequest, reply: FastifyReply, user: User): Once | undefined {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key)) throw new AppError(400, 'request.bad_key')
  const status = Object.keys((req.routeOptions.schema?.response as object) ?? {}).find((s) => s.startsWith('2'))
  // Neither the spelling of the address nor the order of fields makes another request.
  const hash = createHash('sha256').update(
    JSON.stringify([req.method, req.routeOptions.url, req.params, sorted(req.body)]),
  )
  if (req.upload) hash.update(req.upload)
  return {
    userId: user.id,
    route: `${req.method} ${req.routeOptions.url}`,
    key,
    hash: hash.digest(),
    serialize: reply.getSerializationFunction(status ?? '200') as (answer: unknown) => string,
    replayed: false,
  }
}

/** Codes by which Fastify's own refusals are worded. */
const codeOfStatus: Record<number, string> = {
  400: 'request.malformed',
  404: 'request.not_found',
  408: 'request.too_slow',
  413: 'request.too_large',
  415: 'request.media_type',
  429: 'request.too_many',
  503: 'request.closing',
}

/** Any error as the refusal that the caller is told; what is nobody's refusal is a bug and says nothing of itself. */
function refusalOf(
  error: Error & { statusCode?: number; validation?: never[]; validationContext?: string; code?: string },
): AppError {
  if (error instanceof AppError) return error
  if (error.validation) {
    if (error.validationContext === 'params') return new AppError(404, 'request.not_found')
    return new AppError(400, 'request.invalid', {}, { faults: fieldFaultsOf(error.validation) })
  }
  if (isDatabaseAway(error)) return new AppError(503, 'request.database_away', {}, { retryAfterSeconds: 2 })
  if (error.code === '55P03' || error.code === '57014')
    return new AppError(503, 'request.busy', {}, { retryAfterSeconds: 1 })
  // A value that no schema foresaw and the database cannot read is the caller's all the same.
  if (/^22(021|P02|P05|007|008|003)$/.test(error.code ?? ''))
    return new AppError(400, 'request.malformed', {}, { cause: error })
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH') return new AppError(404, 'request.not_found')
  const status = error.statusCode
  if (status && codeOfStatus[status]) return new AppError(status, codeOfStatus[status])
  return new AppError(500, 'request.failed')
}

function sendProblem({ translate }: Platform, error: Error, req: FastifyRequest, reply: FastifyReply) {
  const refusal = refusalOf(error)
  const { status, code, params } = refusal
  if (status >= 500)
    req.log[status === 500 ? 'error' : 'warn'](
      { err: refusal.cause ?? error, user_id: req.viewer?.id },
      'a request failed',
    )
  if (refusal.retryAfterSeconds) reply.header('retry-after', refusal.retryAfterSeconds)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  const words = (fault: FieldFault) => ({
    path: fault.path,
    message: translate(req.locale, fault.code, fault.params),
    code: fault.code,
  })
  return reply
    .code(status)
    .type('application/problem+json')
    .header('content-language', req.locale)
    .header('cache-control', 'no-store')
    .send({
      type: `urn:dvor:problem:${code}`,
      title: translate(req.locale, `status.${status}`),
      status,
      detail: translate(req.locale, code, params),
      code,
      instance: req.id,
      ...(refusal.faults ? { errors: refusal.faults.map(words) } : {}),
    })
}
