import { useTranslation } from 'react-i18next'
import { useFormat } from '../format.ts'

const instantOf = (month: string) => new Date(`${month}-15T00:00:00Z`)

/** Formats of volumes, months and days, besides those of everything. */
export function useHousingFormat() {
  const { i18n, t } = useTranslation()
  const format = useFormat()
  const locale = i18n.language
  return {
    ...format,
    /** A price with up to four digits: `50,9325 ₽`. */
    price: (price: string) =>
      format
        .money('0')
        .replace(
          /\d/,
          new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 4 }).format(
            price as `${number}`,
          ),
        ),
    /** `12,345`: no zeros at its end. */
    plainVolume: (decimal: string) =>
      new Intl.NumberFormat(locale, { maximumFractionDigits: 3 }).format(decimal as `${number}`),
    /** The same as it is typed: `12345,678`. */
    fieldVolume: (decimal: string) =>
      new Intl.NumberFormat(locale, { maximumFractionDigits: 3, useGrouping: false }).format(decimal as `${number}`),
    volume: (decimal: string) =>
      t('housing.m3', {
        volume: new Intl.NumberFormat(locale, { maximumFractionDigits: 3 }).format(decimal as `${number}`),
      }),
    area: (decimal: string) =>
      t('housing.m2', {
        area: new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(decimal as `${number}`),
      }),
    /** `Ноябрь 2026`. */
    month: (month: string) => {
      const words = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' })
        .format(instantOf(month))
        .replace(/\s*г\.$/, '')
      return words[0]!.toUpperCase() + words.slice(1)
    },
    shortMonth: (month: string) =>
      new Intl.DateTimeFormat(locale, { month: 'short', year: '2-digit', timeZone: 'UTC' })
        .format(instantOf(month))
        .replace(/\s*г\.$/, ''),
    day: (day: string) =>
      new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${day}T12:00:00Z`)),
    /** With its sign, `+120 ₽`. */
    change: (amount: string) => `${amount.startsWith('-') ? '' : '+'}${format.money(amount)}`.replace('-', '−'),
  }
}
