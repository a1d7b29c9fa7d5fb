import { sql } from 'kysely'
import { transaction } from '../platform/database.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { type Letter, sendLetters } from '../platform/letters.ts'
import type { Platform } from '../platform/module.ts'
import { summed } from './counters.ts'
import type { Counts } from './schemas.ts'
import { mailingsSettings } from './settings.ts'

/** From this hour of the installation's day the letter goes. */
const hour = 8
/** A letter tells of so many mailings at most. */
const mostMailings = 30

/**
 * Has the statistics of the day before mailed to STATS_MAIL_TO, once a day from eight in the morning on, late where nobody
 * was there at eight. The day and its job are one transaction. `at` stands for the time.
 */
export async function askDailyLetter(
  platform: Platform,
  _signal: AbortSignal,
  at: string | null = null,
): Promise<void> {
  const { config, db, jobs } = platform
  if (!mailingsSettings(platform).STATS_MAIL_TO) return
  await transaction(db, async (tx) => {
    const { rows } = await sql<{ letter_id: number }>`
      insert into mailings.daily_letters (day)
      select time::date from (select coalesce(${at}::timestamptz, now()) at time zone ${config.TIMEZONE} as time) l
      where extract(hour from time) >= ${hour}
      on conflict (day) do nothing returning id letter_id`.execute(tx)
    await jobs.enqueue(tx, 'mailings.statistics', rows)
  })
}

type Told = { id: number; text: string; status: string; counts: Counts }
type Day = { id: number; day: string; sent: number; error: number; mailings: Told[] }

/** Writes each letter from the figures as they are, of the mailings that did something on the day before its own. */
export async function mailStatistics(platform: Platform, jobs: Job<{ letter_id: number }>[]) {
  const { config, db } = platform
  const { rows } = await sql<Day>`
    with days as (
      select id, (day - 1)::timestamp at time zone ${config.TIMEZONE} as begins, day::timestamp at time zone ${config.TIMEZONE} as ends
      from mailings.daily_letters where id = any(${jobs.map((job) => job.data.letter_id)}::bigint[]))
    select d.id, d.begins as day, m.*, l.mailings
    from days d
    cross join lateral (
      select coalesce(sum(sent), 0) sent, coalesce(sum(error), 0) error from mailings.minutes
      where at >= d.begins and at < d.ends) m
    cross join lateral (
      select coalesce(jsonb_agg(t), '[]') mailings from (
        select id, left(text, 40) as text, status, (select ${summed} from mailings.counters where mailing_id = a.id) counts
        from mailings.mailings a where started_at < d.ends and (finished_at is null or finished_at >= d.begins)
        order by id desc limit ${mostMailings}) t) l`.execute(db)
  const to = mailingsSettings(platform).STATS_MAIL_TO
  const recipient = { email: to, locale: null, user_id: null, confirmed: true } as const
  return sendLetters(
    platform,
    jobs,
    (data) => data.letter_id,
    to ? rows.map((row) => ({ ...row, ...recipient })) : [],
    (row, locale) => letterOf(platform, row, locale),
  )
}

const columns = ['mailing', 'total', 'sent', 'error', 'expired', 'processing'] as const

function letterOf(platform: Platform, { id, day, sent, error, mailings }: Day, locale: Locale): Letter {
  const { config, translate } = platform
  const t = (code: string, params?: object) => translate(locale, `mailings.daily.${code}`, { ...params })
  const { day: dayOf, quantity } = formatsOf(platform, locale)
  const on = dayOf(day)
  const rows = mailings.map(({ id, text, counts }) => [
    `№ ${id}. ${text}`,
    ...columns.slice(1).map((name) => quantity(counts[name as keyof Counts])),
  ])
  return {
    key: `mailing-statistics-${id}`,
    subject: t('subject', { day: on }),
    paragraphs: [
      t('moved', { day: on, sent: quantity(sent), error: quantity(error) }),
      t(rows.length ? 'mailings' : 'none'),
    ],
    ...(rows.length ? { table: { head: columns.map((name) => t(name)), rows } } : {}),
    button: { label: t('open'), url: `${config.PUBLIC_URL}/mailings` },
  }
}
