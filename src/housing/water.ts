import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import type { Platform } from '../platform/module.ts'
import type { WaterMonth } from './schemas-meters.ts'
import { checkApartment } from './viewers.ts'

/** A mean of so many neighbours tells as much as one of all, and costs the same in a house of any size. */
const neighbours = 2000

/**
 * What a flat used of each kind of water in each of the last twelve months that have readings, beside the mean of the flats
 * of its house that have one for the month.
 */
export async function waterOf({ db }: Platform, user: User, apartment: number): Promise<{ results: WaterMonth[] }> {
  await checkApartment(db, user, apartment)
  const { rows } = await sql<WaterMonth>`
    with house as (select h.id, date_trunc('month', now() at time zone h.timezone)::date as month
      from housing.houses h join housing.apartments a on a.house_id = h.id where a.id = ${apartment}),
    flats as (select ${apartment}::bigint id union
      (select a.id from housing.apartments a join house on house.id = a.house_id order by a.id limit ${neighbours})),
    used as (
      select m.apartment_id, m.kind, r.month,
        r.value - coalesce(lag(r.value) over w, m.initial_value) + case when r.rollover then 10::numeric ^ m.digits else 0 end volume
      from flats join housing.meters m on m.apartment_id = flats.id join housing.readings r on r.meter_id = m.id
      window w as (partition by r.meter_id order by r.month)),
    months as (
      select u.month, u.kind, u.apartment_id, sum(u.volume) volume from used u cross join house
      where u.month between house.month - interval '11 months' and house.month group by 1, 2, 3)
    select to_char(month, 'YYYY-MM') "month", kind, sum(volume) filter (where apartment_id = ${apartment})::numeric(12, 3) volume,
      avg(volume)::numeric(12, 3) mean
    from months group by months.month, kind
    having kind in (select kind from housing.meters where apartment_id = ${apartment})
    order by months.month desc, kind`.execute(db)
  return { results: rows }
}
