import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import {
  addClient,
  addClients,
  addMailing,
  inSeconds,
  mailingWhen,
  outcomesOf,
  startClock,
} from '../../test/mailings.ts'

let app: TestApp
let token: string
let stopClock: () => Promise<void>
before(async () => {
  app = await startApp({}, { loops: false })
  token = await logInAdmin(app)
  stopClock = startClock(app)
})
after(async () => {
  await stopClock()
  await app[Symbol.asyncDispose]()
})

const preview = async (body: object): Promise<Json> => {
  const answer = await app.post('/api/mailings/preview', body, { token })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}
const query = async (text: string, values: unknown[] = []) => (await app.platform.pool.query(text, values)).rows

// Guarantee: a preview counts who matches, and of them who is on the stop list and whose local hours do not come, exactly as
// the start then makes them; it shows ten of those who would get it, and writes nothing.
test('a preview is what the start makes', async () => {
  const tag = 'previewed'
  await addClients(app, 20, tag, 'UTC')
  await addClients(app, 5, tag, 'Pacific/Auckland')
  const [stopped, far] = [
    await addClient(app, token, { tag, timezone: 'UTC' }),
    await addClient(app, token, { tag, timezone: 'Pacific/Auckland' }),
  ]
  for (const { phone } of [stopped, far]) await app.post('/api/clients/stops', { phone, reason: '' }, { token })
  const [window] = await query(
    `select to_char(now() at time zone 'UTC' - interval '10 minutes', 'HH24:MI') "from",
       to_char(now() at time zone 'UTC' + interval '50 minutes', 'HH24:MI') "to"`,
  )
  const aim = { filter: { tags: [tag] }, ends_at: inSeconds(3600), local_window: window }
  const seen = await preview({ ...aim, text: '{tag}: {phone}' })
  const { count, stopped: left, outside_window, unreachable, parts } = seen
  assert.deepEqual(
    { count, left, outside_window, unreachable, parts },
    {
      count: 27,
      left: 2,
      outside_window: 5,
      unreachable: 0,
      parts: { most: 1, total: 20 },
    },
  )
  assert.equal(seen.sample.length, 10)
  for (const one of seen.sample) assert.deepEqual([one.timezone, one.text], ['UTC', `${tag}: ${one.phone}`])
  const { id } = await addMailing(app, token, aim)
  await mailingWhen(app, token, id, 'has begun', (m) => m.started_at)
  assert.deepEqual(await outcomesOf(app, id), { 'expired stopped': 2, 'expired window': 5, processing: 20 })
  const bare = await preview({ filter: {} })
  assert.deepEqual([bare.count, bare.parts, bare.sample[0].text], [27, null, null])
  const nobody = await preview({ filter: { tags: ['nobody'] }, text: 'x' })
  assert.deepEqual([nobody.count, nobody.sample, nobody.parts], [0, [], { most: 0, total: 0 }])
})

// Guarantee: parts are those of each one's own text, summed, and the most of any, however many different ones there are.
test('parts of all texts', async () => {
  // Of 3,000 tags of 1 to 60 letters: beyond 70 units with the text it is two.
  await query(
    `insert into mailings.clients (phone, operator_code, tag, timezone)
     select '7904' || lpad(n::text, 7, '0'), '904', rpad(n::text, 1 + n % 60, 'я'), 'UTC' from generate_series(10000, 12999) n`,
  )
  const text = `${'т'.repeat(30)} {tag}`
  const tags = (await query(`select tag from mailings.clients where operator_code = '904'`)).map(
    (row) => row.tag as string,
  )
  const long = tags.filter((tag) => tag.length > 39).length
  const { parts } = await preview({ filter: { operator_codes: ['904'] }, text })
  assert.ok(long > 0 && new Set(tags).size > 1000)
  assert.deepEqual(parts, { most: 2, total: 3000 + long })
})
