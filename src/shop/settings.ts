import type { Platform } from '../platform/module.ts'
import { fault, http, place, secret, settingsOf, text } from '../platform/settings.ts'

export const settings = {
  SHIPPING_URL: place('called when an order is shipped', 'sandbox', ['sandbox'], http),
  SHIPPING_SECRET: secret('signs calls of SHIPPING_URL'),
  MIN_ORDER_TOTAL: {
    ...text('the least sum of an order', '1.00'),
    read: (t: string) => (/^\d{1,10}(\.\d{1,2})?$/.test(t) ? t : fault('must be a sum of money, as 100.00')),
  },
}

/** The settings of the shop. */
export const shopSettings = ({ config }: Pick<Platform, 'config'>) => settingsOf(config, settings)
