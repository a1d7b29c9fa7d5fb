import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { isUsername } from '../platform/access.ts'
import type { FieldFault } from '../platform/errors.ts'

/** A decimal string in units of its last digit, exact: hundredths unless said otherwise. */
export function kopecks(amount: string, digits = 2): bigint {
  const [whole = '0', part = ''] = amount.split('.')
  return BigInt(whole) * 10n ** BigInt(digits) + BigInt(part.padEnd(digits, '0') || '0')
}

/**
 * Money arrives as `1500`, `1500.5` or `"1500.50"` and goes on as a decimal string with two digits; other exact
 * quantities have `digits` after the point and at most `whole` before it, and where it is `signed` a minus.
 */
const money = {
  keyword: 'x-money',
  modifying: true,
  errors: true,
  compile(limits: { minimum?: string; digits?: number; whole?: number; signed?: boolean }) {
    const { digits = 2, whole = 10 } = limits
    const pattern = new RegExp(`^${limits.signed ? '-?' : ''}\\d{1,${whole}}(\\.\\d{1,${digits}})?$`)
    const isMoney = digits === 2 && whole === 10
    const check = (
      data: unknown,
      at?: { parentData: Record<string, unknown>; parentDataProperty: string | number },
    ) => {
      const text = typeof data === 'number' ? String(data) : data
      const fail = (keyword: string, params: object) => {
        check.errors = [{ keyword, params }]
        return false
      }
      if (typeof text !== 'string' || !pattern.test(text)) return fail(isMoney ? 'money' : 'decimal', { digits, whole })
      if (limits.minimum && kopecks(text, digits) < kopecks(limits.minimum, digits))
        return fail('moneyMinimum', { limit: limits.minimum })
      const [units = '0', part = ''] = text.split('.')
      if (at)
        at.parentData[at.parentDataProperty] = `${units.replace(/^(-?)0+(?=\d)/, '$1')}.${part.padEnd(digits, '0')}`
      return true
    }
    check.errors = [] as object[]
    return check
  },
}

/** PostgreSQL text can't hold a zero byte, and a lone surrogate can't be written as UTF-8. */
const plain = (text: string) => !text.includes('\0') && text.isWellFormed()

const instantPattern = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-](0\d|1[0-4]):[0-5]\d)$/

/** RFC 3339 as far as PostgreSQL, JavaScript and calendars agree: real offsets, no leap seconds, years 1900 to 9998. */
function isInstant(text: string): boolean {
  const time = instantPattern.test(text) ? new Date(text) : undefined
  if (!time || Number.isNaN(time.getTime()) || !isInCalendar(text.slice(0, 10))) return false
  return time.getUTCFullYear() >= 1900 && time.getUTCFullYear() <= 9998
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isInCalendar(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

/** A day of the years that a person may mean. */
const isDay = (text: string) => /^(19|20|21)\d\d-\d\d-\d\d$/.test(text) && isInCalendar(text)

function createAjv(coerceTypes: false | 'array', allErrors: boolean): Ajv {
  const ajv = new Ajv({ removeAdditional: false, allErrors, useDefaults: true, strict: false, coerceTypes })
  addFormats.default(ajv)
  ajv.addFormat('date-time', isInstant)
  ajv.addFormat('text', plain)
  ajv.addFormat('line', (text) => plain(text) && text.trim() !== '' && !/[\r\n]/.test(text))
  ajv.addFormat('date', isDay)
  ajv.addFormat('month', (text) => /^(19|20|21)\d\d-(0[1-9]|1[0-2])$/.test(text))
  ajv.addFormat('username', isUsername)
  ajv.addKeyword(money as never)
  return ajv
}

/** Two of a kind: one stops at the first fault, one finds them all. */
const pair = (coerceTypes: false | 'array') => ({
  first: createAjv(coerceTypes, false),
  all: createAjv(coerceTypes, true),
})
const bodies = pair(false)
const rest = pair('array')

/** So many values a form may have that is told all its faults, and so many faults any answer names. */
const mostValues = 1000
const mostFaults = 20

function isForm(data: unknown): boolean {
  const waiting = [data]
  for (let seen = 0; waiting.length; seen++) {
    const value = waiting.pop()
    if (typeof value === 'object' && value !== null) waiting.push(...Object.values(value).slice(0, mostValues + 1))
    if (seen + waiting.length > mostValues) return false
  }
  return true
}

/**
 * Checks up to the first fault; what has one is looked at again for all of them, if it is small. The faults of a large body
 * would take more time and memory than it has bytes.
 */
function compile({ first, all }: typeof bodies, schema: object) {
  const quick = first.compile(schema)
  let thorough: ValidateFunction | undefined
  const validate = (data: unknown): boolean => {
    validate.errors = null
    if (quick(data)) return true
    validate.errors = quick.errors
    if (!isForm(data)) return false
    thorough ??= all.compile(schema)
    if (!thorough(data)) validate.errors = thorough.errors
    return false
  }
  validate.errors = null as ErrorObject[] | null | undefined
  return validate
}

/** Bodies are taken strictly; query, path and headers are text and coerced. */
export function compileSchema({ schema, httpPart }: { schema: unknown; httpPart?: string }) {
  if (httpPart === 'body') return compile(bodies, schema as object)
  const validate = compile(rest, schema as object)
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {}
  const integers = Object.keys(properties).filter((name) => properties[name]?.type === 'integer')
  if (!integers.length) return validate
  // Coercion would take ` 7`, `7e0` and `0x7` for 7, and one row would have many addresses.
  const strict = (data: Record<string, unknown>) => {
    const odd = integers.find((name) => typeof data[name] === 'string' && !/^(0|-?[1-9]\d{0,15})$/.test(data[name]))
    const valid = odd === undefined && validate(data)
    strict.errors = odd === undefined ? validate.errors : [oddInteger(odd)]
    return valid
  }
  strict.errors = null as ErrorObject[] | null | undefined
  return strict
}

const oddInteger = (name: string) =>
  ({ keyword: 'type', instancePath: `/${name}`, params: { type: 'integer' } }) as unknown as ErrorObject

/** Ajv's errors as faults of fields: one per path, the deepest branch of a union, worded by `validation.<keyword>`. */
export function fieldFaultsOf(errors: ErrorObject[]): FieldFault[] {
  const faults = new Map<string, FieldFault>()
  for (const error of errors) {
    if (['anyOf', 'oneOf', 'if'].includes(error.keyword) && errors.length > 1) continue
    const params = error.params as Record<string, unknown>
    const child = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty
    const path =
      error.instancePath +
      (child === undefined ? '' : `/${String(child).slice(0, 100).replace(/~/g, '~0').replace(/\//g, '~1')}`)
    if (faults.has(path)) continue
    const code =
      error.keyword === 'format'
        ? `validation.format_${String(params.format).replace('-', '_')}`
        : // What must have a letter at least is simply not there.
          error.keyword === 'minLength' && params.limit === 1
          ? 'validation.blank'
          : `validation.${error.keyword}`
    faults.set(path, {
      path,
      code,
      params: {
        limit: params.limit,
        count: params.limit,
        allowed: (params.allowedValues as unknown[] | undefined)?.join(', '),
        type: params.type,
        digits: params.digits,
        whole: params.whole,
      },
    })
  }
  return [...faults.values()].slice(0, mostFaults)
}
