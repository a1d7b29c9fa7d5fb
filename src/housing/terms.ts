import type { RunSql } from '../platform/database.ts'

type Price = { id: number; price: string }

/** What a run counts by, frozen at its start. */
export type Terms = {
  prices: { cold_water?: Price; hot_water?: Price; maintenance?: Price }
  missing_readings: 'skip' | 'average' | 'norm'
  norms: { cold_water: string | null; hot_water: string | null }
  /** The run whose bills of the month are current, and the one whose bills are published. */
  current: number | null
  published: number | null
  /** Whether a run of the month was begun before, so that there may be bills of it. */
  again: boolean
}

const termsSql = `
  select (select coalesce(jsonb_object_agg(service, jsonb_build_object('id', id, 'price', price::text)), '{}')
      from (select distinct on (service) service, id, price from housing.tariffs
            where valid_from <= $2::date and (house_id is null or house_id = h.id)
            order by service, house_id nulls last, valid_from desc) t) prices,
    h.missing_readings, jsonb_build_object('cold_water', h.norm_cold_water::text, 'hot_water', h.norm_hot_water::text) norms,
    (select id from housing.billing_runs where house_id = h.id and month = $2::date and current) current,
    (select id from housing.billing_runs where house_id = h.id and month = $2::date and published_at is not null) published,
    exists (select from housing.billing_runs where house_id = h.id and month = $2::date and started_at is not null) again
  from housing.houses h where h.id = $1`

/** The terms of a house for a month as they are now: of each service the newest tariff, its own before the general. */
export async function readTerms(sql: RunSql, house: number, month: string): Promise<Terms> {
  return (await sql<Terms>(termsSql, [house, month]))[0]!
}
