import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Platform } from '../src/platform/module.ts'
import { type Client, eventually, type Json } from './harness.ts'

let made = 0

async function add(app: Client, token: string, path: string, body: object): Promise<Json> {
  const answer = await app.post(path, body, { token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

/** A house of its own. */
export const addHouse = (app: Client, token: string, fields: Record<string, unknown> = {}): Promise<Json> =>
  add(app, token, '/api/houses', { address: `Москва, Садовая, ${++made}`, ...fields })

/** A flat of 50 m². */
export const addApartment = (app: Client, token: string, house: number, fields: Record<string, unknown> = {}) =>
  add(app, token, `/api/houses/${house}/apartments`, {
    number: String(++made),
    area: '50',
    account: `T-${made}`,
    ...fields,
  })

/** A cold-water meter installed in January 2020. */
export const addMeter = (app: Client, token: string, apartment: number, fields: Record<string, unknown> = {}) =>
  add(app, token, `/api/apartments/${apartment}/meters`, {
    kind: 'cold_water',
    serial: `S-${++made}`,
    installed_on: '2020-01-01',
    ...fields,
  })

/** A reading that must be taken. */
export const addReading = (app: Client, token: string, meter: number, month: string, value: string | number) =>
  add(app, token, `/api/meters/${meter}/readings`, { month, value })

/** The month so many months from the current one in a zone. */
export function monthFromNow(months: number, timeZone = 'Europe/Moscow'): string {
  const [year, month] = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit' })
    .format(new Date())
    .split('-')
    .map(Number)
  return new Date(Date.UTC(year!, month! - 1 + months, 1)).toISOString().slice(0, 7)
}

/** The month of a house as if its bills were published, without any. */
export async function publishMonth({ platform }: { platform: Platform }, house: number, month: string): Promise<void> {
  await sql`insert into housing.billing_runs (house_id, month, status, current, finished_at, published_at)
    values (${house}, ${`${month}-01`}, 'completed', true, now(), now())`.execute(platform.db)
}

/** Computes the bills of a house and month, and publishes them if it is said. */
export async function runMonth(app: Client, token: string, house: number, month: string, isPublished = false) {
  const started = await app.post(`/api/houses/${house}/billing-runs`, { month }, { token })
  assert.equal(started.status, 202, started.text)
  const path = `/api/billing-runs/${started.body.id}`
  const run = await eventually('the run is over', async () => {
    const { body } = await app.get(path, { token })
    return body.finished_at ? body : undefined
  })
  assert.equal(run.status, 'completed', run.error)
  if (!isPublished) return run as Json
  const published = await app.post(`${path}/publish`, {}, { token })
  assert.equal(published.status, 200, published.text)
  return published.body
}
