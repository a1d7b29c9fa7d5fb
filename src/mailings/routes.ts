import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { clientRoutes } from './routes-clients.ts'
import { gatewayRoutes } from './routes-gateway.ts'
import { mailingRoutes } from './routes-mailings.ts'
import { messageRoutes } from './routes-messages.ts'

/** Every URL of mailings. */
export function routes(app: App, platform: Platform): void {
  clientRoutes(app, platform)
  gatewayRoutes(app, platform)
  mailingRoutes(app, platform)
  messageRoutes(app, platform)
}
