import { type RawBuilder, sql } from 'kysely'

/** What a person typed, as a search compares it: the case does not matter, nor whether ё is written as е. */
export const folded = (typed: string): string => typed.toLowerCase().replaceAll('ё', 'е').trim()

/** Columns folded in the same way; an index of a searched table is over just this. */
export const foldedSql = (columns: RawBuilder<unknown>): RawBuilder<string> =>
  sql<string>`translate(lower(${columns}), 'ё', 'е')`

/** True where the columns have what was typed somewhere in them; % and _ are letters like others. */
export const contains = (columns: RawBuilder<unknown>, typed: string): RawBuilder<boolean> =>
  sql<boolean>`${foldedSql(columns)} like ${`%${folded(typed).replace(/[\\%_]/g, '\\$&')}%`}`
