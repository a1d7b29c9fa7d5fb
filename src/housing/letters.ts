import { sql } from 'kysely'
import { sqlOf, transaction } from '../platform/database.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { sendLetters } from '../platform/letters.ts'
import type { Platform } from '../platform/module.ts'
import { addNotifications } from '../platform/notifications.ts'
import { drawBill } from './paper.ts'

type Page = { run_id: number; after: [apartment: number, user: number] }
type Addressed = { bill_id: number; user_id: number }
type Billed = { apartment_id: number; month: string; to_pay: string; mailed: boolean }

/** Letters that one job adds; the rest of a run is the next job's. */
const pageSize = 500

/**
 * Tells each resident of a published run of their bill, a page of them, adds a letter for who has a confirmed address and
 * wants it, and a job for the next page. Run twice it adds them twice; their keys keep each from being sent twice.
 */
export async function addressBills({ db, jobs: queue }: Platform, jobs: Job<Page>[]): Promise<undefined[]> {
  for (const { data } of jobs) {
    await transaction(db, async (tx) => {
      const { rows } = await sql<Addressed & Billed>`
        select m.apartment_id, m.bill_id, u.id user_id, b.month, e.opening_balance + e.amount to_pay,
          u.email is not null and u.email_confirmed_at is not null
            and platform.wants_letter(u.id, 'housing.bill') mailed
        from housing.run_bills m join housing.residents r on r.apartment_id = m.apartment_id
        join accounts.users u on u.id = r.user_id
        join housing.bills b on b.id = m.bill_id join housing.entries e on e.bill_id = b.id
        where m.run_id = ${data.run_id} and (r.apartment_id, r.user_id) > (${data.after[0]}, ${data.after[1]})
        order by r.apartment_id, r.user_id limit ${pageSize}`.execute(tx)
      await queue.enqueue(
        tx,
        'housing.bill_letter',
        rows.flatMap(({ bill_id, user_id, mailed }) => (mailed ? [{ bill_id, user_id }] : [])),
      )
      await addNotifications(
        sqlOf(tx),
        rows.map(({ bill_id, user_id, month, to_pay }) => ({
          user_id,
          kind: 'housing.bill',
          key: `bill-${bill_id}`,
          path: `/bills/${bill_id}`,
          params: { month, amount: to_pay },
        })),
      )
      const last = rows.at(-1)
      if (last && rows.length === pageSize)
        await queue.enqueue(tx, 'housing.letters', [{ ...data, after: [last.apartment_id, last.user_id] }])
    })
  }
  return jobs.map(() => undefined)
}

type Row = {
  id: number
  bill_id: number
  user_id: number
  email: string
  confirmed: boolean
  locale: Locale | null
  number: string
  address: string
  month: string
  to_pay: string
}

/** Mails published bills, each with its PDF. */
export async function mailBills(platform: Platform, jobs: Job<Addressed>[]): Promise<(Error | undefined)[]> {
  const { config, translate: t } = platform
  const { rows } = await sql<Row>`
    select n id, b.id bill_id, u.id user_id, u.email, true confirmed, u.locale, a.number, h.address, b.month, e.opening_balance + e.amount to_pay
    from unnest(${jobs.map((j) => j.data.bill_id)}::bigint[], ${jobs.map((j) => j.data.user_id)}::bigint[])
      with ordinality as j(bill_id, user_id, n)
    join housing.bills b on b.id = j.bill_id join housing.entries e on e.bill_id = b.id
    join housing.apartments a on a.id = b.apartment_id join housing.houses h on h.id = a.house_id
    join housing.residents r on r.apartment_id = a.id and r.user_id = j.user_id
    join accounts.users u on u.id = r.user_id
    where u.email is not null and u.email_confirmed_at is not null`.execute(platform.db)
  const places = new Map(jobs.map((job, i) => [job.data, i + 1]))
  return sendLetters(
    platform,
    jobs,
    (data) => places.get(data)!,
    rows,
    async (row, locale) => {
      const month = formatsOf(platform, locale).month(row.month)
      const sum = formatsOf(platform, locale).money(row.to_pay)
      return {
        key: `bill-${row.bill_id}-${row.user_id}`,
        subject: t(locale, 'housing.mail.bill_subject', { month }),
        paragraphs: [
          t(locale, 'housing.mail.bill', { month, number: row.number, address: row.address, sum }),
          t(locale, 'housing.mail.bill_attached'),
        ],
        button: { label: t(locale, 'housing.mail.bill_open'), url: `${config.PUBLIC_URL}/bills/${row.bill_id}` },
        attachments: [
          {
            filename: `bill-${row.month.slice(0, 7)}.pdf`,
            content: await drawBill(platform, row.bill_id, locale),
            contentType: 'application/pdf',
          },
        ],
      }
    },
  )
}
