import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stopAt } from '../../test/billing.ts'
import { eventually, type Json, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import {
  addClients,
  addMailing,
  inSeconds,
  mailingWhen,
  outcomesOf,
  startClock,
  workerOf,
} from '../../test/mailings.ts'

let app: TestApp
let token: string
let stopClock: () => Promise<void>
let worker: ReturnType<typeof workerOf>
before(async () => {
  app = await startApp({}, { loops: false })
  token = await logInAdmin(app)
  stopClock = startClock(app)
  worker = workerOf(app)
})
after(async () => {
  await stopClock()
  await app[Symbol.asyncDispose]()
})

const query = async (text: string, values: unknown[] = []) => (await app.platform.pool.query(text, values)).rows
const act = (id: number, what: string, headers = {}) => app.post(`/api/mailings/${id}/${what}`, {}, { token, headers })
const get = async (id: number) => (await app.get(`/api/mailings/${id}`, { token })).body
const patch = (id: number, body: object) => app.patch(`/api/mailings/${id}`, body, { token })
const when = (id: number, what: string, is: (mailing: Json) => boolean) => mailingWhen(app, token, id, what, is)
const refusal = (answer: { status: number; body: Json }) => [answer.status, answer.body.code]

let tags = 0
/** A mailing that runs, to so many people of its own. */
async function running(people: number, fields: Record<string, unknown> = {}): Promise<number> {
  const tag = `active ${++tags}`
  await addClients(app, people, tag)
  const { id } = await addMailing(app, token, { filter: { tags: [tag] }, ...fields })
  await when(id, 'runs', (m) => m.status === 'running')
  return id
}
/** Its end has come, as far as anybody can tell. */
const endNow = (id: number) =>
  query(`update mailings.mailings set starts_at = now() - interval '1 hour', ends_at = now() where id = $1`, [id])

// Guarantee: once it has started only its end and its local window change; with the same values all may be sent; after its
// end, and once cancelled, nothing changes.
test('what changes once it has started', async () => {
  const id = await running(2)
  const before = await get(id)
  assert.deepEqual(refusal(await patch(id, { text: 'Другой' })), [409, 'mailings.started'])
  assert.deepEqual(refusal(await patch(id, { starts_at: inSeconds(60) })), [409, 'mailings.started'])
  assert.deepEqual(refusal(await patch(id, { filter: {} })), [409, 'mailings.started'])
  assert.deepEqual(refusal(await patch(id, { ends_at: inSeconds(60), text: 'Другой' })), [409, 'mailings.started'])
  const { text, starts_at, filter, local_window } = before
  const whole = { text, starts_at, filter, local_window, ends_at: inSeconds(7200) }
  const put = await app.put(`/api/mailings/${id}`, { token, body: whole })
  assert.deepEqual([put.status, put.body.ends_at > before.ends_at], [200, true])
  assert.equal((await patch(id, { ends_at: inSeconds(-1) })).body.errors[0].path, '/ends_at')
  await act(id, 'cancel')
  assert.deepEqual(refusal(await patch(id, { ends_at: inSeconds(60) })), [409, 'mailings.over'])
  assert.equal((await patch(id, { text })).status, 200)
})

// Guarantee: a cancel expires what waits and what is under way, and a second one, or one of what is over, is 409; the same
// key is answered again. What was sent or failed stays.
test('cancel', async () => {
  const id = await running(6)
  const claimed = await worker.claim(id, 3)
  await worker.record(claimed.slice(0, 1), 'sent')
  await worker.record(claimed.slice(1, 2), 'error')
  const headers = { 'idempotency-key': 'cancel-1' }
  const cancelled = await act(id, 'cancel', headers)
  assert.equal(cancelled.status, 200, cancelled.text)
  assert.deepEqual(cancelled.body.counts, { total: 6, processing: 0, sent: 1, error: 1, expired: 4 })
  assert.deepEqual([cancelled.body.status, cancelled.body.finished_at !== null], ['cancelled', true])
  assert.deepEqual(await outcomesOf(app, id), { 'error status 503': 1, 'expired cancelled': 4, sent: 1 })
  const [under] = await query('select claimed from mailings.messages where id = $1', [claimed[2]])
  assert.equal(under!.claimed, true)
  assert.deepEqual((await act(id, 'cancel', headers)).body, cancelled.body)
  for (const what of ['cancel', 'retry']) assert.deepEqual(refusal(await act(id, what)), [409, 'mailings.over'], what)
  for (const what of ['pause', 'resume'])
    assert.deepEqual(refusal(await act(id, what)), [409, 'mailings.not_running'], what)
  const later = await addMailing(app, token, { starts_at: inSeconds(600) })
  for (const [what, code] of [
    ['pause', 'not_running'],
    ['resume', 'not_running'],
    ['retry', 'not_started'],
  ])
    assert.deepEqual(refusal(await act(later.id, what!)), [409, `mailings.${code}`], what)
  assert.equal((await act(later.id, 'cancel')).body.status, 'cancelled')
  assert.equal((await act(99_999, 'cancel')).status, 404)
  await app.audit()
})

// Guarantee: of a large mailing the cancel answers at once, nothing waits any more after a moment, and at every instant the
// books are right.
test('a large one is cancelled in parts', async () => {
  const id = await running(25_000)
  await worker.record(await worker.claim(id, 100), 'sent')
  const cancelled = await act(id, 'cancel')
  assert.deepEqual([cancelled.status, cancelled.body.status, cancelled.body.counts.expired], [200, 'cancelled', 10_000])
  await app.audit()
  const over = await when(id, 'is expired', (m) => m.counts.processing === 0)
  assert.deepEqual(over.counts, { total: 25_000, processing: 0, sent: 100, error: 0, expired: 24_900 })
  await eventually(
    'nothing is left to drain',
    async () => !(await query('select from mailings.mailings where draining')).length,
  )
  await app.audit()
})

// Guarantee: a pause is shown, with its reason where it came by itself, and goes with a resume, which forgets the answers
// that led to it; each of both once.
test('pause and resume', async () => {
  const id = await running(1)
  const paused = await act(id, 'pause')
  assert.deepEqual(
    [paused.status, paused.body.status, paused.body.paused_at !== null, paused.body.pause_reason],
    [200, 'running', true, null],
  )
  assert.deepEqual(refusal(await act(id, 'pause')), [409, 'mailings.paused'])
  await query(`insert into mailings.recent_answers values ($1, '111')`, [id])
  const resumed = await act(id, 'resume')
  assert.deepEqual([resumed.status, resumed.body.paused_at], [200, null])
  assert.deepEqual(await query('select answers from mailings.recent_answers where mailing_id = $1', [id]), [
    { answers: '' },
  ])
  assert.deepEqual(refusal(await act(id, 'resume')), [409, 'mailings.not_paused'])
  await act(id, 'pause')
  await endNow(id)
  const over = await when(id, 'is finished', (m) => m.status === 'finished')
  assert.equal(over.paused_at, null)
})

// Guarantee: at the end what failed at its last try is error with what the gateway said, and the rest expired: never tried,
// or cut off; the mailing is finished, and nothing of it changes any more.
test('the end', async () => {
  const id = await running(5)
  const claimed = await worker.claim(id, 3)
  await worker.record(claimed.slice(0, 1), 'again')
  await worker.record(claimed.slice(1, 2), 'sent')
  await endNow(id)
  const over = await when(id, 'is finished', (m) => m.status === 'finished')
  assert.deepEqual(over.counts, { total: 5, processing: 0, sent: 1, error: 1, expired: 3 })
  assert.deepEqual(await outcomesOf(app, id), {
    'error status 503': 1,
    'expired cut_off': 1,
    'expired ended': 2,
    sent: 1,
  })
  assert.deepEqual(await query('select sum(error)::int error from mailings.minutes where mailing_id = $1', [id]), [
    { error: 1 },
  ])
  assert.deepEqual(refusal(await act(id, 'retry')), [409, 'mailings.over'])
  assert.deepEqual(refusal(await patch(id, { ends_at: inSeconds(600) })), [409, 'mailings.over'])
  await app.audit()
})

// Guarantee: a mailing is finished as soon as nothing waits, errors or not; a retry before its end sends those in error
// again with all their tries, says how many, and has it run again.
test('a finished mailing runs again', async () => {
  const id = await running(3)
  const ids = await worker.claim(id)
  await worker.record(ids.slice(0, 1), 'sent')
  await worker.record(ids.slice(1), 'error')
  await query('update mailings.messages set refusals = 3 where id = any($1::bigint[])', [ids.slice(1)])
  await when(id, 'is finished', (m) => m.status === 'finished' && m.finished_at !== null)
  const headers = { 'idempotency-key': 'retry-1' }
  assert.deepEqual((await act(id, 'retry', headers)).body, { count: 2 })
  assert.deepEqual((await act(id, 'retry', headers)).body, { count: 2 })
  assert.deepEqual((await act(id, 'retry')).body, { count: 0 })
  const again = await get(id)
  assert.deepEqual(
    [again.status, again.finished_at, again.counts],
    ['running', null, { total: 3, processing: 2, sent: 1, error: 0, expired: 0 }],
  )
  const rows = await query(
    `select refusals, attempts, claimed, due_at <= now() due from mailings.messages where mailing_id = $1 and status = 'processing'`,
    [id],
  )
  assert.deepEqual(rows, Array(2).fill({ refusals: 0, attempts: 1, claimed: false, due: true }))
  // Nobody tries again before the end: what the last try said counts.
  await endNow(id)
  await when(id, 'is finished', (m) => m.status === 'finished' && m.counts.error === 2)
  await app.audit()
})

// Guarantee: when the local window of a running mailing moves, what waits is due when it opens now, pauses after a failure
// kept; what was expired for it comes back when it opens before the end, also of a mailing that was finished.
test('the window moves while it runs', async () => {
  const [clock] = await query(
    `select to_char(now() at time zone 'Europe/Moscow' + interval '2 hours', 'HH24:MI') "from",
       to_char(now() at time zone 'Europe/Moscow' + interval '3 hours', 'HH24:MI') "to",
       to_char(now() at time zone 'Europe/Moscow' - interval '5 minutes', 'HH24:MI') past`,
  )
  const window = { from: clock!.from, to: clock!.to }
  const tag = `active ${++tags}`
  await addClients(app, 3, tag)
  const { id } = await addMailing(app, token, {
    filter: { tags: [tag] },
    local_window: window,
    ends_at: inSeconds(3600),
  })
  const closed = await when(id, 'is finished', (m) => m.status === 'finished')
  assert.deepEqual([closed.counts.expired, await outcomesOf(app, id)], [3, { 'expired window': 3 }])
  const longer = await patch(id, { ends_at: inSeconds(4 * 3600) })
  assert.deepEqual([longer.status, longer.body.status, longer.body.counts.processing], [200, 'running', 3])
  const hours = async () =>
    (
      await query(
        `select round(extract(epoch from due_at - now()) / 60)::int due from mailings.messages where mailing_id = $1 order by id`,
        [id],
      )
    ).map((row) => row.due)
  for (const due of await hours()) assert.ok(due >= 118 && due <= 120, String(due))
  const [first] = await worker.claim(id, 1)
  await worker.record([first!], 'again')
  await query(`update mailings.messages set due_at = now() + interval '2 minutes' where id = $1`, [first])
  const open = await patch(id, { local_window: { from: clock!.past, to: clock!.to } })
  assert.equal(open.status, 200, open.text)
  assert.deepEqual(await hours(), [2, 0, 0])
  const none = await patch(id, { local_window: null })
  assert.deepEqual([none.status, none.body.counts.processing, none.body.local_window], [200, 3, null])
  await app.audit()
})

// Guarantee: a cancel that meets the start in work waits for it and takes all of it back; nothing waits after its answer.
test('a cancel meets the start', async () => {
  const tag = `active ${++tags}`
  await addClients(app, 50, tag)
  const stop = await stopAt(app.databaseUrl, 'mailings.counters', 'insert')
  const { id } = await addMailing(app, token, { filter: { tags: [tag] } })
  await stop.reached()
  const cancelling = act(id, 'cancel')
  await eventually('the cancel waits for the start', async () => {
    const rows =
      await query(`select from pg_stat_activity where wait_event_type = 'Lock' and wait_event in ('transactionid', 'tuple')
      and query like '%mailings.mailings%' and datname = current_database()`)
    return rows.length > 0
  })
  await stop.release()
  const cancelled = await cancelling
  assert.deepEqual(
    [cancelled.status, cancelled.body.status, cancelled.body.counts],
    [200, 'cancelled', { total: 50, processing: 0, sent: 0, error: 0, expired: 50 }],
  )
  await app.audit()
})

// Guarantee: a removed mailing is gone with all that it had, also one that runs.
test('a running mailing is removed', async () => {
  const id = await running(5)
  await worker.record(await worker.claim(id, 2), 'sent')
  assert.equal((await app.delete(`/api/mailings/${id}`, { token })).status, 204)
  for (const table of ['messages', 'counters', 'minutes'])
    assert.deepEqual(await query(`select from mailings.${table} where mailing_id = $1`, [id]), [], table)
  assert.equal((await app.get(`/api/mailings/${id}`, { token })).status, 404)
  await app.audit()
})

// Guarantee: who watches is told of each state, and the stream ends when the mailing is over.
test('a mailing is watched', async () => {
  const id = await running(4)
  const response = await fetch(`${app.url}/api/mailings/${id}/events`, {
    headers: { authorization: `Bearer ${token}` },
  })
  assert.equal(response.status, 200)
  const states: Json[] = []
  const reading = (async () => {
    let text = ''
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString()
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
        if (data) states.push(JSON.parse(data))
        text = text.slice(end + 2)
      }
    }
  })()
  await eventually('the first state is told', () => states.length === 1)
  await act(id, 'pause')
  await eventually('the pause is told', () => states.at(-1).paused_at !== null)
  await act(id, 'cancel')
  await reading
  assert.deepEqual(
    [states[0].counts.processing, states.at(-1).status, states.at(-1).counts.expired],
    [4, 'cancelled', 4],
  )
})

// Guarantee: who did what to a mailing stands in the audit log.
test('what is done to a mailing is recorded', async () => {
  const id = await running(1)
  await act(id, 'pause')
  await act(id, 'resume')
  await act(id, 'cancel')
  await app.delete(`/api/mailings/${id}`, { token })
  const rows = await query(
    `select action, user_id is not null by from platform.audit_log where subject = 'mailings.mailings' and subject_id = $1 order by id`,
    [id],
  )
  assert.deepEqual(
    rows.map((row) => [row.action.replace('mailings.', ''), row.by]),
    [
      ['create_mailing', true],
      ['start_mailing', false],
      ['pause_mailing', true],
      ['resume_mailing', true],
      ['cancel_mailing', true],
      ['remove_mailing', true],
    ],
  )
})
