import type { Messages } from '../platform/i18n.ts'

export const messages: Messages = {
  ru: { mailings: {} },
  en: { mailings: {} },
}
