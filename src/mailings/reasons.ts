import type { Locale, Translate } from '../platform/i18n.ts'

/** Why a message was not sent, or why a try of it failed: ours first, then what the gateway did. */
export const reasonCodes = [
  'window',
  'ended',
  'cut_off',
  'cancelled',
  'stopped',
  'removed',
  'timeout',
  'unreachable',
  'broken',
  'too_large',
  'status',
  'code',
  'garbage',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

/** What `last_error` keeps: the code, and behind a space what the gateway said, without zero bytes and cut at 300 characters. */
export function reasonOf(code: ReasonCode, detail?: string | number): string {
  const said = String(detail ?? '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  // Whole characters: half of a pair would not be stored.
  return said ? `${code} ${[...said.toWellFormed()].slice(0, 300).join('')}` : code
}

/** `last_error` for people; what bears no code of ours comes back as it is, and nothing as nothing. */
export function wordReason(translate: Translate, locale: Locale, stored: string | null): string | null {
  const [, code, detail = ''] = stored?.match(/^(\S+)(?: (.*))?$/s) ?? []
  if (!reasonCodes.includes(code as ReasonCode)) return stored
  return translate(locale, `mailings.reasons.${code}`, { detail })
}

/** Why a mailing pauses by itself: `errors`, how many of the last 200 answers, and the reason of the last of them. */
export const pauseReasonOf = (errors: number, last: string): string => `errors ${errors} ${last}`.slice(0, 300)

/** `pause_reason` for people; a pause by hand has none. */
export function wordPause(translate: Translate, locale: Locale, stored: string | null): string | null {
  const [, errors, last = ''] = stored?.match(/^errors (\d+) (.*)$/s) ?? []
  if (!errors) return stored
  return translate(locale, 'mailings.paused_by_errors', { errors, last: wordReason(translate, locale, last) })
}
