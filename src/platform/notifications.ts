import type { RunSql } from './database.ts'
import { formatsOf } from './formats.ts'
import type { Locale } from './i18n.ts'
import type { Platform } from './module.ts'

/** What somebody is told: worded by its kind and params when it is shown, and leading to a page of the web app. */
export type Notification = {
  user_id: number
  kind: string
  /** Of one kind and key a person is told once. */
  key: string
  path: string
  /** `amount` is money and `month` a month; `context` chooses among the words of a kind. */
  params?: Record<string, string | number>
}

/** Tells people in the transaction of what they are told of; who was told already is not told again. */
export async function addNotifications(sql: RunSql, told: Notification[]): Promise<void> {
  if (!told.length) return
  await sql(
    `insert into platform.notifications (user_id, kind, key, path, params)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[]) t(user_id, kind, key, path, params)
     order by user_id, kind, key on conflict do nothing`,
    [
      told.map((n) => n.user_id),
      told.map((n) => n.kind),
      told.map((n) => n.key),
      told.map((n) => n.path),
      told.map((n) => JSON.stringify(n.params ?? {})),
    ],
  )
}

/** What a notification says, in a language. */
export function wordNotification(
  platform: Platform,
  locale: Locale,
  { kind, params }: { kind: string; params: Record<string, string | number> },
): string {
  const { money, month } = formatsOf(platform, locale)
  return platform.translate(locale, kind.replace('.', '.notification.'), {
    ...params,
    ...(params.amount === undefined ? {} : { amount: money(params.amount) }),
    ...(params.month === undefined ? {} : { month: month(String(params.month)) }),
  })
}

/** What a kind of letters is called where people choose among them. */
export const wordLetterKind = ({ translate }: Platform, locale: Locale, kind: string): string =>
  translate(locale, kind.replace('.', '.letter_kind.'))
