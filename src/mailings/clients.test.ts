import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, logIn, logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let admin: string
let operator: string
before(async () => {
  app = await startApp({ TIMEZONE: 'Asia/Yekaterinburg' }, { worker: false })
  admin = await logInAdmin(app)
  const who = await person(app)
  await app.patch(`/api/admin/users/${who.id}`, { role: 'operator' }, { token: admin })
  operator = (await logIn(app, who.username, who.password)).token
})
after(() => app[Symbol.asyncDispose]())

const create = (body: object, token = operator) => app.post('/api/clients', body, { token })
const list = async (query: string) => (await app.get(`/api/clients?${query}`, { token: operator })).body
const phones = async (query: string): Promise<string[]> => (await list(query)).results.map((c: Json) => c.phone).sort()

// Guarantee: a client has what was given and else the phone's operator and the installation's zone; wrong fields are named,
// a phone is one client's.
test('a client is added, changed and removed', async () => {
  const made = await create({ phone: '79991234567' })
  assert.equal(made.status, 201, made.text)
  const { id, created_at, ...rest } = made.body
  assert.deepEqual(rest, { phone: '79991234567', operator_code: '999', tag: '', timezone: 'Asia/Yekaterinburg' })
  const again = await create({ phone: '79991234567' })
  assert.deepEqual([again.status, again.body.code], [409, 'mailings.phone_taken'])
  const paths = async (body: object) => {
    const answer = await create(body)
    assert.equal(answer.status, 400, answer.text)
    return answer.body.errors.map((e: Json) => e.path)
  }
  assert.deepEqual(await paths({ phone: '89991234567' }), ['/phone'])
  assert.deepEqual(await paths({ phone: 79991234568 }), ['/phone'])
  assert.deepEqual(await paths({ phone: '79991234568', timezone: 'Moscow' }), ['/timezone'])
  assert.deepEqual(await paths({ phone: '79991234568', timezone: 'CET' }), ['/timezone'])
  assert.deepEqual(await paths({ phone: '79991234568', operator_code: '99', tag: 'x'.repeat(65) }), [
    '/operator_code',
    '/tag',
  ])
  assert.deepEqual(await paths({ phone: '79991234568', created_at: created_at }), ['/created_at'])
  assert.deepEqual(await paths({}), ['/phone'])

  const path = `/api/clients/${id}`
  const change = async (body: object) => (await app.patch(path, body, { token: operator })).body
  assert.deepEqual(await change({}), made.body)
  assert.equal((await change({ timezone: 'europe/moscow', tag: 'двор' })).timezone, 'Europe/Moscow')
  assert.equal((await change({ phone: '79161234567' })).operator_code, '916')
  assert.equal((await change({ operator_code: '900' })).operator_code, '900')
  assert.equal((await change({ phone: '79261234567' })).operator_code, '900')
  const whole = { phone: '79031234567', tag: '', timezone: 'UTC', operator_code: '903' }
  const put = await app.put(path, { body: whole, token: operator })
  assert.deepEqual({ ...put.body, id: 0, created_at: 0 }, { ...whole, id: 0, created_at: 0 })
  assert.equal((await app.put(path, { body: { phone: '79031234567' }, token: operator })).status, 400)

  const [gone, twice] = [await app.delete(path, { token: operator }), await app.delete(path, { token: operator })]
  assert.deepEqual([gone.status, twice.status], [204, 404])
  assert.equal((await app.get(path, { token: operator })).status, 404)
  const log = await app.get('/api/admin/audit?subject=mailings.clients', { token: admin })
  const actions = log.body.results.filter((e: Json) => e.subject_id === id).map((e: Json) => e.action)
  assert.deepEqual(new Set(actions), new Set(['create', 'change', 'remove'].map((verb) => `mailings.${verb}_client`)))
  assert.ok(!log.text.includes('79261234567'))
})

