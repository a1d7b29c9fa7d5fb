import { plainAmount } from '../format.ts'
import type { Audience, Mailing } from './queries.ts'

/** `everyone` and `clients` are our own, anything else is the audience of a module. */
export type Who = string

/** A mailing as one composes it. Moments are those of the browser's clock, `2026-11-21T18:00`. */
export type Draft = {
  who: Who
  operator_codes: string[]
  tags: string[]
  /** Of each audience, so that a look at another one loses nothing. */
  parameters: Record<string, Record<string, string>>
  text: string
  begins: 'now' | 'later'
  starts_at: string
  ends_at: string
  hasHours: boolean
  from: string
  to: string
}

const two = (n: number) => String(n).padStart(2, '0')

/** A moment as a field has it. */
export const localOf = (date: Date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`

/** What a field holds as an instant; undefined while it holds none. */
export function instantOf(local: string): string | undefined {
  const date = new Date(local)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** A mailing that nobody has begun to write: to everybody, now, to the end of the day in the hours of the day. */
export function emptyDraft(now = new Date()): Draft {
  const end = new Date(now)
  end.setHours(21, 0, 0, 0)
  if (end.getTime() - now.getTime() < 3 * 3_600_000) end.setDate(end.getDate() + 1)
  const start = new Date(end)
  start.setHours(10)
  if (start <= now) {
    start.setTime(now.getTime() + 3_600_000)
    start.setMinutes(0)
  }
  return {
    who: 'everyone',
    operator_codes: [],
    tags: [],
    parameters: {},
    text: '',
    begins: 'now',
    starts_at: localOf(start),
    ends_at: localOf(end),
    hasHours: true,
    from: '09:00',
    to: '21:00',
  }
}

/** A mailing that is there as a draft, to change it or to make another like it. */
export function draftOf(mailing: Mailing): Draft {
  const { operator_codes = [], tags = [], audience, ...parameters } = mailing.filter
  return {
    ...emptyDraft(),
    who: audience ?? (operator_codes.length || tags.length ? 'clients' : 'everyone'),
    operator_codes,
    tags,
    parameters: audience
      ? { [audience]: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])) }
      : {},
    text: mailing.text,
    begins: 'later',
    starts_at: localOf(new Date(mailing.starts_at)),
    ends_at: localOf(new Date(mailing.ends_at)),
    hasHours: mailing.local_window !== null,
    ...(mailing.local_window ?? {}),
  }
}

/** Whom a draft is for, as the server reads it. */
export function filterOf(draft: Draft, audience: Audience | undefined): Mailing['filter'] {
  if (draft.who === 'everyone') return {}
  if (draft.who === 'clients') return { operator_codes: draft.operator_codes, tags: draft.tags }
  const typed = Object.entries(draft.parameters[draft.who] ?? {}).filter(([, value]) => value.trim() !== '')
  const typedOf = (name: string, value: string) => {
    const { type } = parametersOf(audience).find((parameter) => parameter.name === name) ?? {}
    if (type === 'integer') return Number(value)
    if (type === 'boolean') return value === 'true'
    return type === 'decimal' ? plainAmount(value) : value
  }
  return { audience: draft.who, ...Object.fromEntries(typed.map(([name, value]) => [name, typedOf(name, value)])) }
}

export type Parameter = {
  name: string
  title: string
  type: 'integer' | 'boolean' | 'month' | 'decimal' | 'text'
  isNeeded: boolean
  /** What may be chosen, where it is known. */
  choices?: { value: string; label: string }[]
}

type Schema = {
  title?: string
  type?: string
  pattern?: string
  examples?: unknown[]
  oneOf?: { const: number | string; title: string }[]
  anyOf?: Schema[]
}

/** What an audience wants to know, as its JSON Schema says. */
export function parametersOf(audience: Audience | undefined): Parameter[] {
  const schema = audience?.parameters as { properties?: Record<string, Schema>; required?: string[] } | undefined
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const example = String(property.examples?.[0] ?? property.anyOf?.flatMap((one) => one.examples ?? [])[0] ?? '')
    const type =
      property.type === 'integer' || property.type === 'boolean'
        ? property.type
        : /^\d{4}-\d\d$/.test(example)
          ? 'month'
          : /^\d+\.\d\d$/.test(example)
            ? 'decimal'
            : 'text'
    return {
      name,
      title: property.title ?? name,
      type,
      isNeeded: schema?.required?.includes(name) ?? false,
      ...(property.oneOf && {
        choices: property.oneOf.map((one) => ({ value: String(one.const), label: one.title })),
      }),
    }
  })
}

/** The mailing of a draft; undefined while its moments are none. */
export function mailingOf(draft: Draft, audience: Audience | undefined, now = new Date()) {
  const starts_at = draft.begins === 'now' ? now.toISOString() : instantOf(draft.starts_at)
  const ends_at = instantOf(draft.ends_at)
  if (!starts_at || !ends_at) return undefined
  return {
    text: draft.text,
    starts_at,
    ends_at,
    filter: filterOf(draft, audience),
    local_window: draft.hasHours ? { from: draft.from, to: draft.to } : null,
  }
}
