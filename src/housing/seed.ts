import { sql } from 'kysely'
import { run, type Tx, transaction } from '../platform/database.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform, Seed } from '../platform/module.ts'

const streets: Record<Locale, { city: string; names: string[] }> = {
  ru: {
    city: 'г. Дворск, ',
    names: [
      'ул. Садовая, ',
      'ул. Лесная, ',
      'пр-т Мира, ',
      'ул. Школьная, ',
      'пер. Тихий, ',
      'ул. Речная, ',
      'Заводской пр-д, ',
      'ул. Победы, ',
    ],
  },
  en: { city: 'Dvorsk, ', names: ['Garden St ', 'Forest St ', 'Peace Ave ', 'School St ', 'Quiet Ln ', 'River St '] },
}
/** Prices of all houses: service, and then its price from January two years ago and from last July. */
const prices = [
  ['cold_water', '46.12', '50.93'],
  ['hot_water', '218.70', '243.16'],
  ['maintenance', '29.80', '32.14'],
]
const chunk = 2000

/** A die of a million sides that falls the same way for the same seed. */
const die = (of: string, shift: number) => sql`abs(hashint8extended(${sql.raw(of)}, ${shift}::bigint) % 1000000)`

/** Adds general tariffs where there are none. */
async function addTariffs(tx: Tx): Promise<void> {
  await sql`
    insert into housing.tariffs (service, price, valid_from)
    select service, price, valid_from from unnest(${prices.map((p) => p[0])}::text[], ${prices.map((p) => p[1])}::numeric[],
        ${prices.map((p) => p[2])}::numeric[]) t(service, old, new)
      cross join lateral (values
        (old, (date_trunc('year', now()) - interval '2 years')::date),
        (new, (date_trunc('year', now() - interval '6 months') + interval '6 months')::date)) v(price, valid_from)
    where not exists (select from housing.tariffs where house_id is null)`.execute(tx)
}

/**
 * Flats numbered from `from` to `to` of all, dealt to the houses in turn, each with two meters and their readings of so
 * many months up to the last one; of that one each thirtieth is missing.
 */
async function addFlats(tx: Tx, houses: number[], from: number, to: number, months: number, seed: number) {
  await sql`
    create temporary table seeded on commit drop as
    select nextval('housing.apartments_id_seq') id, h.id house_id, (n - 1) / ${houses.length}::bigint + 1 as number,
      28 + ${die('n', seed)} % 620 / 10.0 area
    from generate_series(${from}::bigint, ${to}::bigint) n
    join unnest(${houses}::bigint[]) with ordinality h(id, place) on h.place = 1 + (n - 1) % ${houses.length}::bigint
    order by n`.execute(tx)
  await sql`
    insert into housing.apartments (id, house_id, number, area, account) overriding system value
    select id, house_id, number, area, to_char(house_id, 'FM0000') || to_char(number, 'FM000000') from seeded order by id`.execute(
    tx,
  )
  const first = sql`(date_trunc('month', now()) - make_interval(months => ${months}))::date`
  await sql`
    create temporary table seeded_meters on commit drop as
    select nextval('housing.meters_id_seq') id, s.id apartment_id, kind, ${die('s.id * 2 + ordinality', seed + 1)} d
    from seeded s cross join unnest('{cold_water,hot_water}'::text[]) with ordinality k(kind, ordinality) order by s.id, kind`.execute(
    tx,
  )
  await sql`
    insert into housing.meters (id, apartment_id, kind, serial, installed_on, initial_value) overriding system value
    select id, apartment_id, kind, to_char(10 + d % 15, 'FM00') || '-' || to_char(id, 'FM00000000'),
      ${first} - (d % 900)::int, d % 400
    from seeded_meters order by id`.execute(tx)
  // Month k ends at base × (k + a part of 0.8 of a month): it always grows, by the base on the average.
  await sql`
    insert into housing.readings (meter_id, month, value, source, created_at)
    select m.id, ${first} + make_interval(months => k), round(d % 400 + b.base * (k + 1 + 0.8 * r.part / 1000000.0), 3),
      case when r.part % 5 = 0 then 'staff' else 'resident' end,
      least(now(), ${first} + make_interval(months => k, days => 19 + (r.part % 6)::int, hours => 9))
    from seeded_meters m
    cross join lateral (select case kind when 'cold_water' then 2.2 else 1.4 end + (d % 5000) / 1000.0 base) b
    cross join generate_series(0, ${months - 1}::int) k
    cross join lateral (select ${die('m.id * 1000 + k', seed + 2)} part) r
    where k < ${months - 1}::int or r.part % 30 <> 0
    order by m.id, k`.execute(tx)
}

/** Gives flats that have nobody to people who have none, in the order of their ids. */
async function settle({ db }: Platform): Promise<void> {
  await sql`
    insert into housing.residents (apartment_id, user_id)
    select a.id, u.id
    from (select id, row_number() over (order by id) n from housing.apartments
          where not exists (select from housing.residents where apartment_id = apartments.id)) a
    join (select id, row_number() over (order by id) n from accounts.users
          where is_active and role = 'user' and not exists (select from housing.residents where user_id = users.id)) u using (n)
    order by a.id`.execute(db)
}

/**
 * Houses of flats, each with a meter of cold and one of hot water and months of readings; people of the installation move
 * in. All by set-based SQL, two thousand flats a transaction.
 */
export const seed: Seed = {
  options: {
    houses: { default: 5, meaning: 'houses' },
    apartments: { default: 400, meaning: 'flats in them, each with two meters' },
    months: { default: 24, meaning: 'months of readings of each meter, up to the last month' },
  },
  async run(platform, { houses = 0, apartments = 0, months = 24 }, { locale, seed, progress }) {
    if (!houses) return
    const { db, pool, config } = platform
    const { city, names } = streets[locale]
    const { rows } = await sql<{ id: number }>`
      insert into housing.houses (id, address, timezone, norm_cold_water, norm_hot_water) overriding system value
      select id, ${city} || (${names}::text[])[1 + id % ${names.length}] || id, ${config.TIMEZONE}, 6.935, 4.745
      from (select nextval('housing.houses_id_seq') id from generate_series(1, ${houses}::int)) t
      returning id`.execute(db)
    const ids = rows.map((row) => row.id)
    await transaction(db, addTariffs)
    for (let done = 0; done < apartments; done += chunk) {
      const to = Math.min(done + chunk, apartments)
      await transaction(db, (tx) => addFlats(tx, ids, done + 1, to, Math.max(1, months), seed))
      progress('apartments', to, apartments)
    }
    await settle(platform)
    for (const table of ['houses', 'apartments', 'residents', 'meters', 'readings', 'tariffs'])
      await run(pool, `analyze housing.${table}`)
  },
}
