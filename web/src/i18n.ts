import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { type Language, type Words, words } from './messages.ts'

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: Words }
  }
}

const key = 'dvor-language'

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
  await i18next.changeLanguage(chosen)
}

i18next.on('languageChanged', (chosen) => {
  document.documentElement.lang = chosen
})

await i18next.use(initReactI18next).init({
  lng: kept() ?? 'ru',
  fallbackLng: 'ru',
  resources: { ru: { translation: words.ru }, en: { translation: words.en } },
  interpolation: { escapeValue: false },
})
