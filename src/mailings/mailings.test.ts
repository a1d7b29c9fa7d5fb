import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import { addMailing, inSeconds } from '../../test/mailings.ts'

let app: TestApp
let token: string
before(async () => {
  app = await startApp()
  token = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const tomorrow = { starts_at: inSeconds(86_400), ends_at: inSeconds(90_000) }
const get = async (id: number) => (await app.get(`/api/mailings/${id}`, { token })).body
const patch = (id: number, body: object, headers = {}) => app.patch(`/api/mailings/${id}`, body, { token, headers })
const faults = (answer: { body: { errors: { path: string; code: string }[] } }) =>
  answer.body.errors.map(({ path, code }) => `${path} ${code}`)

// Guarantee: a mailing is kept and shown as it was given, with its whole filter, its window and its counts, all 0.
test('a mailing is kept as it was given', async () => {
  const fields = {
    text: 'Вода: {phone}, {tag}',
    starts_at: '2098-03-01T09:00:00+03:00',
    ends_at: '2098-03-01T21:00:00.5+03:00',
    filter: { operator_codes: ['999', '916'], tags: ['дом 5', ''] },
    local_window: { from: '21:30', to: '09:00' },
  }
  const made = await addMailing(app, token, fields)
  assert.deepEqual(
    { ...made, id: 0, created_at: '', updated_at: '', created_by: 0 },
    {
      ...fields,
      id: 0,
      starts_at: '2098-03-01T06:00:00Z',
      ends_at: '2098-03-01T18:00:00.5Z',
      status: 'scheduled',
      counts: { total: 0, processing: 0, sent: 0, error: 0, expired: 0 },
      unreachable: 0,
      created_by: 0,
      created_at: '',
      updated_at: '',
      started_at: null,
      finished_at: null,
      paused_at: null,
      pause_reason: null,
    },
  )
  assert.deepEqual(await get(made.id), made)
  const plain = await addMailing(app, token, { ...tomorrow })
  assert.deepEqual([plain.filter, plain.local_window], [{ operator_codes: [], tags: [] }, null])
})

// Guarantee: what cannot be is refused at its field: an end before the start or in the past, a window of no length, an
// unknown placeholder at its place, a field of the filter that is none.
test('what cannot be is refused at its field', async () => {
  const good = { text: 'Привет', ...tomorrow }
  const table: [fields: object, ...wanted: string[]][] = [
    [{ ends_at: tomorrow.starts_at }, '/ends_at mailings.ends_before_start'],
    [{ ends_at: inSeconds(10) }, '/ends_at mailings.ends_before_start'],
    [{ starts_at: inSeconds(-100), ends_at: inSeconds(-10) }, '/ends_at validation.in_past'],
    [{ text: '' }, '/text validation.blank'],
    [{ text: 'я'.repeat(1001) }, '/text validation.maxLength'],
    [{ text: 'Привет, {name}' }, '/text mailings.unknown_placeholder'],
    [{ text: 'Привет, {phone' }, '/text mailings.unclosed_placeholder'],
    [{ filter: { operator_codes: ['99'] } }, '/filter/operator_codes/0 validation.pattern'],
    [
      { filter: { houses: 1, sum: 2 } },
      '/filter/houses validation.additionalProperties',
      '/filter/sum validation.additionalProperties',
    ],
    [{ filter: { audience: 'shop.buyers' } }, '/filter/audience mailings.unknown_audience'],
    [{ local_window: { from: '09:00', to: '09:00' } }, '/local_window/to mailings.window_empty'],
    [{ local_window: { from: '24:00', to: '09:00' } }, '/local_window/from validation.pattern'],
    [{ local_window: { from: '09:00' } }, '/local_window/to validation.required'],
    [{ status: 'running' }, '/status validation.additionalProperties'],
    [{ counts: {} }, '/counts validation.additionalProperties'],
  ]
  for (const [fields, ...wanted] of table) {
    const answer = await app.post('/api/mailings', { ...good, ...fields }, { token })
    // A part that may be null is told of twice.
    const told = faults(answer).filter((fault) => fault !== '/local_window validation.type')
    assert.deepEqual([answer.status, ...told], [400, ...wanted], JSON.stringify(fields))
  }
  const { id } = await addMailing(app, token, good)
  const refused = await patch(id, { ends_at: tomorrow.starts_at })
  assert.deepEqual([refused.status, ...faults(refused)], [400, '/ends_at mailings.ends_before_start'])
  const told = await app.post(
    '/api/mailings',
    { ...good, text: 'Долг {sum} ₽' },
    { token, headers: { 'accept-language': 'en' } },
  )
  assert.equal(told.body.errors[0].message, 'Character 6: there is no placeholder “{sum}”. There are: {phone}, {tag}.')
})

// Guarantee: before its start all of a mailing changes, by PATCH and PUT, unless somebody else changed it since: 412.
test('a mailing changes before its start', async () => {
  const { id } = await addMailing(app, token, { ...tomorrow })
  const first = await app.get(`/api/mailings/${id}`, { token })
  const match = { 'if-match': first.headers.get('etag')! }
  const changed = await patch(
    id,
    { text: 'Другой', filter: { tags: ['a'] }, local_window: { from: '10:00', to: '11:00' } },
    match,
  )
  assert.deepEqual(
    [changed.status, changed.body.text, changed.body.filter, changed.body.local_window],
    [200, 'Другой', { operator_codes: [], tags: ['a'] }, { from: '10:00', to: '11:00' }],
  )
  assert.equal((await patch(id, { text: 'Третий' }, match)).status, 412)
  assert.deepEqual((await patch(id, {})).body, changed.body)
  const whole = { text: 'Весь', ...tomorrow, filter: {}, local_window: null }
  const put = await app.put(`/api/mailings/${id}`, { token, body: whole })
  assert.deepEqual([put.status, put.body.filter, put.body.local_window], [200, { operator_codes: [], tags: [] }, null])
  const lacking = await app.put(`/api/mailings/${id}`, { token, body: { text: 'Весь' } })
  assert.deepEqual([lacking.status, lacking.body.errors.length], [400, 4])
})

// Guarantee: the list is newest first, by status, and walks to its end; a removed mailing is in it no more.
test('the list of mailings', async () => {
  const made = []
  for (let i = 0; i < 5; i++) made.unshift((await addMailing(app, token, { ...tomorrow })).id)
  const ids = async (path: string): Promise<number[]> => {
    const { body, text } = await app.get(path, { token })
    assert.ok(body.results, text)
    const page = body.results.map((m: { id: number }) => m.id)
    return body.next ? [...page, ...(await ids(body.next))] : page
  }
  const all = await ids('/api/mailings?status=scheduled&page_size=2')
  assert.deepEqual(all.slice(0, 5), made)
  assert.deepEqual(await ids('/api/mailings?ordering=id&page_size=3'), all.toReversed())
  assert.equal((await app.delete(`/api/mailings/${made[0]}`, { token })).status, 204)
  assert.equal((await app.get(`/api/mailings/${made[0]}`, { token })).status, 404)
  assert.equal((await app.delete(`/api/mailings/${made[0]}`, { token })).status, 404)
  assert.equal((await patch(made[0]!, { text: 'x' })).status, 404)
  assert.deepEqual(await ids('/api/mailings?page_size=100'), all.slice(1))
  assert.deepEqual(await ids('/api/mailings?status=running'), [])
})

// Guarantee: a repeated POST with the same key makes one mailing.
test('a mailing is made once', async () => {
  const headers = { 'idempotency-key': 'mailing-1' }
  const body = { text: 'Раз', ...tomorrow }
  const [one, two] = [
    await app.post('/api/mailings', body, { token, headers }),
    await app.post('/api/mailings', body, { token, headers }),
  ]
  assert.deepEqual(
    [one.status, two.status, two.body, two.headers.get('idempotent-replayed')],
    [201, 201, one.body, 'true'],
  )
})
