import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { Language, Words } from './messages.ts'

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

function kept(): Language | undefined {
  const value = localStorage.getItem(key)
  return value === 'ru' || value === 'en' ? value : undefined
}

export const language = () => i18next.language as Language

/** Whether this person has ever chosen a language in this browser. */
export const hasChosenLanguage = () => kept() !== undefined

/** Shows everything in this language, now and in this browser's next visits. */
export async function chooseLanguage(chosen: Language): Promise<void> {
  localStorage.setItem(key, chosen)
  if (!i18next.hasResourceBundle(chosen, 'translation'))
    i18next.addResourceBundle(chosen, 'translation', await catalogues[chosen]())
  await i18next.changeLanguage(chosen)
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
