import { sql } from 'kysely'
import { formatsOf } from '../platform/formats.ts'
import type { Home } from '../platform/module.ts'
import type { OrderStatus } from './schemas.ts'

/** One's own orders that are on their way. */
export const home: Home = {
  resident: {
    shape: {},
    async read(platform, user, locale) {
      const { db, translate: t } = platform
      const { rows } = await sql<{ id: number; status: OrderStatus; total_price: string }>`
        select id, status, total_price from shop.orders
        where user_id = ${user.id} and status in ('pending', 'processing', 'shipped')
        order by created_at desc, id desc limit 3`.execute(db)
      const { money } = formatsOf(platform, locale)
      const cards = rows.map(({ id, status, total_price }) => ({
        kind: 'shop.order',
        title: t(locale, 'shop.home.title', { number: id }),
        text: t(locale, 'shop.home.text', { status: t(locale, `shop.status.${status}`), total: money(total_price) }),
        action: t(locale, 'shop.home.action'),
        path: `/orders/${id}`,
        due: null,
      }))
      return { cards }
    },
  },
}
