import { sql } from 'kysely'
import { formatsOf } from '../platform/formats.ts'
import type { Job } from '../platform/jobs.ts'
import { type Recipient, sendLetters } from '../platform/letters.ts'
import type { Platform } from '../platform/module.ts'

type Created = Recipient & { id: number; title: string; target_amount: string | null; ends_at: string }

/** Tells authors that their collect is open. */
export async function mailCreated(platform: Platform, jobs: Job<{ collect_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Created>`
    select c.id, c.title, c.target_amount, c.ends_at, u.id user_id, u.email, u.locale,
      u.email_confirmed_at is not null confirmed
    from collects.collects c join accounts.users u on u.id = c.author_id
    where c.id = any(${jobs.map((j) => j.data.collect_id)}::bigint[]) and u.email is not null`.execute(platform.db)
  return sendLetters(
    platform,
    jobs,
    (data) => data.collect_id,
    rows,
    ({ id, title, target_amount, ends_at }, locale) => {
      const { money, time } = formatsOf(platform, locale)
      const ends = time(ends_at)
      return {
        key: `collect-${id}`,
        subject: t(locale, 'collects.mail.created_subject', { title }),
        paragraphs: [
          target_amount
            ? t(locale, 'collects.mail.created_target', {
                title,
                amount: money(target_amount),
                ends,
              })
            : t(locale, 'collects.mail.created_open', { title, ends }),
          t(locale, 'collects.mail.created_share'),
        ],
        button: { label: t(locale, 'collects.mail.open'), url: `${config.PUBLIC_URL}/collects/${id}` },
      }
    },
  )
}

type Paid = Recipient & {
  id: number
  collect_id: number
  title: string
  amount: string
  is_anonymous: boolean
  transaction_id: string
}

/** Tells payers that their payment is in. */
export async function mailPayment(platform: Platform, jobs: Job<{ payment_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Paid>`
    select p.id, p.collect_id, p.amount, p.is_anonymous, p.transaction_id, c.title, u.id user_id, u.email, u.locale,
      u.email_confirmed_at is not null confirmed
    from collects.payments p join collects.collects c on c.id = p.collect_id join accounts.users u on u.id = p.payer_id
    where p.id = any(${jobs.map((j) => j.data.payment_id)}::bigint[]) and u.email is not null
      and platform.wants_letter(u.id, 'collects.payment')`.execute(platform.db)
  return sendLetters(
    platform,
    jobs,
    (data) => data.payment_id,
    rows,
    (row, locale) => {
      const amount = formatsOf(platform, locale).money(row.amount)
      return {
        key: `payment-${row.id}`,
        subject: t(locale, 'collects.mail.paid_subject', { amount, title: row.title }),
        paragraphs: [
          t(locale, 'collects.mail.paid', { amount, title: row.title }),
          ...(row.is_anonymous ? [t(locale, 'collects.mail.paid_anonymous')] : []),
          t(locale, 'collects.mail.paid_number', { number: row.transaction_id }),
        ],
        button: { label: t(locale, 'collects.mail.open'), url: `${config.PUBLIC_URL}/collects/${row.collect_id}` },
      }
    },
  )
}
