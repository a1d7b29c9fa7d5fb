import i18next, { type i18n } from 'i18next'

export type Locale = 'ru' | 'en'
export const locales: readonly Locale[] = ['ru', 'en']

/** Words of a module in each language; nested objects, plural forms by suffix (`_one`, `_few`, `_many`, `_other`). */
export type Messages = Record<Locale, Record<string, unknown>>

export type Translate = (locale: Locale, code: string, params?: Record<string, unknown>) => string

/** Joins the words of all modules; a code without words comes back as itself, which a test forbids. */
export function createTranslate(catalogues: Messages[]): Translate & { has(locale: Locale, code: string): boolean } {
  const instance: i18n = i18next.createInstance()
  const resources = Object.fromEntries(
    locales.map((locale) => [locale, { translation: Object.assign({}, ...catalogues.map((c) => c[locale])) }]),
  )
  // Mails escape where they make HTML; everything else is JSON or plain text.
  void instance.init({
    resources,
    lng: 'ru',
    fallbackLng: false,
    initAsync: false,
    interpolation: { escapeValue: false },
  })
  const translate = (locale: Locale, code: string, params?: Record<string, unknown>) =>
    instance.t(code, { lng: locale, ...params })
  return Object.assign(translate, {
    has: (locale: Locale, code: string) => instance.exists(code, { lng: locale, count: 1 }),
  })
}

/** The first language of an Accept-Language header that we speak, by its weights. */
export function pickLocale(header: string | undefined, fallback: Locale): Locale {
  if (!header) return fallback
  const wanted = header
    .split(',')
    .map((part) => {
      const [tag, q] = part.trim().split(/;\s*q=/)
      return { tag: tag?.toLowerCase().split('-')[0], weight: q === undefined ? 1 : Number(q) || 0 }
    })
    .filter((w) => w.weight > 0)
    .sort((a, b) => b.weight - a.weight)
  return (wanted.find((w) => locales.includes(w.tag as Locale))?.tag as Locale | undefined) ?? fallback
}
