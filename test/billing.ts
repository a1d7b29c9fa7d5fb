import assert from 'node:assert/strict'
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
