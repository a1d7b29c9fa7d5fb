import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { countsOf, type FakeGateway, makeMailing, startGateway } from '../../test/gateway.ts'
import { eventually, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let gateway: FakeGateway
before(async () => {
  gateway = await startGateway()
  app = await startApp({
    GATEWAY_URL: `${gateway.url}/base/`,
    GATEWAY_TOKEN: 'gateway-token',
    GATEWAY_TIMEOUT_MS: '1500',
  })
})
after(async () => {
  await app[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

const sent = (mailing: number, count: number) =>
  eventually('all are sent', async () => {
    const counts = await countsOf(app.platform.pool, mailing)
    return counts.sent === count && counts
  })

// Guarantee: each message of a running mailing reaches the gateway as the contract says, once, with the text of its person.
test('messages are sent', async () => {
  const mailing = await makeMailing(app.platform.pool, 300, { text: 'Ваш номер {phone}, метка {tag}' })
  const counts = await sent(mailing, 300)
  assert.deepEqual(counts, { total: 300, sent: 300, error: 0, expired: 0, attempts: 300, processing: 0 })
  assert.equal(new Set(gateway.seen.map((s) => s.id)).size, 300)
  assert.equal(gateway.seen.length, 300)
  for (const one of gateway.seen) assert.match(one.text, new RegExp(`^Ваш номер ${one.phone}, метка tag\\d$`))
  await app.audit()
})
