import { fakerEN, fakerRU } from '@faker-js/faker'
import { sql } from 'kysely'
import { run, transaction } from '../platform/database.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Seed } from '../platform/module.ts'
import { occasions } from './schemas.ts'

type Occasion = (typeof occasions)[number]
type Words = Record<Occasion, { titles: string[]; descriptions: string[] }>

const words: Record<Locale, { collects: Words; comments: string[] }> = {
  ru: {
    collects: {
      birthday: {
        titles: ['День рождения: {name}', 'Подарок на юбилей — {name}', 'Поздравим {name} всем домом'],
        descriptions: [
          'Собираем на общий подарок и торт. Вручим в субботу во дворе.',
          'Давно мечтает о хорошем велосипеде. Давайте подарим вместе!',
        ],
      },
      wedding: {
        titles: ['Свадьба в третьем подъезде: {name}', 'Молодожёнам от соседей — {name}'],
        descriptions: [
          'Наши соседи женятся! Собираем на подарок и украшение подъезда.',
          'Пусть первая семейная покупка будет от всего дома.',
        ],
      },
      new_year: {
        titles: ['Ёлка во дворе {year}', 'Новогодний праздник для детей {year}', 'Гирлянды на фасад к {year} году'],
        descriptions: [
          'Живая ёлка, горячий чай и Дед Мороз для самых маленьких.',
          'Сладкие подарки всем детям дома и украшения на деревья.',
        ],
      },
      funeral: {
        titles: ['Помощь семье соседа — {name}', 'Памяти {name}'],
        descriptions: [
          'В семье горе. Поможем с расходами, кто сколько может.',
          'Светлая память. Собираем на венок и помощь близким.',
        ],
      },
      charity: {
        titles: ['Лечение для {name}', 'Приют «Верный друг»: корм на зиму', 'Собираем портфели к школе'],
        descriptions: [
          'Каждый рубль приближает операцию. Отчёт о тратах выложим здесь.',
          'Корм, подстилки и лекарства для сорока хвостов.',
        ],
      },
      yard: {
        titles: [
          'Скамейки у второго подъезда',
          'Новая детская площадка',
          'Шлагбаум и камеры',
          'Цветник вместо пустыря',
          'Велопарковка у дома',
        ],
        descriptions: [
          'Смета и договор — у старшего по дому. Работы начнём, как соберём половину.',
          'Решили на общем собрании. Остаток пойдёт на уход весной.',
        ],
      },
      other: {
        titles: ['Стол для настольного тенниса', 'Книги в общую библиотеку', 'Кофе и печенье на субботник'],
        descriptions: ['Небольшое дело, которое порадует всех.', 'Если соберём больше — купим про запас.'],
      },
    },
    comments: [
      'С соседским приветом!',
      'Спасибо, что организовали',
      'Чем могу',
      'От 45-й квартиры',
      'Отличная затея',
      'Всех с наступающим!',
    ],
  },
  en: {
    collects: {
      birthday: {
        titles: ['Birthday of {name}', 'A jubilee present for {name}'],
        descriptions: ['A present and a cake from all of us.'],
      },
      wedding: {
        titles: ['Wedding in the third entrance: {name}'],
        descriptions: ['Our neighbours marry! For a present and decorations.'],
      },
      new_year: {
        titles: ['A tree in the courtyard {year}', 'New Year party for children {year}'],
        descriptions: ['A living tree, hot tea and presents for the small ones.'],
      },
      funeral: {
        titles: ['Help for the family of {name}'],
        descriptions: ['Let us help with the costs, each as they can.'],
      },
      charity: {
        titles: ['Treatment for {name}', 'Food for the animal shelter'],
        descriptions: ['Every bit helps. We report here how it is spent.'],
      },
      yard: {
        titles: ['Benches at the second entrance', 'A new playground', 'Bicycle stands'],
        descriptions: ['Agreed at the meeting of residents. Work begins at half the sum.'],
      },
      other: {
        titles: ['A table-tennis table', 'Books for the common library'],
        descriptions: ['A small thing that pleases everybody.'],
      },
    },
    comments: ['Greetings from next door!', 'Thank you for organising', 'What I can', 'From flat 45', 'Great idea'],
  },
}

const chunk = 20_000

/**
 * Collects by occasion and payments to them, weighted 50 % small, 30 % medium, 15 % large, 5 % very large.
 * Payments come in the order of time and of their collects, so each chunk with its totals is one transaction.
 */
