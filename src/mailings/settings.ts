import type { Platform } from '../platform/module.ts'
import { http, integer, place, secret, settingsOf, text } from '../platform/settings.ts'

export const settings = {
  GATEWAY_URL: place('where mailings go', 'sandbox', ['sandbox'], http),
  GATEWAY_TOKEN: secret('bearer token of the gateway'),
  GATEWAY_CONCURRENCY: integer('calls of the gateway under way at once, over all workers', 64, 1, 4096),
  GATEWAY_RATE: integer('calls of the gateway a second over all workers, 0 for no limit', 0, 0, 1_000_000),
  GATEWAY_TIMEOUT_MS: integer('deadline of one call', 10_000, 100, 600_000),
  STATS_MAIL_TO: text('daily mailing statistics go to this address'),
}

/** The settings of mailings. */
export const mailingsSettings = ({ config }: Pick<Platform, 'config'>) => settingsOf(config, settings)
