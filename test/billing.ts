import assert from 'node:assert/strict'
import pg from 'pg'
import { eventually, type Json, type TestApp } from './harness.ts'

let made = 0

/** Tariffs, meters and readings written as they come from anywhere; `house` null is every house. */
export function billingOf(app: TestApp, token: string) {
  const { pool } = app.platform
  const one = async (text: string, values: unknown[]): Promise<number> => (await pool.query(text, values)).rows[0].id
  return {
    tariff: (service: string, price: string, validFrom: string, house: number | null = null) =>
      one('insert into housing.tariffs (service, price, valid_from, house_id) values ($1, $2, $3, $4) returning id', [
        service,
        price,
        `${validFrom}-01`,
        house,
      ]),
    /** A meter with the readings of these months; `!` after a value confirms a roll-over. */
    async meter(apartment: number, fields: Record<string, unknown> = {}, readings: Record<string, string> = {}) {
      const meter = {
        kind: 'cold_water',
        serial: `B-${++made}`,
        installed_on: '2025-01-01',
        removed_on: null,
        initial_value: 0,
        digits: 5,
        ...fields,
      }
      const id = await one(
        `insert into housing.meters (apartment_id, ${Object.keys(meter)}) values ($1, $2, $3, $4, $5, $6, $7) returning id`,
        [apartment, ...Object.values(meter)],
      )
      await this.readings(id, readings)
      return id
    },
    async readings(meter: number, readings: Record<string, string>) {
      for (const [month, value] of Object.entries(readings))
        await pool.query(
          `insert into housing.readings (meter_id, month, value, rollover) values ($1, $2, $3, $4)
           on conflict (meter_id, month) do update set value = excluded.value, rollover = excluded.rollover`,
          [meter, `${month}-01`, value.replace('!', ''), value.endsWith('!')],
        )
    },
    /** Runs a month of a house to its end. */
    async bill(house: number, month: string): Promise<Json> {
      const started = await app.post(`/api/houses/${house}/billing-runs`, { month }, { token })
      assert.equal(started.status, 202, started.text)
      assert.equal(started.headers.get('location'), `/api/billing-runs/${started.body.id}`)
      const run = await eventually('the run is over', async () => {
        const { body } = await app.get(`/api/billing-runs/${started.body.id}`, { token })
        return ['completed', 'failed'].includes(body.status) && body
      })
      assert.equal(run.status, 'completed', run.error)
      return run
    },
    /** The current bill of a flat and month. */
    async billOf(apartment: number, month: string): Promise<Json> {
      const { body, text } = await app.get(`/api/apartments/${apartment}/bills?month=${month}`, { token })
      assert.ok(body.results, text)
      assert.equal(body.results.length, 1)
      return body.results[0]
    },
    async publish(run: Json): Promise<Json> {
      const answer = await app.post(`/api/billing-runs/${run.id}/publish`, undefined, { token })
      assert.equal(answer.status, 200, answer.text)
      return answer.body
    },
  }
}
export type Billing = ReturnType<typeof billingOf>

/**
 * Stops whoever changes a table, before the statement, while a condition of SQL holds: a point at which a run can be looked
 * at, changed around, or killed. `reached` waits until somebody stands there; `release` lets them go and takes it away.
 */
export async function stopAt(url: string, table: string, event: string, condition = 'true') {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(`
    create or replace function public.stop_here() returns trigger language plpgsql as $$
    begin if ${condition} then perform pg_advisory_xact_lock(4242); end if; return null; end $$;
    create or replace trigger stop_here before ${event} on ${table} for each statement execute function public.stop_here()`)
  await client.query('select pg_advisory_lock(4242)')
  return {
    reached: (timeoutMs?: number) =>
      eventually(
        `${table} is reached`,
        async () => {
          const { rows } = await client.query(
            `select from pg_locks where locktype = 'advisory' and objid = 4242 and not granted
           and database = (select oid from pg_database where datname = current_database())`,
          )
          return rows.length > 0
        },
        timeoutMs,
      ),
    async release() {
      await client.query('select pg_advisory_unlock(4242)')
      await client.query(`drop trigger stop_here on ${table}`)
      await client.end()
    },
  }
}

/** A house of so many flats with two meters each and their readings of two months, in bulk. */
export async function bigHouse(pool: pg.Pool, flats: number): Promise<{ house: number; first: number; last: number }> {
  const { rows } = await pool.query(
    `with home as (insert into housing.houses (address, timezone) values ('Большая, ' || $2::text, 'Europe/Moscow') returning id),
     flats as (
       insert into housing.apartments (house_id, number, area, account)
       select home.id, n::text, 30 + n % 60, 'B' || home.id || '-' || n from home, generate_series(1, $1::int) n returning id, house_id),
     meters as (
       insert into housing.meters (apartment_id, kind, serial, installed_on)
       select f.id, k, 'B' || f.id || k, '2025-01-01' from flats f, unnest(array['cold_water', 'hot_water']) k returning id),
     readings as (
       insert into housing.readings (meter_id, month, value)
       select m.id, v.month, v.value + (m.id % 7) * v.times from meters m,
         (values ('2026-01-01'::date, 100, 1), ('2026-02-01', 103, 2)) v(month, value, times))
     select house_id::int house, min(id)::int first, max(id)::int last from flats group by house_id`,
    [flats, ++made],
  )
  return rows[0]
}
