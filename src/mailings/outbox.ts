import { type RawBuilder, sql } from 'kysely'
import type { OutboxEntry, OutboxSource, Platform } from '../platform/module.ts'
import { wordReason } from './reasons.ts'
import { mailingsSettings } from './settings.ts'
import { renderText } from './text.ts'

type Row = Omit<OutboxEntry, 'text'> & {
  text: string | null
  template: string
  fields: Record<string, string> | null
  tag: string | null
}

/** Messages and tests of them, whose ids are of one sequence; `which` and the order stand in both, so that few are read. */
async function read({ db, config, translate }: Platform, which: RawBuilder<unknown>, end: RawBuilder<unknown>) {
  const { rows } = await sql<Row>`
    select * from (
      (select m.id, 'message' kind, m.phone "to", null subject, null text, l.text template, m.fields, c.tag, m.last_error error, m.created_at,
         case m.status when 'sent' then 'sent' when 'processing' then 'queued' else 'failed' end state
       from (select * from mailings.messages where ${which} ${end}) m
       join mailings.mailings l on l.id = m.mailing_id left join mailings.clients c on c.id = m.client_id)
      union all
      (select id, 'message', phone, null, text, '', null, null, last_error, created_at,
         case status when 'sent' then 'sent' when 'processing' then 'queued' else 'failed' end
       from mailings.tests where ${which} ${end})) found ${end}`.execute(db)
  return rows.map(({ template, fields, tag, text, error, ...entry }) => ({
    ...entry,
    // That of a test was kept as it went.
    text: text ?? renderText(template, { ...fields, phone: entry.to, tag }),
    error: wordReason(translate, config.LOCALE, error ?? null),
  }))
}

const isSandbox = (platform: Platform) => mailingsSettings(platform).GATEWAY_URL === 'sandbox'

/** Messages in the outbox, from their own table, while they go to no real gateway. */
export const outboxSource: OutboxSource = {
  kind: 'message',
  async list(platform, { id, descending, limit }) {
    if (!isSandbox(platform)) return []
    const [compare, direction] = [sql.raw(descending ? '<' : '>'), sql.raw(descending ? 'desc' : 'asc')]
    return read(platform, sql`id ${compare} ${id}`, sql`order by id ${direction} limit ${limit}`)
  },
  async count(platform) {
    if (!isSandbox(platform)) return 0
    const { rows } = await sql<{ n: number }>`
      select (select coalesce(sum(total), 0)::bigint from mailings.counters) + (select count(*) from mailings.tests) n`.execute(
      platform.db,
    )
    return rows[0]!.n
  },
  find: async (platform, id) => (isSandbox(platform) ? (await read(platform, sql`id = ${id}`, sql``))[0] : undefined),
}
