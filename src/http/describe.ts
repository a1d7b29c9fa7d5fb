import { readConfig } from '../platform/config.ts'
import { createPool } from '../platform/connections.ts'
import { createDb } from '../platform/database.ts'
import type { App } from '../platform/fastify.ts'
import { createTranslate } from '../platform/i18n.ts'
import { createLogger } from '../platform/log.ts'
import { broughtBy, type Module, type Platform } from '../platform/module.ts'
import { createApp } from './http.ts'

/** The routes of these modules over nothing: no database, no queue, no files. Only to be read. */
export async function createDescribed(modules: Module[]): Promise<App> {
  // Whatever the environment says, the document is the same.
  const config = readConfig({ RATE_LIMITS: 'off', LOG_LEVEL: 'silent', LOG_FORMAT: 'json' }, modules)
  const log = createLogger(config)
  const pool = createPool('postgres://127.0.0.1:1/none', 1, log)
  const translate = createTranslate(modules.map((m) => m.messages))
  const platform = {
    config,
    log,
    pool,
    db: createDb(pool),
    translate,
    ...broughtBy(modules),
  } as Partial<Platform> as Platform
  const app = await createApp(platform, modules)
  await app.ready()
  return app
}

/** The OpenAPI document of these modules, made without a database. */
export async function describeApi(modules: Module[]): Promise<object> {
  const app = await createDescribed(modules)
  const document = app.swagger()
  await app.close()
  return document
}
