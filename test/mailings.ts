import assert from 'node:assert/strict'
import { type Client, eventually, type Json } from './harness.ts'

let made = 0

/** A phone that no other test of this process uses. */
export const aPhone = (operator = '999'): string => `7${operator}${String(++made).padStart(7, '0')}`

/** An instant so many seconds from now. */
export const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString()

export async function addClient(app: Client, token: string, fields: Record<string, unknown> = {}): Promise<Json> {
  const answer = await app.post('/api/clients', { phone: aPhone(), timezone: 'Europe/Moscow', ...fields }, { token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

/** A mailing of an hour from now on. */
export async function addMailing(app: Client, token: string, fields: Record<string, unknown> = {}): Promise<Json> {
  const body = { text: 'Собрание в семь', starts_at: inSeconds(-1), ends_at: inSeconds(3600), ...fields }
  const answer = await app.post('/api/mailings', body, { token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

/** Waits until a mailing is as wanted. */
export const mailingWhen = (app: Client, token: string, id: number, what: string, is: (mailing: Json) => boolean) =>
  eventually(`mailing ${id} ${what}`, async () => {
    const { body, text } = await app.get(`/api/mailings/${id}`, { token })
    assert.ok(body?.id, text)
    return is(body) && body
  })
