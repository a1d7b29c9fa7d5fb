import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { billRoutes } from './routes-bills.ts'
import { houseRoutes } from './routes-houses.ts'
import { importRoutes } from './routes-import.ts'
import { joinRoutes } from './routes-joins.ts'
import { meterRoutes } from './routes-meters.ts'
import { runRoutes } from './routes-runs.ts'

export function routes(app: App, platform: Platform): void {
  houseRoutes(app, platform)
  meterRoutes(app, platform)
  importRoutes(app, platform)
  runRoutes(app, platform)
  billRoutes(app, platform)
  joinRoutes(app, platform)
}
