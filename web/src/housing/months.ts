/** The month now where a house stands: `2026-11`. */
export function monthIn(timeZone: string): string {
  const part = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit' }).formatToParts(new Date())
  const of = (type: string) => part.find((p) => p.type === type)?.value ?? ''
  return `${of('year')}-${of('month')}`
}

const countOf = (month: string) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1

/** The month so many months later, or earlier below zero. */
export function addMonths(month: string, count: number): string {
  const n = countOf(month) + count
  return `${Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, '0')}`
}

/** How many months lie from one to another. */
export const monthsBetween = (from: string, to: string) => countOf(to) - countOf(from)

/** `count` months up to this one, the newest first. */
export const monthsUpTo = (month: string, count: number) =>
  Array.from({ length: count }, (_, i) => addMonths(month, -i))

export const isMonth = (text: string) => /^\d{4}-(0[1-9]|1[0-2])$/.test(text)
