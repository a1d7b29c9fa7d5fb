import { fieldFault } from '../platform/errors.ts'

/** A Russian number in any spelling that people use (`+7 999 123-45-67`, `8 (999) …`, without the country) as `7XXXXXXXXXX`. */
export function readPhone(text: string): string | undefined {
  const typed = text.trim()
  if (/^7\d{10}$/.test(typed)) return typed
  if (!/^\+?[\d\s().\u00a0\u2010-\u2014-]+$/.test(typed)) return undefined
  const digits = typed.replace(/\D/g, '')
  if (digits.length === 11 && digits[0] === '7') return digits
  if (typed[0] === '+') return undefined
  if (digits.length === 11 && digits[0] === '8') return `7${digits.slice(1)}`
  // Of ten digits only a mobile number is surely not one of eleven that lost its last.
  return digits.length === 10 && digits[0] === '9' ? `7${digits}` : undefined
}

/** The number that was meant; throws 400 at the field where there is none. */
export function phoneOf(text: string): string {
  const phone = readPhone(text)
  if (!phone) throw fieldFault('/phone', 'mailings.phone')
  return phone
}

/** The digits of the operator in a number. */
export const operatorOf = (phone: string): string => phone.slice(1, 4)
