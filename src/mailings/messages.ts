import type { Messages } from '../platform/i18n.ts'
import { clientWords } from './messages-clients.ts'
import { dailyWords } from './messages-daily.ts'
import { gatewayWords } from './messages-gateway.ts'
import { mailingWords } from './messages-mailings.ts'

export const messages: Messages = {
  ru: { mailings: { ...clientWords.ru, ...dailyWords.ru, ...gatewayWords.ru, ...mailingWords.ru } },
  en: { mailings: { ...clientWords.en, ...dailyWords.en, ...gatewayWords.en, ...mailingWords.en } },
}
