import { sql } from 'kysely'
import { run, transaction } from '../platform/database.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Seed } from '../platform/module.ts'
import type { categories } from './schemas.ts'

type Category = (typeof categories)[number]
/** Things of a category, what is said of them, and their prices from and to, in roubles. */
type Range = { things: string[]; kinds: string[]; says: string[]; from: number; to: number }

const ranges: Record<Locale, Record<Category, Range>> = {
  ru: {
    electronics: {
      things: [
        'Чайник электрический',
        'Домофонная трубка',
        'Светильник с датчиком движения',
        'Роутер',
        'Видеоглазок',
        'Удлинитель',
        'Обогреватель',
        'Наушники беспроводные',
      ],
      kinds: ['Восход', 'Полюс', 'Искра', 'Вега', 'Нева', 'Север-2', 'Луч'],
      says: [
        'Гарантия год, обмен в правлении.',
        'Проверен при получении, коробка целая.',
        'Экономичный, подходит для подъезда и квартиры.',
      ],
      from: 690,
      to: 12_900,
    },
    clothing: {
      things: [
        'Футболка',
        'Худи',
        'Жилет светоотражающий',
        'Дождевик',
        'Шапка',
        'Варежки',
        'Фартук',
        'Носки шерстяные',
      ],
      kinds: ['«Наш двор»', '«Субботник»', 'детский размер', 'взрослый размер', 'с вышивкой', 'на зиму'],
      says: ['Хлопок, размеры от S до XXL.', 'Шьют в соседнем доме.', 'Для субботника и прогулок.'],
      from: 290,
      to: 3900,
    },
    books: {
      things: [
        'История нашего района',
        'Сказки для чтения вслух',
        'Садоводство на балконе',
        'Справочник собственника жилья',
        'Раскраска «Двор»',
        'Кулинарная тетрадь',
      ],
      kinds: ['издание 1', 'издание 2', 'подарочное издание', 'мягкая обложка', 'твёрдая обложка'],
      says: ['С фотографиями жителей.', 'Издано на средства дома.', 'Подойдёт детям от шести лет.'],
      from: 190,
      to: 1900,
    },
    home: {
      things: [
        'Кашпо',
        'Ёлочная гирлянда',
        'Коврик придверный',
        'Лейка',
        'Набор посуды',
        'Плед',
        'Фильтр для воды',
        'Ящик для рассады',
      ],
      kinds: ['большой размер', 'малый размер', 'зелёный цвет', 'белый цвет', 'в подарочной коробке'],
      says: ['Для дома и подъезда.', 'Прочный, моется водой.', 'Хорош в подарок.'],
      from: 240,
      to: 5400,
    },
    services: {
      things: [
        'Замена смесителя',
        'Поверка счётчика воды',
        'Настройка домофона',
        'Мытьё окон',
        'Вынос строительного мусора',
        'Выгул собаки',
      ],
      kinds: ['один визит', 'срочно', 'в выходной', 'с материалами'],
      says: ['Мастер придёт в согласованное время.', 'Цена за один визит.', 'Оплата после выполнения.'],
      from: 300,
      to: 4500,
    },
    other: {
      things: [
        'Ключ от домофона',
        'Пропуск на стоянку',
        'Пакеты для мусора',
        'Реагент противогололёдный',
        'Саженец липы',
        'Подарочная карта двора',
      ],
      kinds: ['1 шт.', '5 шт.', '10 шт.', 'комплект'],
      says: ['Получение в правлении.', 'По будням с 10 до 19.', 'Остаток уточняйте у дежурного.'],
      from: 90,
      to: 2500,
    },
  },
  en: {
    electronics: {
      things: ['Electric kettle', 'Door phone', 'Motion lamp', 'Router', 'Heater'],
      kinds: ['Vega', 'Polar', 'Spark'],
      says: ['One year of warranty.'],
      from: 690,
      to: 12_900,
    },
    clothing: {
      things: ['T-shirt', 'Hoodie', 'Raincoat', 'Woollen socks'],
      kinds: ['Our Yard', 'for children', 'warm'],
      says: ['Cotton, S to XXL.'],
      from: 290,
      to: 3900,
    },
    books: {
      things: ['History of our district', 'Tales to read aloud', 'A garden on the balcony'],
      kinds: ['paperback', 'hardback'],
      says: ['With photos of neighbours.'],
      from: 190,
      to: 1900,
    },
    home: {
      things: ['Flower pot', 'Door mat', 'Water filter', 'Plaid'],
      kinds: ['large', 'small', 'white'],
      says: ['For home and staircase.'],
      from: 240,
      to: 5400,
    },
    services: {
      things: ['Tap replacement', 'Window cleaning', 'Dog walking'],
      kinds: ['one visit', 'urgent'],
      says: ['Price for one visit.'],
      from: 300,
      to: 4500,
    },
    other: {
      things: ['Door key', 'Parking pass', 'Bin bags'],
      kinds: ['1 pc', '10 pcs'],
      says: ['Collect at the office.'],
      from: 90,
      to: 2500,
    },
  },
}

