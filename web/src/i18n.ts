import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { Language, Words } from './messages.ts'
import { kept as keptHere } from './ui/kept.ts'

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: Words }
  }
}

const key = 'dvor-language'
const catalogues = {
  ru: () => import('./words.ru.ts').then((m) => m.ru),
  en: () => import('./words.en.ts').then((m) => m.en),
}
const staffCatalogues = {
  ru: () => import('./words.staff.ru.ts').then((m) => m.staffRu),
  en: () => import('./words.staff.en.ts').then((m) => m.staffEn),
}

function kept(): Language | undefined {
  const value = keptHere.get(key)
  return value === 'ru' || value === 'en' ? value : undefined
}

export const language = () => i18next.language as Language

/** Whether this person has ever chosen a language in this browser. */
export const hasChosenLanguage = () => kept() !== undefined

/** Shows everything in this language, now and in this browser's next visits. */
export async function chooseLanguage(chosen: Language): Promise<void> {
  keptHere.set(key, chosen)
  if (!i18next.hasResourceBundle(chosen, 'translation'))
    i18next.addResourceBundle(chosen, 'translation', await catalogues[chosen](), true)
  if (knowsStaffWords()) await learnStaffWords(chosen)
  await i18next.changeLanguage(chosen)
}

/** Whether the words of the staff's screens are there, in the language that is read. */
export const knowsStaffWords = () => i18next.exists('platform.jobs.title')

/** Loads the words of the staff's screens. */
export async function learnStaffWords(of = language()): Promise<void> {
  i18next.addResourceBundle(of, 'translation', await staffCatalogues[of](), true)
}

i18next.on('languageChanged', (chosen) => {
  document.documentElement.lang = chosen
})

const first = kept() ?? 'ru'
await i18next.use(initReactI18next).init({
  lng: first,
  // Both catalogues hold the same keys (a test), and only one is there.
  fallbackLng: false,
  resources: { [first]: { translation: await catalogues[first]() } },
  interpolation: { escapeValue: false },
})
