import { staffEn as housing } from './housing/messages-staff.en.ts'
import { en as mailings } from './mailings/messages.en.ts'
import { en as platform } from './platform/messages.en.ts'

/** What only those read who run the installation; it is laid over the words that everybody reads. */
export const staffEn = { platform, housing, mailings }
