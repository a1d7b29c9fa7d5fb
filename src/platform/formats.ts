import type { Config } from './config.ts'
import { type Locale, locales } from './i18n.ts'
import type { Platform } from './module.ts'

/** How letters and documents write figures and times in a language, in the installation's currency and time zone. */
export const formatsOf = (platform: Platform, locale: Locale) => platform.own(openFormats).get(locale)!

// Made once, for making them takes longer than using them.
const openFormats = ({ config }: Platform) => new Map(locales.map((locale) => [locale, makeFormats(config, locale)]))

function makeFormats({ CURRENCY: currency, TIMEZONE: timeZone }: Config, locale: Locale) {
  // The type of Intl knows only numbers; decimal strings are formatted exactly.
  const exact = (options: Intl.NumberFormatOptions) => {
    const format = new Intl.NumberFormat(locale, options)
    return (figure: string | number) => format.format(figure as number)
  }
  const at = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { ...options, timeZone })
    return (instant: string) => format.format(new Date(instant))
  }
  const monthOf = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' })
  return {
    /** `1500.00` as `1 500,00 ₽`. */
    money: exact({ style: 'currency', currency }),
    /** `1500.00` as `1 500,00`. */
    amount: exact({ minimumFractionDigits: 2, useGrouping: true }),
    /** `50.9300` as `50,93 ₽`: a price with the places that it has, two at least and four at most. */
    price: exact({ style: 'currency', currency, maximumFractionDigits: 4 }),
    /** `12.345` as `12,345`: m³, always with three places. */
    volume: exact({ minimumFractionDigits: 3, useGrouping: true }),
    /** `1500` or `12.345`, with as many places as it has, three at most. */
    quantity: exact({ useGrouping: true }),
    day: at({ dateStyle: 'long' }),
    time: at({ dateStyle: 'long', timeStyle: 'short' }),
    /** `2026-11` or a day in it as `ноябрь 2026 г.`. */
    month: (month: string) => monthOf.format(new Date(`${month.slice(0, 7)}-01T00:00:00Z`)),
  }
}
