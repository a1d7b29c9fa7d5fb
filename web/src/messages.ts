import { en } from './words.en.ts'
import { ru } from './words.ru.ts'
import { staffEn } from './words.staff.en.ts'
import { staffRu } from './words.staff.ru.ts'

/** Every word of the app, by language and module; for tests, since a browser loads one language. */
export const words = {
  ru: { ...ru, ...staffRu, housing: { ...ru.housing, ...staffRu.housing } },
  en: { ...en, ...staffEn, housing: { ...en.housing, ...staffEn.housing } },
}

export type Language = keyof typeof words
export type Words = (typeof words)['ru']
