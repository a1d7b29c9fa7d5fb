import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stopAt } from '../../test/billing.ts'
import { eventually, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import {
  addClient,
  addClients,
  addMailing,
  inSeconds,
  mailingWhen,
  outcomesOf,
  startClock,
} from '../../test/mailings.ts'
import { clockLoop } from './clock.ts'

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

const begun = (id: number) => mailingWhen(app, token, id, 'has begun', (m) => m.started_at !== null)
const query = async (text: string, values: unknown[] = []) => (await app.platform.pool.query(text, values)).rows

// Guarantee: a mailing made inside its window begins at once with one message for each client who matches one of the codes
// and one of the tags; who comes later is not in it, and who is changed stays as they were.
test('the audience is those who match at the start', async () => {
  const tag = 'matching'
  const mine = [
    await addClient(app, token, { phone: '79010000001', tag }),
    await addClient(app, token, { phone: '79020000001', tag }),
    await addClient(app, token, { phone: '79010000002', tag, operator_code: '777' }),
  ]
  await addClient(app, token, { phone: '79030000001', tag })
  await addClient(app, token, { phone: '79010000003', tag: 'other' })
  const { id, status } = await addMailing(app, token, {
    filter: { operator_codes: ['901', '902', '777'], tags: [tag, 'none'] },
  })
  assert.equal(status, 'scheduled')
  const now = await begun(id)
  assert.deepEqual([now.status, now.counts], ['running', { total: 3, processing: 3, sent: 0, error: 0, expired: 0 }])
  await addClient(app, token, { phone: '79010000004', tag })
  await app.patch(`/api/clients/${mine[0].id}`, { operator_code: '555' }, { token })
  const messages = await query(
    `select client_id, phone, operator_code, status, attempts, claimed, due_at <= now() due from mailings.messages
     where mailing_id = $1 order by id`,
    [id],
  )
  const waiting = { status: 'processing', attempts: 0, claimed: false, due: true }
  assert.deepEqual(messages, [
    { client_id: mine[0].id, phone: '79010000001', operator_code: '901', ...waiting },
    { client_id: mine[1].id, phone: '79020000001', operator_code: '902', ...waiting },
    { client_id: mine[2].id, phone: '79010000002', operator_code: '777', ...waiting },
  ])
  const [range] = await query(
    `select first_message_id = min(m.id) and last_message_id = max(m.id) is_range from mailings.mailings l
     join mailings.messages m on m.mailing_id = l.id where l.id = $1 group by l.id`,
    [id],
  )
  assert.equal(range!.is_range, true)
  await app.audit()
})

// Guarantee: a mailing for later begins by itself, and not before; one that is moved begins when it is moved to.
test('a mailing begins at its start', async () => {
  await addClient(app, token, { tag: 'later' })
  const starts_at = inSeconds(2)
  const soon = await addMailing(app, token, { starts_at, filter: { tags: ['later'] } })
  const late = await addMailing(app, token, { starts_at: inSeconds(3000), filter: { tags: ['later'] } })
  assert.ok((await begun(soon.id)).started_at >= starts_at)
  assert.equal((await app.get(`/api/mailings/${late.id}`, { token })).body.status, 'scheduled')
  assert.equal((await app.patch(`/api/mailings/${late.id}`, { starts_at: inSeconds(-5) }, { token })).status, 200)
  assert.equal((await begun(late.id)).status, 'running')
})

// Guarantee: nobody who is on the stop list, and nobody whose local hours do not come before the end, is ever waiting; where
// the end has come before the start could be made, everybody is told of as not written to. With nobody left it is finished.
test('who is not written to is told of', async () => {
  const tag = 'told'
  const stopped = await addClient(app, token, { tag })
  await app.post('/api/clients/stops', { phone: stopped.phone, reason: 'просил' }, { token })
  await addClients(app, 3, tag, 'Pacific/Auckland')
  await addClients(app, 4, tag, 'UTC')
  // Of an hour at UTC; nowhere near it in Auckland, half a day away.
  const [clock] = await query(
    `select to_char(now() at time zone 'UTC' - interval '10 minutes', 'HH24:MI') "from",
       to_char(now() at time zone 'UTC' + interval '50 minutes', 'HH24:MI') "to"`,
  )
  const filter = { tags: [tag] }
  const here = await addMailing(app, token, { filter, local_window: clock })
  await begun(here.id)
  assert.deepEqual(await outcomesOf(app, here.id), { 'expired stopped': 1, 'expired window': 3, processing: 4 })
  const waits = await addMailing(app, token, { filter, local_window: clock, ends_at: inSeconds(86_400 * 2) })
  await begun(waits.id)
  assert.deepEqual(await outcomesOf(app, waits.id), { 'expired stopped': 1, processing: 7 })
  const due = await query(
    `select c.timezone, m.due_at > now() later,
       (m.due_at at time zone c.timezone)::time::text time from mailings.messages m join mailings.clients c on c.id = m.client_id
     where mailing_id = $1 and status = 'processing' group by 1, 2, m.due_at order by 1`,
    [waits.id],
  )
  assert.deepEqual(
    due.map((row) => [row.timezone, row.later]),
    [
      ['Pacific/Auckland', true],
      ['UTC', false],
    ],
  )
  assert.equal(due[0]!.time, `${clock!.from}:00`)

  const nobody = await addMailing(app, token, { filter: { tags: ['nobody'] } })
  const empty = await begun(nobody.id)
  assert.deepEqual([empty.status, empty.counts.total, empty.finished_at !== null], ['finished', 0, true])

  const [away] = await query(
    `insert into mailings.mailings (text, starts_at, ends_at, tags) values ('x', now() - interval '2 hours',
       now() - interval '1 hour', array[$1]) returning id`,
    [tag],
  )
  const gone = await begun(away!.id)
  assert.deepEqual([gone.status, gone.counts.expired], ['finished', 8])
  assert.deepEqual(await outcomesOf(app, away!.id), { 'expired ended': 7, 'expired stopped': 1 })
  await app.audit()
})

// Guarantee: a client who is removed while the audience is made neither stops it nor is left in it: it begins without them,
// or their message expires.
test('clients go while the audience is made', async () => {
  const tag = 'going'
  await addClients(app, 50, tag)
  const [first, second] = await query(`select id from mailings.clients where tag = $1 order by id limit 2`, [tag])
  const stop = await stopAt(app.databaseUrl, 'mailings.messages', 'insert')
  const { id } = await addMailing(app, token, { filter: { tags: [tag] } })
  await stop.reached()
  assert.equal((await app.delete(`/api/clients/${first!.id}`, { token })).status, 204)
  await stop.release()
  const now = await begun(id)
  assert.deepEqual([now.status, now.counts.total], ['running', 49])
  assert.equal((await app.delete(`/api/clients/${second!.id}`, { token })).status, 204)
  assert.deepEqual(await outcomesOf(app, id), { 'expired removed': 1, processing: 48 })
  await app.audit()
})

// Guarantee: a process that is killed while it makes an audience leaves nothing of it, and the mailing begins once when the
// next one comes; two clocks at once make it once.
test('a start that is killed begins again', async () => {
  const tag = 'killed'
  await addClients(app, 1000, tag)
  const stop = await stopAt(app.databaseUrl, 'mailings.counters', 'insert')
  const { id } = await addMailing(app, token, { filter: { tags: [tag] } })
  await stop.reached()
  const [found] = await query(
    `select pid from pg_locks where locktype = 'advisory' and objid = 4242 and not granted
       and database = (select oid from pg_database where datname = current_database())`,
  )
  await query('select pg_terminate_backend($1)', [found!.pid])
  assert.equal((await app.get(`/api/mailings/${id}`, { token })).body.counts.total, 0)
  // The same clock, and another one whose lease nobody asked for.
  await stop.reached()
  const other = clockLoop.run(app.platform, new AbortController().signal)
  await stop.release()
  await other
  const now = await begun(id)
  assert.deepEqual([now.status, now.counts.total], ['running', 1000])
  await eventually(
    'the clock is done',
    async () => (await query('select from pg_locks where locktype = $1', ['advisory'])).length === 0,
  )
  await app.audit()
})
