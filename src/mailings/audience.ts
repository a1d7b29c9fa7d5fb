import { type RawBuilder, sql } from 'kysely'
import { recordChange } from '../platform/audit.ts'
import { sqlOf, type Tx, transaction } from '../platform/database.ts'
import { violated } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { clockLoopName, senderLoopName } from './expire.ts'
import { type Aim, findAudience } from './filters.ts'
import { tell } from './mailings.ts'

/** A condition of SQL: the client `c` is one of those that are meant. */
export const matches = ({ operator_codes, tags }: Pick<Aim, 'operator_codes' | 'tags'>): RawBuilder<boolean> =>
  sql<boolean>`${operator_codes.length ? sql`c.operator_code = any(${operator_codes}::text[])` : sql`true`}
    and ${tags.length ? sql`c.tag = any(${tags}::text[])` : sql`true`}`

/** A condition of SQL: a message can be sent to this phone. */
export const isReachable = (phone: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql<boolean>`coalesce(${phone} ~ '^7[0-9]{10}$', false)`

type Due = Aim & { id: number }

/**
 * Begins a mailing whose start has come: makes a message for each of its people as they are now, and has it run, in one
 * transaction, so that a crash anywhere leaves it to be begun again. Those on the stop list, and those whose local window
 * does not open before the end, are made as expired; so are all where the end has come already. Does nothing while
 * somebody else has the mailing, or where it is not to begin any more.
 */
export async function startMailing(platform: Platform, id: number, signal: AbortSignal): Promise<void> {
  const began = performance.now()
  // Rows are locked against removal only where one was removed under the first try: that costs a write for each.
  const total = await makeMessages(platform, id, signal, sql``).catch((error) => {
    if (violated(error) !== 'messages_client_id_fkey') throw error
    return makeMessages(platform, id, signal, sql`for key share of c`)
  })
  if (total === undefined) return
  const ms = Math.round(performance.now() - began)
  platform.log.info({ mailing_id: id, messages: total, ms }, 'a mailing has begun')
}

function makeMessages(
  platform: Platform,
  id: number,
  signal: AbortSignal,
  lock: RawBuilder<unknown>,
): Promise<number | undefined> {
  return transaction(platform.db, async (tx) => {
    await sql`set local statement_timeout = '10min'; set local lock_timeout = '30s'`.execute(tx)
    const [due] = (
      await sql<Due>`
        select id, operator_codes, tags, audience, audience_parameters from mailings.mailings
        where id = ${id} and status = 'scheduled' and starts_at <= clock_timestamp()
        for no key update skip locked`.execute(tx)
    ).rows
    if (!due) return undefined
    using _whileHere = await breakOff(platform, tx, signal)
    const people = due.audience === null ? undefined : await gatherPeople(platform, tx, due)
    if (people === 'gone') return cancelWithoutPeople(platform, tx, due)
    const { total, waiting, ...ids } = await insertMessages(tx, due, people !== undefined, lock)
    await sql`
      update mailings.mailings set status = ${waiting ? 'running' : 'finished'}, started_at = now(),
        finished_at = ${waiting ? null : sql`now()`}, unreachable = ${people ?? 0},
        first_message_id = ${ids.first}, last_message_id = ${ids.last} where id = ${id}`.execute(tx)
    await recordChange(tx, undefined, {
      action: 'mailings.start_mailing',
      subject: 'mailings.mailings',
      subject_id: id,
      after: { total, waiting, unreachable: people ?? 0 },
    })
    await tell(tx, id, senderLoopName, clockLoopName)
    return total
  })
}

/** Has the database break off what this transaction does when the process is asked to stop: it begins again elsewhere. */
async function breakOff({ pool }: Platform, tx: Tx, signal: AbortSignal): Promise<Disposable> {
  const [own] = await sqlOf(tx)<{ pid: number }>('select pg_backend_pid() pid')
  const cancel = () => void pool.query('select pg_cancel_backend($1)', [own!.pid]).catch(() => {})
  signal.throwIfAborted()
  signal.addEventListener('abort', cancel)
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', cancel) }
}

const peopleTable = sql`pg_temp.mailing_people`

/**
 * Keeps the people of another module's audience as they are now, and makes clients of those who are none yet. Tells how
 * many have given no phone; `gone` where the module does not run any more.
 */
async function gatherPeople(platform: Platform, tx: Tx, due: Due): Promise<number | 'gone'> {
  const audience = findAudience(platform, due.audience)
  if (!audience) return 'gone'
  await sql`
    create temporary table mailing_people on commit drop as
    select phone, timezone, fields, ${isReachable(sql`phone`)} reachable
    from (${audience.people(due.audience_parameters)}) p`.execute(tx)
  await sql`
    insert into mailings.clients (phone, operator_code, tag, timezone)
    select distinct on (phone) phone, substr(phone, 2, 3), ${due.audience}, coalesce(timezone, ${platform.config.TIMEZONE})
    from ${peopleTable} where reachable order by phone on conflict (phone) do nothing`.execute(tx)
  const { rows } = await sql<{ unreachable: number }>`
    select count(*)::int unreachable from ${peopleTable} where not reachable`.execute(tx)
  return rows[0]!.unreachable
}

/** An audience that nobody can name any more has nobody in it, and its mailing does not wait for ever. */
async function cancelWithoutPeople(platform: Platform, tx: Tx, { id, audience }: Due): Promise<undefined> {
  platform.log.error(
    { mailing_id: id, audience },
    'a mailing is cancelled, for the module of its audience does not run',
  )
  await sql`update mailings.mailings set status = 'cancelled', finished_at = now() where id = ${id}`.execute(tx)
  await tell(tx, id)
  return undefined
}

type Made = { total: number; waiting: number; first: number | null; last: number | null }

/** The messages of a mailing and what is counted of them, in one statement. */
async function insertMessages(tx: Tx, due: Due, fromPeople: boolean, lock: RawBuilder<unknown>): Promise<Made> {
  const source = fromPeople
    ? sql`mailings.clients c join (select distinct on (phone) phone, fields from ${peopleTable} where reachable order by phone) p
        on p.phone = c.phone`
    : sql`mailings.clients c`
  const meant = fromPeople ? sql`true` : matches(due)
  const { rows } = await sql<Made>`
    with l as materialized (
      select id, ends_at, local_from, local_to, ends_at <= clock_timestamp() as is_over from mailings.mailings where id = ${due.id}),
    -- Once a zone, for it takes its time; without a window there is none to ask.
    zones as materialized (
      select z.timezone, mailings.opens_at(now(), z.timezone, l.local_from, l.local_to) at
      from l cross join lateral (select distinct c.timezone from ${source} where ${meant} and l.local_from is not null) z),
    made as (
      insert into mailings.messages (mailing_id, client_id, phone, operator_code, status, due_at, last_error, fields)
      select l.id, c.id, c.phone, c.operator_code,
        case when s.phone is not null or l.is_over or z.at >= l.ends_at then 'expired' else 'processing' end,
        coalesce(z.at, now()),
        case when s.phone is not null then 'stopped' when l.is_over then 'ended' when z.at >= l.ends_at then 'window' end,
        ${fromPeople ? sql`p.fields` : sql`null::jsonb`}
      from l cross join ${source} left join mailings.stops s on s.phone = c.phone left join zones z on z.timezone = c.timezone
      where ${meant} order by c.id ${lock}
      returning id, operator_code, status),
    sums as (
      select operator_code, count(*) total, count(*) filter (where status = 'expired') expired, min(id) first, max(id) last
      from made group by operator_code),
    counted as (
      insert into mailings.counters (mailing_id, operator_code, total, expired)
      select ${due.id}, operator_code, total, expired from sums order by operator_code)
    select coalesce(sum(total), 0)::int total, coalesce(sum(total - expired), 0)::int waiting, min(first) first, max(last) last
    from sums`.execute(tx)
  return rows[0]!
}
