import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'

type Counted = { quantity: string; unit: string | null; price: string; amount: string }

/** A volume or an area with its unit. */
export function quantityInWords(platform: Platform, locale: Locale, quantity: string, unit: string): string {
  const { volume, amount } = formatsOf(platform, locale)
  return `${(unit === 'm3' ? volume : amount)(quantity)} ${platform.translate(locale, `housing.unit.${unit}`)}`
}

/** How a line is counted, in the manner of the language: `12,345 м³ × 50,93 ₽ = 628,73 ₽`. */
export function formulaOf(platform: Platform, locale: Locale, { quantity, unit, price, amount }: Counted): string {
  const formats = formatsOf(platform, locale)
  const sum = formats.money(amount)
  if (!unit) return sum
  return `${quantityInWords(platform, locale, quantity, unit)} × ${formats.price(price)} = ${sum}`
}
