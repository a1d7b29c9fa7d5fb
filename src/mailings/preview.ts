import { setImmediate as others } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { bareTransaction, type Client } from '../platform/database.ts'
import type { Platform } from '../platform/module.ts'
import { isReachable, matches } from './audience.ts'
import { type Aim, aimOf, findAudience, knownPlaceholders } from './filters.ts'
import { partsOf } from './parts.ts'
import type { Preview, PreviewRequest } from './schemas-mailings.ts'
import { checkText, placeholdersOf, renderText } from './text.ts'

const sampleSize = 10
/** Texts that are rendered and counted before others have their turn. */
const textsAtOnce = 1000

/** People `p` whom the start would make messages for, as they are now, and the order in which some are shown. */
function peopleOf(platform: Platform, aim: Aim): { people: RawBuilder<unknown>; all: RawBuilder<unknown> | null } {
  const audience = findAudience(platform, aim.audience)
  if (!audience)
    return {
      people: sql`(select c.id place, c.phone, c.operator_code, c.tag, c.timezone, null::jsonb fields
        from mailings.clients c where ${matches(aim)}) p`,
      all: null,
    }
  const all = sql`(${audience.people(aim.audience_parameters)}) a`
  return {
    people: sql`(select g.phone::bigint place, g.phone, coalesce(c.operator_code, substr(g.phone, 2, 3)) operator_code,
        coalesce(c.tag, ${audience.name}) tag, coalesce(c.timezone, g.timezone, ${platform.config.TIMEZONE}) timezone, g.fields
      from (select distinct on (phone) phone, timezone, fields from ${all} where ${isReachable(sql`phone`)} order by phone) g
      left join mailings.clients c on c.phone = g.phone) p`,
    all,
  }
}

type Group = { timezone: string; stopped: boolean; closed: boolean; n: number }
type Sample = Omit<Preview['sample'][number], 'text'> & { fields: Record<string, string> | null }

/**
 * What a mailing would do if it began at its start with the people of now: how many messages, who of them would get none
 * and why, some of them with their text, and the parts of all texts, counted one by one where they differ. One snapshot;
 * nothing is written.
 */
export async function previewMailing(platform: Platform, input: PreviewRequest): Promise<Preview> {
  const { text, starts_at = null, ends_at = null, local_window: window } = input
  const aim = await aimOf(platform, platform.db, input.filter)
  if (text !== undefined) checkText(text, knownPlaceholders(platform, aim))
  const { people, all } = peopleOf(platform, aim)
  return bareTransaction(
    platform.pool,
    `begin isolation level repeatable read read only; set local statement_timeout = '30s'`,
    async (client) => {
      const ask = async <R>(query: RawBuilder<R>, before = ''): Promise<R[]> => {
        const { sql: words, parameters } = query.compile(platform.db)
        return (await client.query(before + words, [...parameters])).rows
      }
      const groups = await ask(sql<Group>`
        select timezone, stopped, n::int, coalesce(mailings.opens_at(greatest(${starts_at}::timestamptz, now()), timezone,
            ${window?.from ?? null}::time, ${window?.to ?? null}::time) >= ${ends_at}::timestamptz, false) closed
        from (select p.timezone, s.phone is not null stopped, count(*) n
          from ${people} left join mailings.stops s on s.phone = p.phone group by 1, 2) g`)
      const sum = (which: (group: Group) => boolean) => groups.filter(which).reduce((n, group) => n + group.n, 0)
      const closed = groups.filter((group) => group.closed).map((group) => group.timezone)
      const gets = sql`not exists (select from mailings.stops s where s.phone = p.phone) and p.timezone <> all(${closed}::text[])`
      const sample = await ask(sql<Sample>`
        select phone, operator_code, tag, timezone, fields from ${people} where ${gets} order by place limit ${sampleSize}`)
      const [missing] = all
        ? await ask(sql<{ n: number }>`select count(*)::int n from ${all} where not ${isReachable(sql`phone`)}`)
        : []
      const getting = sum((group) => !group.stopped && !group.closed)
      return {
        count: sum(() => true),
        stopped: sum((group) => group.stopped),
        outside_window: sum((group) => group.closed && !group.stopped),
        unreachable: missing?.n ?? 0,
        sample: sample.map(({ fields, ...person }) => ({
          ...person,
          text: text === undefined ? null : renderText(text, { ...fields, phone: person.phone, tag: person.tag }),
        })),
        parts:
          text === undefined ? null : await countParts(client, ask, text, getting, sql`from ${people} where ${gets}`),
      }
    },
  )
}

/** The parts of the texts of these people: every different one is rendered and counted. */
async function countParts(
  client: Client,
  ask: (query: RawBuilder<unknown>, before?: string) => Promise<unknown>,
  text: string,
  count: number,
  people: RawBuilder<unknown>,
): Promise<{ most: number; total: number }> {
  // All phones have the same length, and the same alphabet.
  const phone = '70000000000'
  const names = placeholdersOf(text).filter((name) => name !== 'phone')
  if (!names.length) {
    const { parts } = partsOf(renderText(text, { phone }))
    return { most: count ? parts : 0, total: parts * count }
  }
  const values = sql.join(
    names.map((name) => (name === 'tag' ? sql`p.tag` : sql`coalesce(p.fields ->> ${name}::text, '')`)),
  )
  await ask(
    sql`select array[${values}] given, count(*)::int n ${people} group by 1`,
    'declare texts no scroll cursor for ',
  )
  let most = 0
  let total = 0
  for (;;) {
    const { rows } = await client.query<{ given: string[]; n: number }>(`fetch ${textsAtOnce} from texts`)
    if (!rows.length) return { most, total }
    for (const { given, n } of rows) {
      const { parts } = partsOf(
        renderText(text, { phone, ...Object.fromEntries(names.map((name, i) => [name, given[i]])) }),
      )
      most = Math.max(most, parts)
      total += parts * n
    }
    await others()
  }
}
