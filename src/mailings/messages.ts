import type { Messages } from '../platform/i18n.ts'
import { gatewayWords } from './messages-gateway.ts'

export const messages: Messages = {
  ru: { mailings: { ...gatewayWords.ru } },
  en: { mailings: { ...gatewayWords.en } },
}