// Guarantee: the same key adds one client; an edit of what another changed meanwhile is refused.
test('a retry adds nothing, and a stale edit is refused', async () => {
  const headers = { 'idempotency-key': 'client-1' }
  const [first, second] = await Promise.all([1, 2].map(() => createWith({ phone: '79990000001' }, headers)))
  assert.deepEqual([first!.status, second!.status], [201, 201])
  assert.equal(first!.body.id, second!.body.id)
  const path = `/api/clients/${first!.body.id}`
  const etag = (await app.get(path, { token: operator })).headers.get('etag')!
  assert.equal((await app.get(path, { token: operator, headers: { 'if-none-match': etag } })).status, 304)
  const edit = (tag: string) => app.patch(path, { tag }, { token: operator, headers: { 'if-match': etag } })
  assert.equal((await edit('а')).status, 200)
  assert.equal((await edit('б')).status, 412)
  const put = { phone: '79990000001', tag: 'в', timezone: 'UTC' }
  const stale = await app.put(path, { body: put, token: operator, headers: { 'if-match': etag } })
  assert.equal(stale.status, 412)
})
const createWith = (body: object, headers: Record<string, string>) =>
  app.post('/api/clients', body, { token: operator, headers })

// Guarantee: clients are found by operator, tag, and any part of the phone however it is spelled; pages by cursor meet each
// once.
test('clients are found', async () => {
  await app.platform.pool.query(
    `insert into mailings.clients (phone, operator_code, tag, timezone)
     select '7955' || lpad(n::text, 7, '0'), case when n % 2 = 0 then '955' else '977' end, 'дом ' || n % 3, 'UTC'
     from generate_series(1, 60) n`,
  )
  await create({ phone: '79554443322', tag: 'Тёплый стан', operator_code: '911' })
  assert.equal((await list('operator_code=977')).count, 30)
  assert.equal((await list('operator_code=977&tag=дом 1')).count, 10)
  for (const typed of ['+7 (955) 444-33-22', '8 955 444 33 22', '9554443322', '444-33-22', '8 (955) 444', 'теплый'])
    assert.deepEqual(await phones(`search=${encodeURIComponent(typed)}`), ['79554443322'], typed)
  assert.deepEqual(await phones(`search=${encodeURIComponent('%')}`), [])
  const seen: number[] = []
  for (let path: string | null = '/api/clients?tag=дом 2&page_size=7'; path; ) {
    const { body } = await app.get(path, { token: operator })
    seen.push(...body.results.map((c: Json) => c.id))
    path = body.next
  }
  assert.deepEqual([seen.length, new Set(seen).size], [20, 20])
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => b - a),
  )
  const [wrong, unknown] = [
    await app.get('/api/clients?operator_code=9', { token: operator }),
    await app.get('/api/clients?phone=1', { token: operator }),
  ]
  assert.deepEqual([wrong.status, unknown.status], [400, 400])
})

// Guarantee: a number is stopped by any spelling, once, with the first reason; it can be let go; who did it is in the log.
test('numbers are stopped and let go', async () => {
  const stop = (phone: string, reason?: string) =>
    app.post('/api/clients/stops', { phone, reason }, { token: operator })
  const first = await stop('8 (999) 765-43-21', 'просил не писать')
  assert.equal(first.status, 201, first.text)
  assert.deepEqual([first.body.phone, first.body.reason], ['79997654321', 'просил не писать'])
  assert.ok(first.body.created_by.id)
  const again = await stop('+79997654321', 'другое')
  assert.deepEqual([again.status, again.body], [201, first.body])
  for (const phone of ['12345', '+1 202 555 0100', '+8 999 765 43 21', 'нет'])
    assert.deepEqual((await stop(phone)).body.errors?.[0].path, '/phone', phone)
  for (let n = 0; n < 25; n++) await stop(`7966000${String(n).padStart(4, '0')}`, 'пачкой')
  const seen: string[] = []
  for (let path: string | null = '/api/clients/stops?page_size=10'; path; ) {
    const { body } = await app.get(path, { token: operator })
    seen.push(...body.results.map((s: Json) => s.phone))
    path = body.next
  }
  assert.deepEqual([seen.length, new Set(seen).size, seen.at(-1)], [26, 26, '79997654321'])
  const byId = await app.get('/api/clients/stops?ordering=id&page_size=1', { token: operator })
  assert.equal((await app.get(byId.body.next, { token: operator })).body.results[0].phone, '79660000001')
  const found = await app.get(`/api/clients/stops?search=${encodeURIComponent('765-43')}`, { token: operator })
  assert.deepEqual([found.body.count, found.body.results[0]], [1, first.body])
  const release = () => app.delete(`/api/clients/stops/${encodeURIComponent('+7 999 765-43-21')}`, { token: operator })
  assert.deepEqual([(await release()).status, (await release()).status], [204, 404])
  const log = await app.get('/api/admin/audit?action=mailings.create_stop', { token: admin })
  assert.equal(log.body.count, 26)
})

