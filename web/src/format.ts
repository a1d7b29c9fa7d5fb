import { useTranslation } from 'react-i18next'
import { useOrganisation } from './platform/queries.ts'

const dayMs = 86_400_000
const steps = [
  ['day', dayMs],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** Whole days until an instant, the day under way included; 0 when it has passed. */
export const daysUntil = (instant: string) => Math.max(0, Math.ceil((Date.parse(instant) - Date.now()) / dayMs))

/** How much of a goal is collected: 0–100, and 100 only when it is all there. */
export function percentOf(collected: string, target: string): number {
  return Math.min(100, Math.floor((Number(collected) / Number(target)) * 100))
}

/** `1 234,5` as people write it → `1234.5` as the server reads it. */
export const plainAmount = (text: string) => text.replace(/\s/g, '').replace(',', '.')

/** Formats of the reader's language and the organisation's currency. */
export function useFormat() {
  const { i18n } = useTranslation()
  const { data: organisation } = useOrganisation()
  const locale = i18n.language
  const currency = organisation?.currency ?? 'RUB'

  return {
    /** Decimal text as it is, never through a float: `1 234,50 ₽`, and `1 500 ₽` when whole. */
    money: (amount: string) =>
      new Intl.NumberFormat(locale, {
        style: 'currency',
        currency,
        currencyDisplay: 'narrowSymbol',
        trailingZeroDisplay: 'stripIfInteger',
      }).format(amount as `${number}`),
    /** `₽`, where the organisation counts in roubles. */
    currencySign: () =>
      new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
        .formatToParts(0)
        .find(({ type }) => type === 'currency')!.value,
    number: (value: number) => new Intl.NumberFormat(locale).format(value),
    date: (instant: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'long' }).format(new Date(instant)),
    moment: (instant: string) =>
      new Intl.DateTimeFormat(locale, { dateStyle: 'short', timeStyle: 'short' }).format(new Date(instant)),
    /** `5 минут назад`; a date once it is a week old. */
    ago: (instant: string) => {
      const passed = Date.now() - Date.parse(instant)
      if (passed > 7 * dayMs) return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(instant))
      const [unit, ms] = steps.find(([, ms]) => passed >= ms) ?? ['minute', 60_000]
      return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(
        -Math.floor(Math.max(0, passed) / ms),
        unit,
      )
    },
  }
}
