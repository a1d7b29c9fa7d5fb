import { type RawBuilder, sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { sqlOf, type Tx, transaction } from '../platform/database.ts'
import type { Job } from '../platform/jobs.ts'
import { type Recipient, sendLetters } from '../platform/letters.ts'
import type { Platform } from '../platform/module.ts'
import { addNotifications } from '../platform/notifications.ts'
import { lockHouse } from './viewers.ts'

type Kind = 'start' | 'end' | 'office'

/** SQL: meters `m` of a flat `a` that have no reading of a month. */
export const missing = (month: RawBuilder<unknown>) => sql`
  housing.meters m where m.apartment_id = a.id
    and m.installed_on < ${month} + interval '1 month' and (m.removed_on is null or m.removed_on >= ${month})
    and not exists (select from housing.readings r where r.meter_id = m.id and r.month = ${month})`

/** Enters a reminder for each resident of a house whose flat lacks a reading, and the job of its letter; returns how many. */
async function enter({ jobs }: Platform, tx: Tx, house: number, month: string, kind: Kind): Promise<number> {
  const first = sql`${month}::date`
  const { rows } = await sql<{ reminder_id: number; apartment_id: number; user_id: number }>`
    insert into housing.reminders (apartment_id, user_id, month, kind)
    select a.id, u.id, ${first}, ${kind}
    from housing.apartments a
    join housing.residents r on r.apartment_id = a.id
    join accounts.users u on u.id = r.user_id and u.is_active and u.email_confirmed_at is not null
    where a.house_id = ${house} and (a.ended_on is null or a.ended_on >= ${first}) and exists (select from ${missing(first)})
    order by a.id, u.id
    on conflict on constraint reminders_key do nothing returning id reminder_id, apartment_id, user_id`.execute(tx)
  if (rows.length) {
    await jobs.enqueue(
      tx,
      'housing.reminder',
      rows.map(({ reminder_id }) => ({ reminder_id })),
    )
    await addNotifications(
      sqlOf(tx),
      rows.map(({ reminder_id, apartment_id, user_id }) => ({
        user_id,
        kind: 'housing.reminder',
        key: `reminder-${reminder_id}`,
        path: `/flat/${apartment_id}/readings`,
        params: { month },
      })),
    )
  }
  return rows.length
}

/**
 * Asks the residents of every house whose window has begun, or ends tomorrow or today, for what is missing: from nine in
 * the morning in its zone, once for each occasion. `at` stands for the time.
 */
export async function remindHouses(platform: Platform, signal: AbortSignal, at: string | null = null): Promise<void> {
  const { rows } = await sql<{ id: number; month: string; kind: Kind }>`
    select h.id, date_trunc('month', l.time)::date as month, k.kind
    from housing.houses h
    cross join lateral (select coalesce(${at}::timestamptz, now()) at time zone h.timezone as time) l
    cross join lateral (select case when extract(day from l.time) >= h.window_to - 1 then 'end' else 'start' end kind) k
    where extract(day from l.time) between least(h.window_from, h.window_to - 1) and h.window_to
      and extract(hour from l.time) >= 9
      and not exists (select from housing.reminder_rounds d
        where d.house_id = h.id and d.month = date_trunc('month', l.time)::date and d.kind = k.kind)
    order by h.id`.execute(platform.db)
  for (const { id, month, kind } of rows) {
    if (signal.aborted) return
    await transaction(platform.db, async (tx) => {
      const { rows: begun } = await sql`
        insert into housing.reminder_rounds (house_id, month, kind) values (${id}, ${month}, ${kind})
        on conflict do nothing returning 1`.execute(tx)
      if (begun.length) await enter(platform, tx, id, month, kind)
    })
  }
}

/** Asks the residents of a house who lack a reading of a month, each at most once a day; returns how many letters go. */
export async function remindNow(
  platform: Platform,
  user: User,
  house: number,
  month: string,
): Promise<{ count: number }> {
  return transaction(platform.db, async (tx) => {
    await lockHouse(tx, house, 'share')
    const count = await enter(platform, tx, house, `${month}-01`, 'office')
    await recordChange(tx, user, {
      action: 'housing.remind',
      subject: 'housing.houses',
      subject_id: house,
      after: { month, count },
    })
    return { count }
  })
}

type Asked = Recipient & {
  id: number
  address: string
  number: string
  month: string
  window_to: number
  serials: string
}

/** Sends reminders, but to nobody whose readings came meanwhile. */
export async function mailReminders(platform: Platform, jobs: Job<{ reminder_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Asked>`
    select d.id, u.id user_id, u.email, u.locale, u.email_confirmed_at is not null confirmed, h.address, a.number,
      to_char(d.month, 'MM.YYYY') as month, h.window_to, n.serials
    from housing.reminders d
    join accounts.users u on u.id = d.user_id and u.email is not null
    join housing.apartments a on a.id = d.apartment_id
    join housing.residents r on r.apartment_id = a.id and r.user_id = u.id
    join housing.houses h on h.id = a.house_id
    cross join lateral (select string_agg(m.serial, ', ' order by m.kind, m.id) serials from ${missing(sql`d.month`)}) n
    where d.id = any(${jobs.map((j) => j.data.reminder_id)}::bigint[]) and n.serials is not null
      and d.created_at > now() - interval '5 days' and platform.wants_letter(u.id, 'housing.reminder')`.execute(
    platform.db,
  )
  return sendLetters(
    platform,
    jobs,
    (data) => data.reminder_id,
    rows,
    ({ id, address, number, month, window_to, serials }, locale) => ({
      key: `reminder-${id}`,
      subject: t(locale, 'housing.reminder.subject', { month }),
      paragraphs: [
        t(locale, 'housing.reminder.asks', { address, number, month, day: window_to }),
        t(locale, 'housing.reminder.meters', { serials }),
      ],
      button: { label: t(locale, 'housing.reminder.open'), url: `${config.PUBLIC_URL}/readings` },
    }),
  )
}