/** A mailing that runs, with a message to each of the clients, as its start would make them. */
async function running(clients: number[]): Promise<number> {
  const { pool } = app.platform
  const { rows } = await pool.query(
    `insert into mailings.mailings (text, starts_at, ends_at, status, started_at)
     values ('Завтра не будет воды', now(), now() + interval '1 hour', 'running', now()) returning id`,
  )
  const mailing = rows[0].id as number
  await pool.query(
    `with made as (
       insert into mailings.messages (mailing_id, client_id, phone, operator_code, due_at)
       select $1, id, phone, operator_code, now() + interval '1 hour' from mailings.clients where id = any($2::bigint[])
       returning operator_code)
     insert into mailings.counters (mailing_id, operator_code, total) select $1, operator_code, count(*) from made group by 2`,
    [mailing, clients],
  )
  return mailing
}
const messagesOf = async (mailing: number) =>
  (
    await app.platform.pool.query(
      'select phone, client_id is null gone, status, last_error from mailings.messages where mailing_id = $1 order by phone',
      [mailing],
    )
  ).rows.map((m) => Object.values(m).join(' '))

// Guarantee: what waits for a client who is removed, or for a number that is stopped, is expired by then, with the reason, and
// counted; messages of removed clients keep their number; other numbers' messages wait on.
test('nothing waits for whoever is gone or stopped', async () => {
  const ids: number[] = []
  for (const n of [1, 2, 3, 4]) ids.push((await create({ phone: `7988000000${n}` })).body.id)
  const mailing = await running(ids)
  await app.platform.pool.query(
    `with sent as (update mailings.messages set status = 'sent', sent_at = now() where mailing_id = $1 and phone = '79880000004'),
       minute as (insert into mailings.minutes (mailing_id, at, sent) values ($1, date_trunc('minute', now()), 1))
     update mailings.counters set sent = 1 where mailing_id = $1`,
    [mailing],
  )
  assert.equal((await app.delete(`/api/clients/${ids[0]}`, { token: operator })).status, 204)
  assert.equal((await app.delete(`/api/clients/${ids[3]}`, { token: operator })).status, 204)
  assert.equal((await app.post('/api/clients/stops', { phone: '89880000002' }, { token: operator })).status, 201)
  assert.deepEqual(await messagesOf(mailing), [
    '79880000001 true expired removed',
    '79880000002 false expired stopped',
    '79880000003 false processing ',
    '79880000004 true sent ',
  ])
  await app.audit()
  const { pool } = app.platform
  const file = 'phone\n79880000003\n'
  const stops = await app.call('POST', '/api/clients/stops/import', {
    raw: file,
    token: operator,
    headers: { 'content-type': 'text/csv' },
  })
  assert.equal(stops.body.created, 1)
  assert.ok((await messagesOf(mailing)).includes('79880000003 false expired stopped'))
  await pool.query(`update mailings.mailings set status = 'finished', finished_at = now() where id = $1`, [mailing])
  await app.audit()
})
