import type { Messages } from '../platform/i18n.ts'
import { clientWords } from './messages-clients.ts'
import { gatewayWords } from './messages-gateway.ts'

export const messages: Messages = {
  ru: { mailings: { ...clientWords.ru, ...gatewayWords.ru } },
  en: { mailings: { ...clientWords.en, ...gatewayWords.en } },
}
