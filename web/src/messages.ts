import { en } from './words.en.ts'
import { ru } from './words.ru.ts'

/** Every word of the app, by language and module; for tests, since a browser loads one language. */
export const words = { ru, en }

export type Language = keyof typeof words
export type Words = typeof ru
