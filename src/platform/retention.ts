import { type RawBuilder, sql } from 'kysely'
import type { Platform } from './module.ts'

/** Rows that one transaction lets go of. */
export const batch = 1000

/** Deletes the rows of a table that are old, a thousand in a transaction, past those that somebody holds. */
export async function deleteOld(
  { db }: Pick<Platform, 'db'>,
  signal: AbortSignal,
  table: string,
  old: RawBuilder<unknown>,
): Promise<void> {
  const name = sql.table(table)
  await whileFull(signal, async () => {
    const { numAffectedRows } = await sql`
      delete from ${name} where ctid = any(array(select ctid from ${name} where ${old} limit ${batch} for update skip locked))`.execute(
      db,
    )
    return Number(numAffectedRows)
  })
}

/** Repeats a step until it finds less than a whole batch. */
export async function whileFull(signal: AbortSignal, step: () => Promise<number>): Promise<void> {
  while (!signal.aborted && (await step()) === batch);
}
