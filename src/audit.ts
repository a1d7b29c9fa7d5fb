import type { Module, Platform } from './platform/module.ts'

/** Runs every invariant of the modules; `broken` counts the rows that break one, with up to three of them. */
export async function auditModules({ pool }: Pick<Platform, 'pool'>, modules: Module[]) {
  const results: { module: string; name: string; broken: number; examples: unknown[] }[] = []
  for (const module of modules) {
    for (const { name, sql } of module.invariants) {
      const { rows } = await pool.query(
        `with broken as (${sql}) select (select count(*) from broken)::int n, coalesce((select json_agg(b) from (select * from broken limit 3) b), '[]') examples`,
      )
      results.push({ module: module.name, name, broken: rows[0].n, examples: rows[0].examples })
    }
  }
  return results
}
