import { sql } from 'kysely'
import { run, transaction } from '../platform/database.ts'
import type { Seed } from '../platform/module.ts'
import { occasions } from './schemas.ts'
import { seedWords } from './seed-words.ts'

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
    // Its words take 25 MB, and a server that seeds nothing has no use for them.
    const { fakerEN, fakerRU } = await import('@faker-js/faker')
    const faker = locale === 'ru' ? fakerRU : fakerEN
    faker.seed(seed)
    const { rows: people } = await sql<{
      id: number
    }>`select id from accounts.users where is_active order by id limit 100000`.execute(db)
    if (!people.length) throw new Error('there is nobody to give: seed users first')
    const userIds = people.map((p) => p.id)
    const words = seedWords[locale]
    const comments = JSON.stringify(Object.fromEntries(occasions.map((o) => [o, words[o].comments])))
    const day = 86_400

    const made = Array.from({ length: collects }, (_, i) => {
      // The oldest begins 300 days ago, the newest today; half of them within the last five weeks.
      const age = Math.round(300 * (1 - i / collects) ** 3 * day)
      const begins = new Date(Date.now() - age * 1000)
      const drawn = faker.helpers.arrayElement(occasions)
      // Nobody collects for New Year in spring.
      const occasion = drawn === 'new_year' && begins.getMonth() < 9 ? 'yard' : drawn
      const { themes, days, aim } = words[occasion]
      const holiday = Date.UTC(begins.getUTCFullYear(), 11, 31, 12)
      const year = new Date(holiday).getUTCFullYear() + 1
      const theme = faker.helpers.arrayElement(themes)
      const ran = faker.number.int({ min: days[0], max: days[1] }) * day
      return {
        author: faker.helpers.arrayElement(userIds),
        occasion,
        title: theme.title
          .replace('{name}', faker.person.firstName('female'))
          .replace('{other}', faker.person.firstName('male'))
          .replace('{year}', String(year)),
        description: theme.description,
        aim: aim ?? (faker.datatype.boolean(0.4) ? 30_000 : null),
        age,
        lasts: occasion === 'new_year' ? Math.max(day, Math.round((holiday - begins.getTime()) / 1000)) : ran,
      }
    })
    const column = (name: keyof (typeof made)[number]) => made.map((c) => c[name])
    const collectIds: number[] = []
    if (made.length) {
      const { rows } = await sql<{ id: number }>`
        insert into collects.collects (author_id, occasion, title, description, target_amount, created_at, updated_at, ends_at)
        select a, o, t, d, g, now() - make_interval(secs => s), now() - make_interval(secs => s), now() + make_interval(secs => l - s)
        from unnest(${column('author')}::bigint[], ${column('occasion')}::text[], ${column('title')}::text[], ${column('description')}::text[],
          ${column('aim')}::numeric[], ${column('age')}::bigint[], ${column('lasts')}::bigint[]) with ordinality u(a, o, t, d, g, s, l, n)
        order by n returning id`.execute(db)
      collectIds.push(...rows.map((r) => r.id))
      progress('collects', collects, collects)
    }
    if (!collectIds.length) return

    for (let done = 0; done < payments; done += chunk) {
      const last = Math.min(done + chunk, payments)
      await transaction(db, async (tx) => {
        // hashint8extended stands for a die that falls the same way for the same seed. Payments of a collect come from its
        // beginning to its end, or to now, in the order of their numbers.
        await sql`
          with dice as (
            select n, floor(${collectIds.length} * power((n - 1)::float8 / ${payments}, 1.3))::int place,
              abs(hashint8extended(n, ${seed}) % 1000000) a, abs(hashint8extended(n, ${seed} + 1) % 1000000) b,
              abs(hashint8extended(n, ${seed} + 2) % 1000000) c
            from generate_series(${done + 1}::bigint, ${last}) n),
          placed as (
            select *, ${payments} * power(place::float8 / ${collectIds.length}, 1 / 1.3) first,
              ${payments} * power((place + 1)::float8 / ${collectIds.length}, 1 / 1.3) next from dice)
          insert into collects.payments (collect_id, payer_id, amount, transaction_id, comment, is_anonymous, created_at)
          select k.id, (${userIds}::bigint[])[1 + a % ${userIds.length}],
            case when b < 500000 then 50 * (1 + c % 10) when b < 800000 then 500 + 100 * (c % 15)
              when b < 950000 then 2000 + 500 * (c % 16)
              -- A present is given by neighbours, a playground also by the baker on the corner.
              when k.occasion in ('birthday', 'wedding', 'other') then 10000 + 500 * (c % 11) else 10000 + 1000 * (c % 41) end,
            'seed-' || ${collectIds[0]}::bigint || '-' || n,
            case when c % 3 = 0 then words ->> (a % jsonb_array_length(words))::int else '' end, a % 7 = 0,
            k.created_at + (least(now(), k.ends_at) - k.created_at) * least(1, greatest(0, (n - first) / (next - first + 1)))
          from placed d join collects.collects k on k.id = (${collectIds}::bigint[])[1 + d.place]
          cross join lateral (select ${comments}::jsonb -> k.occasion words) w order by n`.execute(tx)
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
    // Whoever names a sum names one that their neighbours can reach: what came in is a third of it, or all and a little more.
    await sql`
      update collects.collects set target_amount = greatest(target_amount,
        ceil(collected_amount / (0.35 + abs(hashint8extended(id - ${collectIds[0]}::bigint, ${seed}) % 75) / 100.0) / 5000) * 5000)
      where target_amount is not null and id = any(${collectIds}::bigint[])`.execute(db)
    await run(pool, 'analyze collects.payments')
    await run(pool, 'analyze collects.collects')
  },
}
