import { sql } from 'kysely'
import { Type } from 'typebox'
import { Ref } from '../http/schemas.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Home, HomeCard } from '../platform/module.ts'
import { columns } from './collects.ts'
import { organises } from './organisers.ts'
import { Collect } from './schemas.ts'

/** An organiser is told of the end of a collect so long before it. */
const endsSoon = sql`interval '7 days'`
const liveShown = 2

type Ending = {
  id: number
  title: string
  collected_amount: string
  target_amount: string | null
  ends_at: string
}

/** One's own collects that end soon, and a few that are under way. */
export const home: Home = {
  resident: {
    shape: {
      live_collects: Type.Array(Ref(Collect, 'Collect'), { description: 'Collects under way, those that end first' }),
    },
    async read(platform, user, locale) {
      const { db, translate: t } = platform
      const { money, day } = formatsOf(platform, locale)
      const ending = await sql<Ending>`
        select c.id, c.title, c.collected_amount, c.target_amount, c.ends_at from collects.collects c
        where c.closed_at is null and c.ends_at > now() and c.ends_at < now() + ${endsSoon} and ${organises(user)}
        order by c.ends_at, c.id limit 3`.execute(db)
      const live = await sql<Collect>`
        select ${sql.raw(columns)} from collects.collects c join accounts.users u on u.id = c.author_id
        where c.closed_at is null and c.ends_at > now() order by c.ends_at, c.id limit ${liveShown}`.execute(db)
      const cards = ending.rows.map(
        ({ id, title, collected_amount, target_amount, ends_at }): HomeCard => ({
          kind: 'collects.ends',
          title,
          text: target_amount
            ? t(locale, 'collects.home.ends_target', {
                date: day(ends_at),
                collected: money(collected_amount),
                target: money(target_amount),
              })
            : t(locale, 'collects.home.ends', { date: day(ends_at), collected: money(collected_amount) }),
          action: t(locale, 'collects.home.action'),
          path: `/collects/${id}`,
          due: ends_at,
        }),
      )
      return { cards, live_collects: live.rows }
    },
  },
}
