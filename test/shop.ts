import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { accounts } from '../src/accounts/index.ts'
import type { Platform } from '../src/platform/module.ts'
import { type Answer, type Client, type Json, logIn, type Person, person } from './harness.ts'

/** Puts a product on sale; 100.00 each and 10 in stock unless said otherwise. */
export async function addProduct(app: Client, token: string, fields: Record<string, unknown> = {}): Promise<Json> {
  const product = { name: 'Полка', price: '100.00', stock: 10, category: 'home', ...fields }
  const answer = await app.post('/api/products', product, { token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

/** Orders [product, quantity] pairs. */
export const buy = (app: Client, token: string, items: [number, number][], headers = {}): Promise<Answer> =>
  app.post('/api/orders', { items: items.map(([product, quantity]) => ({ product, quantity })) }, { token, headers })

/** An order that must succeed. */
export async function bought(app: Client, token: string, ...items: [number, number][]): Promise<Json> {
  const answer = await buy(app, token, items)
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

export const stockOf = async ({ platform }: { platform: Platform }, id: number): Promise<number> =>
  (await platform.db.selectFrom('shop.products').select('stock').where('id', '=', id).executeTakeFirstOrThrow()).stock

/** Somebody who was given a role and logged in with it. */
export async function withRole(app: Client & { platform: Platform }, role: string): Promise<Person> {
  const someone = await person(app)
  await app.platform.db.updateTable('accounts.users').set({ role }).where('id', '=', someone.id).execute()
  return { ...someone, ...(await logIn(app, someone.username, someone.password)) }
}

/** Tokens of so many different people, made in bulk. */
export async function crowd(app: Client & { platform: Platform }, count: number): Promise<string[]> {
  await accounts.seed!.run(app.platform, { users: count }, { locale: 'ru', seed: 1, progress() {} })
  const names = Array.from({ length: count }, (_, i) => `resident${i + 1}`)
  return (await Promise.all(names.map((name) => logIn(app, name, 'resident')))).map((t) => t.token)
}

/** Lets the repeats that wait for their pause run now, and tells how long each would have waited, in seconds. */
export async function hurryRetries({ platform }: { platform: Platform }, queue: string): Promise<number[]> {
  const { rows } = await sql<{ seconds: number }>`
    with waiting as (select id, extract(epoch from start_after - now())::float8 seconds from pgboss.job
      where name = ${queue} and state = 'retry' and start_after > now()),
    hurried as (update pgboss.job j set start_after = now() from waiting w where j.id = w.id)
    select seconds from waiting`.execute(platform.db)
  return rows.map((r) => r.seconds)
}

export type ShippingCall = { path: string; headers: IncomingHttpHeaders; body: string }

/** A delivery service that answers each call as told by its number, from 1; keeps what it was sent. */
export async function deliveryService(answer: (nth: number, response: ServerResponse) => void) {
  const calls: ShippingCall[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    calls.push({ path: request.url ?? '', headers: request.headers, body })
    answer(calls.length, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/shipping?from=dvor`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
