import { staffRu as housing } from './housing/messages-staff.ru.ts'
import { ru as mailings } from './mailings/messages.ru.ts'
import { ru as platform } from './platform/messages.ru.ts'

/** What only those read who run the installation; it is laid over the words that everybody reads. */
export const staffRu = { platform, housing, mailings }