export const seed: Seed = {
  options: {
    collects: { default: 100, meaning: 'group collections' },
    payments: { default: 5000, meaning: 'payments to them' },
  },
  async run({ db, pool }, { collects = 0, payments = 0 }, { locale, seed, progress }) {
    const faker = locale === 'ru' ? fakerRU : fakerEN
    faker.seed(seed)
    const { rows: people } = await sql<{
      id: number
    }>`select id from accounts.users where is_active order by id limit 100000`.execute(db)
    if (!people.length) throw new Error('there is nobody to give: seed users first')
    const userIds = people.map((p) => p.id)
    const { collects: texts, comments } = words[locale]

    const made = Array.from({ length: collects }, (_, i) => {
      const occasion = faker.helpers.arrayElement(occasions)
      const fill = (text: string) =>
        text.replace('{name}', faker.person.firstName()).replace('{year}', String(new Date().getFullYear() + 1))
      return {
        author: faker.helpers.arrayElement(userIds),
        occasion,
        title: fill(faker.helpers.arrayElement(texts[occasion].titles)),
        description: faker.helpers.arrayElement(texts[occasion].descriptions),
        target: faker.datatype.boolean(0.8) ? `${faker.number.int({ min: 10, max: 400 })}000.00` : null,
        // The oldest begins 300 days ago, the newest today; most are still open.
        age: Math.round(300 * (1 - i / collects) * 86_400),
        lasts: faker.number.int({ min: 20, max: 400 }) * 86_400,
      }
    })
    const column = (name: keyof (typeof made)[number]) => made.map((c) => c[name])
    const collectIds: number[] = []
    if (made.length) {
      const { rows } = await sql<{ id: number }>`
        insert into collects.collects (author_id, occasion, title, description, target_amount, created_at, updated_at, ends_at)
        select a, o, t, d, g, now() - make_interval(secs => s), now() - make_interval(secs => s), now() + make_interval(secs => l - s)
        from unnest(${column('author')}::bigint[], ${column('occasion')}::text[], ${column('title')}::text[], ${column('description')}::text[],
          ${column('target')}::numeric[], ${column('age')}::bigint[], ${column('lasts')}::bigint[]) with ordinality u(a, o, t, d, g, s, l, n)
        order by n returning id`.execute(db)
      collectIds.push(...rows.map((r) => r.id))
      progress('collects', collects, collects)
    }
    if (!collectIds.length) return

    for (let done = 0; done < payments; done += chunk) {
      const last = Math.min(done + chunk, payments)
      await transaction(db, async (tx) => {
        // hashint8extended stands for a die that falls the same way for the same seed.
        await sql`
          with dice as (
            select n, (${collectIds}::bigint[])[1 + floor(${collectIds.length} * power((n - 1)::float8 / ${payments}, 1.3))::int] collect_id,
              abs(hashint8extended(n, ${seed}) % 1000000) a, abs(hashint8extended(n, ${seed} + 1) % 1000000) b,
              abs(hashint8extended(n, ${seed} + 2) % 1000000) c
            from generate_series(${done + 1}::bigint, ${last}) n)
          insert into collects.payments (collect_id, payer_id, amount, transaction_id, comment, is_anonymous, created_at)
          select d.collect_id, (${userIds}::bigint[])[1 + a % ${userIds.length}],
            case when b < 500000 then 50 * (1 + c % 10) when b < 800000 then 500 + 100 * (c % 15)
              when b < 950000 then 2000 + 500 * (c % 16) else 10000 + 1000 * (c % 41) end,
            'seed-' || ${collectIds[0]}::bigint || '-' || n,
            case when c % 3 = 0 then (${comments}::text[])[1 + a % ${comments.length}] else '' end, a % 7 = 0,
            k.created_at + (least(now(), k.ends_at) - k.created_at) * (n::float8 / ${payments + 1})
          from dice d join collects.collects k on k.id = d.collect_id order by n`.execute(tx)
        await sql`
          update collects.collects c set collected_amount = p.amount, payments_count = p.payments, donors_count = p.donors
          from (select collect_id, sum(amount) amount, count(*) payments, count(distinct payer_id) donors from collects.payments
                where status = 'completed' and collect_id = any(
                  (${collectIds}::bigint[])[1 + floor(${collectIds.length} * power(${done}::float8 / ${payments}, 1.3))::int
                    : 1 + floor(${collectIds.length} * power(${last - 1}::float8 / ${payments}, 1.3))::int])
                group by collect_id) p
          where c.id = p.collect_id`.execute(tx)
      })
      progress('payments', last, payments)
    }
    await run(pool, 'analyze collects.payments')
    await run(pool, 'analyze collects.collects')
  },
}
