import { sql } from 'kysely'
import { type PageOf, pageAnswer, type pageRequest } from '../http/pages.ts'
import { compileSchema, fieldFaultsOf } from '../http/validation.ts'
import type { Db, Tx } from '../platform/database.ts'
import { fieldFault, fieldFaults } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Audience, Platform } from '../platform/module.ts'
import type { Audience as AudienceShape, Filter } from './schemas-mailings.ts'
import { ownPlaceholders } from './text.ts'

/** Whom a mailing is for, as its row keeps it. */
export type Aim = {
  operator_codes: string[]
  tags: string[]
  audience: string | null
  audience_parameters: Record<string, unknown> | null
}

/** The audience of this name, of the modules that run. */
export const findAudience = ({ audiences }: Platform, name: string | null): Audience | undefined =>
  audiences.find((one) => one.name === name)

/** What a text to these people may hold. */
export const knownPlaceholders = (platform: Platform, { audience }: Pick<Aim, 'audience'>): string[] => [
  ...ownPlaceholders,
  ...(findAudience(platform, audience)?.placeholders ?? []),
]

/** A filter that was checked before, as its row keeps it. */
export function aimKept({ operator_codes = [], tags = [], audience, ...parameters }: Filter): Aim {
  return { operator_codes, tags, audience: audience ?? null, audience_parameters: audience ? parameters : null }
}

/** The filter of a mailing, from its row. */
export const filterOf = ({ operator_codes, tags, audience, audience_parameters }: Aim): Filter =>
  audience ? { ...audience_parameters, audience } : { operator_codes, tags }

/** A filter as a row keeps it; throws 400 at the field that is not known, not right or names what is not there. */
export async function aimOf(platform: Platform, db: Db | Tx, filter: Filter): Promise<Aim> {
  const { operator_codes = [], tags = [], audience, ...parameters } = filter
  if (audience === undefined) {
    const unknown = Object.keys(parameters).map((name) => ({
      path: `/filter/${name.slice(0, 100).replace(/~/g, '~0').replace(/\//g, '~1')}`,
      code: 'validation.additionalProperties',
    }))
    if (unknown.length) throw fieldFaults(unknown.slice(0, 20))
    return { operator_codes, tags, audience: null, audience_parameters: null }
  }
  const found = findAudience(platform, audience)
  if (!found) {
    const allowed = platform.audiences.map(({ name }) => name).join(', ')
    throw fieldFault('/filter/audience', 'mailings.unknown_audience', { allowed })
  }
  if (operator_codes.length || tags.length) throw fieldFault('/filter/audience', 'mailings.audience_alone')
  const check = compileSchema({ schema: found.parameters, httpPart: 'body' })
  // The check writes sums as they are kept.
  const checked: Record<string, unknown> = structuredClone(parameters)
  if (!check(checked))
    throw fieldFaults(fieldFaultsOf(check.errors ?? []).map((fault) => ({ ...fault, path: `/filter${fault.path}` })))
  for (const [name, { table }] of Object.entries(found.references ?? {})) {
    const id = checked[name]
    if (id === undefined) continue
    const { rows } = await sql`select from ${sql.table(table)} where id = ${id}`.execute(db)
    if (!rows.length) throw fieldFault(`/filter/${name}`, 'validation.unknown_id')
  }
  return { operator_codes: [], tags: [], audience, audience_parameters: checked }
}

/** So many rows are offered to choose from. */
const mostChoices = 500

/** What the parameters of an audience that name a row may name, the newest ones, as JSON Schema says it. */
async function choicesOf(db: Db, { references = {} }: Audience): Promise<Record<string, object>> {
  const choices: Record<string, object> = {}
  for (const [name, { table, title }] of Object.entries(references)) {
    const { rows } = await sql<{ const: number; title: string }>`
      select id as const, title from (select id, ${sql.ref(title)} title from ${sql.table(table)} order by id desc limit ${mostChoices}) t
      order by title`.execute(db)
    choices[name] = { oneOf: rows }
  }
  return choices
}

/** The audiences that may stand in a filter, with words for people and what can be chosen. */
export async function listAudiences(
  { audiences, db, translate }: Platform,
  locale: Locale,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<AudienceShape>> {
  const shown = audiences.slice(page.offset, page.offset + page.limit)
  const results: AudienceShape[] = []
  for (const audience of shown) {
    const { name, parameters, placeholders } = audience
    const words = (key: string) => translate(locale, `${name.replace('.', '.audiences.')}.${key}`)
    const choices = await choicesOf(db, audience)
    results.push({
      name,
      label: words('label'),
      parameters: {
        ...parameters,
        properties: Object.fromEntries(
          Object.entries(parameters.properties).map(([key, schema]) => [
            key,
            { title: words(key), ...schema, ...choices[key] },
          ]),
        ),
      },
      placeholders: [
        ...ownPlaceholders.map((key) => ({ name: key, label: translate(locale, `mailings.placeholders.${key}`) })),
        ...placeholders.map((key) => ({ name: key, label: words(key) })),
      ],
    })
  }
  return pageAnswer(page, results, audiences.length)
}
