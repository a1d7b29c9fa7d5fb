import { sql } from 'kysely'
import { Type } from 'typebox'
import { Money, Month } from '../http/schemas.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Home, HomeCard } from '../platform/module.ts'
import { missing } from './reminders.ts'

type Owed = { bill_id: number; month: string; balance: string; due: string; address: string; number: string }
type Asked = { apartment_id: number; days: number; due: string; address: string; number: string }

/** A month is paid by this day of the next one, in the zone of the house (decision 92). */
const dueDay = 15

/** What flats owe, the readings that they are asked for, and what was charged and paid in twelve months. */
export const home: Home = {
  resident: {
    shape: {
      months: Type.Array(Type.Object({ month: Month, billed: Money, paid: Money }), {
        description: 'The last twelve months of all flats of the caller, the oldest first; empty without a flat',
      }),
    },
    async read(platform, user, locale) {
      const { db, translate: t } = platform
      const { money, month, day } = formatsOf(platform, locale)
      const flats = sql`housing.residents r join housing.apartments a on a.id = r.apartment_id
        join housing.houses h on h.id = a.house_id`
      const owed = await sql<Owed>`
        select b.id bill_id, b.month, a.balance, h.address, a.number,
          (b.month + interval '1 month' + make_interval(days => ${dueDay})) at time zone h.timezone - interval '1 second' due
        from ${flats}
        cross join lateral (
          select b.id, b.month from housing.entries e join housing.bills b on b.id = e.bill_id
          where e.apartment_id = a.id order by e.id desc limit 1) b
        where r.user_id = ${user.id} and a.balance > 0 order by due, a.id`.execute(db)
      const asked = await sql<Asked>`
        select a.id apartment_id, h.window_to - extract(day from l.time)::int + 1 days, h.address, a.number,
          (date_trunc('month', l.time) + make_interval(days => h.window_to)) at time zone h.timezone - interval '1 second' due
        from ${flats}
        cross join lateral (select now() at time zone h.timezone as time) l
        where r.user_id = ${user.id} and extract(day from l.time) between h.window_from and h.window_to
          and (a.ended_on is null or a.ended_on >= l.time::date)
          and exists (select from ${missing(sql`date_trunc('month', l.time)::date`)})
        order by a.id`.execute(db)
      const months = await sql<{ month: string; billed: string; paid: string }>`
        select to_char(m.month, 'YYYY-MM') as month,
          coalesce(sum(e.amount) filter (where e.bill_id is not null), 0)::numeric(18, 2) billed,
          coalesce(-sum(e.amount) filter (where e.payment_id is not null), 0)::numeric(18, 2) paid
        from generate_series(date_trunc('month', now()) - interval '11 months', date_trunc('month', now()), '1 month') m(month)
        left join (
          select e.*, date_trunc('month', coalesce(p.paid_on, e.at::date)) as month
          from housing.residents r join housing.entries e on e.apartment_id = r.apartment_id
          left join housing.payments p on p.id = e.payment_id
          where r.user_id = ${user.id}) e on e.month = m.month
        where exists (select from housing.residents where user_id = ${user.id})
        group by m.month order by m.month`.execute(db)
      const cards = [
        ...owed.rows.map(
          ({ bill_id, balance, due, ...row }): HomeCard => ({
            kind: 'housing.bill',
            title: t(locale, 'housing.home.bill', { month: month(row.month) }),
            text: t(locale, 'housing.home.bill_text', { ...row, sum: money(balance), date: day(due) }),
            action: t(locale, 'housing.home.bill_action'),
            path: `/bills/${bill_id}`,
            due,
          }),
        ),
        ...asked.rows.map(
          ({ apartment_id, days, due, ...row }): HomeCard => ({
            kind: 'housing.readings',
            title: t(locale, 'housing.home.readings'),
            text: t(locale, 'housing.home.readings_text', { ...row, count: days }),
            action: t(locale, 'housing.home.readings_action'),
            path: `/flat/${apartment_id}/readings`,
            due,
          }),
        ),
      ]
      return { cards, months: months.rows }
    },
  },
}
