import { type RawBuilder, sql } from 'kysely'

/** What a person typed, as a search compares it: the case does not matter, nor whether ё is written as е. */
export const folded = (typed: string): string => typed.toLowerCase().replaceAll('ё', 'е').trim()

/** Columns folded in the same way; an index of a searched table is over just this. */
export const foldedSql = (columns: RawBuilder<unknown>): RawBuilder<string> =>
  sql<string>`translate(lower(${columns}), 'ё', 'е')`

const like = (columns: RawBuilder<unknown>, part: string) =>
  sql<boolean>`${foldedSql(columns)} like ${`%${part.replace(/[\\%_]/g, '\\$&')}%`}`

/** True where the columns have every word that was typed somewhere in them; % and _ are letters like others. */
export const contains = (columns: RawBuilder<unknown>, typed: string): RawBuilder<boolean> => {
  const words = folded(typed).split(/\s+/).filter(Boolean)
  return words.length
    ? sql<boolean>`(${sql.join(
        words.map((word) => like(columns, word)),
        sql` and `,
      )})`
    : sql`true`
}

/** The digits of what may be a phone number in any usual spelling, as they are kept; undefined if it is none. */
export function phonePart(typed: string): string | undefined {
  const plain = typed.replace(/[\s()+.-]/g, '')
  if (!/^\d{5,15}$/.test(plain)) return undefined
  return plain.length === 11 && plain.startsWith('8') ? `7${plain.slice(1)}` : plain
}

/** The same as `contains`, and a number is found in whatever spelling it was typed. */
export const containsOrPhone = (columns: RawBuilder<unknown>, typed: string): RawBuilder<boolean> => {
  const phone = phonePart(typed)
  return phone ? sql<boolean>`(${contains(columns, typed)} or ${like(columns, phone)})` : contains(columns, typed)
}
