import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { adminRoutes } from './routes-admin.ts'
import { loginRoutes } from './routes-login.ts'
import { oidcRoutes } from './routes-oidc.ts'
import { profileRoutes } from './routes-profile.ts'

export function routes(app: App, platform: Platform): void {
  loginRoutes(app, platform)
  oidcRoutes(app, platform)
  profileRoutes(app, platform)
  adminRoutes(app, platform)
}
