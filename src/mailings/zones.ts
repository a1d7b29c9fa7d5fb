import { sql } from 'kysely'
import { fieldFault } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'

const opened = (): { names?: Promise<Map<string, string>> } => ({})

/**
 * Time zones that PostgreSQL knows, each by its name in small letters. Names without a place are none: as abbreviations they
 * would stand for a fixed offset.
 */
export async function zonesOf(platform: Platform): Promise<Map<string, string>> {
  const held = platform.own(opened)
  held.names ??= sql<{ name: string }>`
    select name from pg_timezone_names where name = 'UTC' or (name ~ '/' and name !~ '^(posix|right)/')`
    .execute(platform.db)
    .then(({ rows }) => new Map(rows.map(({ name }) => [name.toLowerCase(), name])))
  try {
    return await held.names
  } catch (error) {
    delete held.names
    throw error
  }
}

/** The zone in its own spelling; throws 400 at the field where there is none of this name. */
export async function zoneOf(platform: Platform, timezone: string): Promise<string> {
  const name = (await zonesOf(platform)).get(timezone.toLowerCase())
  if (!name) throw fieldFault('/timezone', 'mailings.unknown_timezone')
  return name
}
