import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'

export function routes(_app: App, _platform: Platform): void {}