const chunk = 20_000

/**
 * Products by category and a year of orders of all statuses: the older, the further on their way. Each chunk of orders
 * is received into stock as it is sold, so what is left is what the product began with and every movement adds up.
 */
export const seed: Seed = {
  options: {
    products: { default: 200, meaning: 'products of the shop' },
    orders: { default: 1000, meaning: 'orders of them' },
  },
  async run({ db, pool }, { products = 0, orders = 0 }, { locale, seed, progress }) {
    // Its words take 25 MB, and a server that seeds nothing has no use for them.
    const { fakerEN, fakerRU } = await import('@faker-js/faker')
    const faker = locale === 'ru' ? fakerRU : fakerEN
    faker.seed(seed)
    const { rows: people } = await sql<{
      id: number
    }>`select id from accounts.users where is_active order by id limit 100000`.execute(db)
    if (!people.length) throw new Error('there is nobody to order: seed users first')
    const userIds = people.map((p) => p.id)

    const names = Object.keys(ranges[locale]) as Category[]
    const made = Array.from({ length: products }, (_, i) => {
      const category = names[i % names.length]!
      const { things, kinds, says, from, to } = ranges[locale][category]
      // Small prices are many, large ones few.
      const price = from + (to - from) * faker.number.float() ** 2
      return {
        category,
        name: `${faker.helpers.arrayElement(things)}, ${faker.helpers.arrayElement(kinds)}`,
        description: faker.helpers.arrayElement(says),
        price: `${Math.max(Math.round(price / 10) * 10, 10)}.00`,
        stock: faker.datatype.boolean(0.08) ? 0 : faker.number.int({ min: 1, max: 120 }),
        age: 400 * 86_400 - i,
      }
    })
    const column = (name: keyof (typeof made)[number]) => made.map((p) => p[name])
    const productIds: number[] = []
    if (made.length) {
      await transaction(db, async (tx) => {
        const { rows } = await sql<{ id: number }>`
          insert into shop.products (name, description, price, stock, category, created_at, updated_at)
          select a, d, p, s, c, now() - make_interval(secs => g), now() - make_interval(secs => g)
          from unnest(${column('name')}::text[], ${column('description')}::text[], ${column('price')}::numeric[],
            ${column('stock')}::int[], ${column('category')}::text[], ${column('age')}::int[]) with ordinality t(a, d, p, s, c, g, n)
          order by n returning id`.execute(tx)
        productIds.length = 0
        productIds.push(...rows.map((r) => r.id))
        await sql`
          insert into shop.stock_movements (product_id, kind, change, created_at)
          select id, 'initial', stock, created_at from shop.products where id = any(${productIds}::bigint[]) and stock > 0
          order by id`.execute(tx)
      })
      progress('products', products, products)
    }
    if (!productIds.length) return

    for (let done = 0; done < orders; done += chunk) {
      const last = Math.min(done + chunk, orders)
      await transaction(db, async (tx) => {
        // hashint8extended stands for a die that falls the same way for the same seed.
        const die = (n: string, shift: number) =>
          sql`abs(hashint8extended(${sql.raw(n)}, ${seed + shift}::bigint) % 1000000)`
        await sql`
          create temporary table seeded on commit drop as
          select n, nextval('shop.orders_id_seq') id, (${userIds}::bigint[])[1 + ${die('n', 0)} % ${userIds.length}] user_id,
            now() - make_interval(secs => 31536000 * (1 - n::float8 / ${orders + 1}::float8)) as at, ${die('n', 1)} d, 1 - n::float8 / ${orders + 1}::float8 as age
          from generate_series(${done + 1}::bigint, ${last}) n order by n`.execute(tx)
        // Lines: one to four different products, taken from a random place on.
        await sql`
          create temporary table seeded_lines on commit drop as
          select s.id order_id, l position, p.id product_id, p.name, p.price, 1 + (${die('s.n * 10 + l', 2)} % 3)::int quantity
          from seeded s cross join lateral generate_series(1, least(1 + (s.d % 4)::int, ${productIds.length}::int)) l
          join shop.products p on p.id = (${productIds}::bigint[])[1 + (${die('s.n', 3)} + l) % ${productIds.length}]`.execute(
          tx,
        )
        await sql`
          with staged as (
            select s.*, case
              when d % 100 < 9 then 'cancelled' when age > 0.06 then 'delivered' when age > 0.03 then 'shipped'
              when age > 0.012 then 'processing' else 'pending' end status
            from seeded s)
          insert into shop.orders (id, user_id, status, total_price, shipping, shipping_attempts, shipping_at, created_at, updated_at)
          overriding system value
          select s.id, s.user_id, s.status, t.total,
            case when s.status = 'shipped' and d % 10 = 5 then 'failed' when s.status in ('shipped', 'delivered') then 'delivered' end,
            case when s.status = 'shipped' and d % 10 = 5 then 4 when s.status in ('shipped', 'delivered') then 1 else 0 end,
            case when s.status in ('shipped', 'delivered') then at + interval '5 hours' end, at, least(at + interval '2 days', now())
          from staged s join (select order_id, sum(price * quantity) total from seeded_lines group by order_id) t on t.order_id = s.id
          order by s.n`.execute(tx)
        await sql`
          insert into shop.order_items (order_id, position, product_id, name, quantity, price_at_purchase)
          select order_id, position, product_id, name, quantity, price from seeded_lines order by order_id, position`.execute(
          tx,
        )
        await sql`
          insert into shop.order_events (order_id, event, detail, created_at)
          select o.id, e.event, e.detail::jsonb, least(o.created_at + e.after, now())
          from seeded s join shop.orders o using (id) cross join lateral (values
            (1, 'processing', '{}', interval '2 hours', o.status in ('processing', 'shipped', 'delivered')),
            (2, 'shipped', '{}', interval '5 hours', o.shipping is not null),
            (3, 'shipping_call', '{"attempt": 1, "reason": "status", "status": 502}', interval '5 hours 1 second', o.shipping = 'failed'),
            (4, 'shipping_call', '{"attempt": 2, "reason": "timeout"}', interval '5 hours 15 seconds', o.shipping = 'failed'),
            (5, 'shipping_call', '{"attempt": 3, "reason": "timeout"}', interval '5 hours 32 seconds', o.shipping = 'failed'),
            (6, 'shipping_failed', '{"attempt": 4, "reason": "unreachable"}', interval '5 hours 50 seconds', o.shipping = 'failed'),
            (7, 'shipping_delivered', '{"attempt": 1}', interval '5 hours 1 second', o.shipping = 'delivered'),
            (8, 'delivered', '{}', interval '2 days', o.status = 'delivered'),
            (9, 'cancelled', '{}', interval '3 hours', o.status = 'cancelled')) e(step, event, detail, after, holds)
          where e.holds order by o.id, e.step`.execute(tx)
        await sql`
          insert into shop.stock_movements (product_id, kind, change, created_at)
          select l.product_id, 'received', sum(l.quantity), min(o.created_at)
          from seeded_lines l join shop.orders o on o.id = l.order_id where o.status <> 'cancelled'
          group by l.product_id order by l.product_id`.execute(tx)
      })
      progress('orders', last, orders)
    }
    for (const table of ['products', 'orders', 'order_items', 'order_events', 'stock_movements'])
      await run(pool, `analyze shop.${table}`)
  },
}
