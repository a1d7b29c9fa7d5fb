import { sql } from 'kysely'
import { formatMoney, formatTime, type Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import type { Letter } from '../platform/mail.ts'
import type { Platform } from '../platform/module.ts'

type Person = { email: string; locale: Locale | null; user_id: number }

/** Sends each job its letter, if its row has one: somebody may have no address, or the row is gone. */
async function sendLetters<T>(platform: Platform, jobs: Job<T>[], letterOf: (job: Job<T>) => Letter | undefined) {
  // A letter that cannot be written fails its own job, not those that happen to share its batch.
  const letters = jobs.map((job) => {
    try {
      return letterOf(job)
    } catch (error) {
      return error as Error
    }
  })
  const there = letters.filter((l) => l !== undefined && !(l instanceof Error)) as Letter[]
  const errors = await platform.mail.send(there)
  const errorOf = new Map(there.map((letter, i) => [letter, errors[i]]))
  return letters.map((letter) => (letter instanceof Error ? letter : letter && errorOf.get(letter)))
}

/** Tells authors that their collect is open. */
export async function mailCreated(platform: Platform, jobs: Job<{ collect_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Person & { id: number; title: string; target_amount: string | null; ends_at: string }>`
    select c.id, c.title, c.target_amount, c.ends_at, u.id user_id, u.email, u.locale
    from collects.collects c join accounts.users u on u.id = c.author_id
    where c.id = any(${jobs.map((j) => j.data.collect_id)}::bigint[]) and u.email is not null`.execute(platform.db)
  const byId = new Map(rows.map((r) => [r.id, r]))
  return sendLetters(platform, jobs, ({ data }) => {
    const row = byId.get(data.collect_id)
    if (!row) return undefined
    const locale = row.locale ?? config.LOCALE
    const ends = formatTime(locale, row.ends_at, config.TIMEZONE)
    return {
      key: `collect-${row.id}`,
      to: row.email,
      userId: row.user_id,
      locale,
      subject: t(locale, 'collects.mail.created_subject', { title: row.title }),
      paragraphs: [
        row.target_amount
          ? t(locale, 'collects.mail.created_target', {
              title: row.title,
              amount: formatMoney(locale, row.target_amount, config.CURRENCY),
              ends,
            })
          : t(locale, 'collects.mail.created_open', { title: row.title, ends }),
        t(locale, 'collects.mail.created_share'),
      ],
      button: { label: t(locale, 'collects.mail.open'), url: `${config.PUBLIC_URL}/collects/${row.id}` },
    }
  })
}

/** Tells payers that their payment is in. */
export async function mailPayment(platform: Platform, jobs: Job<{ payment_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<
    Person & {
      id: number
      collect_id: number
      title: string
      amount: string
      is_anonymous: boolean
      transaction_id: string
    }
  >`
    select p.id, p.collect_id, p.amount, p.is_anonymous, p.transaction_id, c.title, u.id user_id, u.email, u.locale
    from collects.payments p join collects.collects c on c.id = p.collect_id join accounts.users u on u.id = p.payer_id
    where p.id = any(${jobs.map((j) => j.data.payment_id)}::bigint[]) and u.email is not null`.execute(platform.db)
  const byId = new Map(rows.map((r) => [r.id, r]))
  return sendLetters(platform, jobs, ({ data }) => {
    const row = byId.get(data.payment_id)
    if (!row) return undefined
    const locale = row.locale ?? config.LOCALE
    const amount = formatMoney(locale, row.amount, config.CURRENCY)
    return {
      key: `payment-${row.id}`,
      to: row.email,
      userId: row.user_id,
      locale,
      subject: t(locale, 'collects.mail.paid_subject', { amount, title: row.title }),
      paragraphs: [
        t(locale, 'collects.mail.paid', { amount, title: row.title }),
        ...(row.is_anonymous ? [t(locale, 'collects.mail.paid_anonymous')] : []),
        t(locale, 'collects.mail.paid_number', { number: row.transaction_id }),
      ],
      button: { label: t(locale, 'collects.mail.open'), url: `${config.PUBLIC_URL}/collects/${row.collect_id}` },
    }
  })
}
