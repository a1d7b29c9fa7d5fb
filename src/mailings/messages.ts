import type { Messages } from '../platform/i18n.ts'
import { clientWords } from './messages-clients.ts'
import { gatewayWords } from './messages-gateway.ts'
import { mailingWords } from './messages-mailings.ts'

export const messages: Messages = {
  ru: { mailings: { ...clientWords.ru, ...gatewayWords.ru, ...mailingWords.ru } },
  en: { mailings: { ...clientWords.en, ...gatewayWords.en, ...mailingWords.en } },
}
