import { useTranslation } from 'react-i18next'
import { useFormat } from '../format.ts'

/** `+7 999 123-45-67`. */
export const phoneWords = (phone: string) => phone.replace(/^7(\d{3})(\d{3})(\d\d)(\d\d)$/, '+7 $1 $2-$3-$4')

/** A number as people write it → as the server reads it: `8 (999) 123-45-67` → `79991234567`. */
export function plainPhone(text: string): string {
  const digits = text.replace(/\D/g, '')
  return digits.length === 10 ? `7${digits}` : digits.replace(/^8(?=\d{10}$)/, '7')
}

/** Formats of spans and days, besides those of everything. */
export function useMailingsFormat() {
  const { i18n, t } = useTranslation()
  const format = useFormat()
  const locale = i18n.language
  const day = (instant: string) =>
    new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }).format(new Date(instant))
  const time = (instant: string) =>
    new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(new Date(instant))
  return {
    ...format,
    day,
    time,
    /** `21 нояб., 10:00 – 18:00`; the day of the end too, where it is another. */
    span: (from: string, to: string) =>
      day(from) === day(to)
        ? `${day(from)}, ${time(from)} – ${time(to)}`
        : `${day(from)}, ${time(from)} – ${day(to)}, ${time(to)}`,
    /** `2 мин 5 с`, `3 ч 20 мин`: the two greatest parts of a span. */
    left: (seconds: number) => {
      const whole = Math.max(0, Math.ceil(seconds))
      const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(whole / unit)) as [
        number,
        number,
        number,
      ]
      if (days > 0) return t('mailings.span.days', { days, hours: hours % 24 })
      if (hours > 0) return t('mailings.span.hours', { hours, minutes: minutes % 60 })
      if (minutes > 0) return t('mailings.span.minutes', { minutes, seconds: whole % 60 })
      return t('mailings.span.seconds', { seconds: whole })
    },
  }
}
