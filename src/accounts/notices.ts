import { sql } from 'kysely'
import type { Tx } from '../platform/database.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { sendLetters } from '../platform/letters.ts'
import type { Platform } from '../platform/module.ts'
import { sendText } from './sms.ts'

type Change = 'email' | 'phone' | 'password' | 'login'
/** How a person was reached before the change. */
export type Reached = {
  id: number
  email: string | null
  email_confirmed_at: string | null
  phone: string | null
  locale: string | null
}

/**
 * Tells the owner of an account of a change, where they were reached before it: of another address by a letter to the old
 * one, or by SMS where there was none; of another number by SMS to the old one and by letter; of another password by
 * letter; of a login from a new device by letter. Sent when the transaction commits.
 */
export async function tellOwner(
  platform: Platform,
  tx: Tx,
  change: Change,
  owner: Reached,
  login_id: number | null = null,
): Promise<void> {
  const { email, phone } = owner
  const byPhone = change === 'phone' || (change === 'email' && !email)
  const confirmed = owner.email_confirmed_at !== null
  const receivers = [...(email ? [{ email, confirmed }] : []), ...(phone && byPhone ? [{ phone }] : [])]
  if (!receivers.length) return
  const locale = owner.locale ?? platform.config.LOCALE
  const rows = await tx
    .insertInto('accounts.notices')
    .values(receivers.map((receiver) => ({ user_id: owner.id, change, login_id, locale, ...receiver })))
    .returning('id')
    .execute()
  await platform.jobs.enqueue(
    tx,
    'accounts.notices',
    rows.map(({ id }) => ({ notice_id: id })),
  )
}

type Notice = {
  id: number
  user_id: number
  change: Change
  email: string | null
  confirmed: boolean
  phone: string | null
  locale: Locale
  device: string | null
  address: string | null
  at: string | null
}

/** Sends notices, each by letter or SMS. */
export async function sendNotices(platform: Platform, jobs: Job<{ notice_id: number }>[]) {
  const { db, config, translate: t } = platform
  const { rows } = await sql<Notice>`
    select n.id, n.user_id, n.change, n.email, n.confirmed, n.phone, n.locale, l.device, l.address,
      to_char(l.created_at at time zone ${config.TIMEZONE}, 'DD.MM.YYYY HH24:MI') at
    from accounts.notices n left join accounts.logins l on l.id = n.login_id
    where n.id = any(${jobs.map((j) => j.data.notice_id)}::bigint[])`.execute(db)
  const noticeOf = new Map(rows.map((row) => [row.id, row]))
  const letters = rows.filter((row): row is Notice & { email: string } => row.email !== null)
  const faults = await sendLetters(
    platform,
    jobs,
    (data) => data.notice_id,
    letters,
    ({ id, change, device, address, at }, locale) => ({
      key: `notice-${id}`,
      subject: t(locale, `accounts.notice.${change}_subject`),
      paragraphs: [
        t(locale, `accounts.notice.${change}`, { device: device ?? '?', address, at }),
        t(locale, 'accounts.notice.not_you'),
      ],
      button: { label: t(locale, 'accounts.notice.button'), url: `${config.PUBLIC_URL}/forgot-password` },
    }),
  )
  return Promise.all(
    jobs.map(async ({ data: { notice_id: id }, signal }, i) => {
      const { phone, change, locale } = noticeOf.get(id) ?? {}
      if (!phone) return faults[i]
      const text = t(locale!, `accounts.notice.${change}_sms`, { host: new URL(config.PUBLIC_URL).hostname })
      return sendText(platform, { id, key: `notice-${id}`, to: phone, text }, signal).catch((error: Error) => error)
    }),
  )
}

/** Notices go after a month, and with them addresses and numbers that are no longer anybody's here. */
export async function sweepNotices({ db }: Platform): Promise<void> {
  await sql`delete from accounts.notices where created_at < now() - interval '30 days'`.execute(db)
}
