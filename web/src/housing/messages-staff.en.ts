import type { staffRu } from './messages-staff.ru.ts'

export const staffEn: typeof staffRu = {}
