import assert from 'node:assert/strict'
import type { Client, Json } from './harness.ts'

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
