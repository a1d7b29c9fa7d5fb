import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, drainJobs, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { planOf, statementsOf } from '../../test/plans.ts'

let app: TestApp
let author: Person
let stranger: Person
let admin: string
before(async () => {
  app = await startApp()
  author = await person(app, { first_name: 'Анна', last_name: 'Соколова' })
  stranger = await person(app, { first_name: 'Пётр', last_name: 'Иванов' })
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const nextYear = '2027-12-31T18:00:00+03:00'
const open = async (fields: object = {}, by = author): Promise<{ id: number }> => {
  const answer = await app.post(
    '/api/collects',
    { title: 'Скамейки', occasion: 'yard', ends_at: nextYear, ...fields },
    { token: by.token },
  )
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}
const pathsOf = (answer: Answer) => (answer.body.errors ?? []).map((e: { path: string }) => e.path).sort()

// Guarantee: a collect shows exactly the fields of the contract, with money as a string and times in UTC.
test('a new collect shows what the contract names', async () => {
  const created = await app.post(
    '/api/v1/collects/',
    { title: 'Ёлка', occasion: 'new_year', description: 'Во дворе', target_amount: 1500.5, ends_at: nextYear },
    { token: author.token },
  )
  assert.equal(created.status, 201, created.text)
  const { id, created_at, updated_at, ...rest } = created.body
  assert.ok(Number.isInteger(id))
  assert.match(created_at, /Z$/)
  assert.match(updated_at, /Z$/)
  assert.deepEqual(rest, {
    author: { id: author.id, full_name: 'Соколова Анна' },
    title: 'Ёлка',
    occasion: 'new_year',
    description: 'Во дворе',
    target_amount: '1500.50',
    max_amount: null,
    collected_amount: '0.00',
    spent_amount: '0.00',
    donors_count: 0,
    payments_count: 0,
    cover: null,
    ends_at: '2027-12-31T15:00:00Z',
    status: 'active',
  })
  const shown = await app.get(`/api/collects/${id}`)
  assert.deepEqual(shown.body, { ...created.body, payments: [], organisers: [] })
})

// Guarantee: bad input is a 400 that names each field, and nothing is made.
test('every fault of a body is named by its path', async () => {
  const before = (await app.get('/api/collects')).body.count
  const faults: [object, string[]][] = [
    [{}, ['/ends_at', '/occasion', '/title']],
    [{ title: '', occasion: 'party', ends_at: 'tomorrow' }, ['/ends_at', '/occasion', '/title']],
    [{ title: 'x'.repeat(201), occasion: 'yard', ends_at: nextYear }, ['/title']],
    [{ title: 'а\u0000б', occasion: 'yard', ends_at: nextYear }, ['/title']],
    [{ title: 'Скамейки', occasion: 'yard', ends_at: '2020-01-01T00:00:00Z' }, ['/ends_at']],
    [{ title: 'Скамейки', occasion: 'yard', ends_at: nextYear, collected_amount: '5.00' }, ['/collected_amount']],
    ...[0, '0.00', -5, '-1', '1e3', 'NaN', '1.005', '12345678901', true].map((target_amount): [object, string[]] => [
      { title: 'Скамейки', occasion: 'yard', ends_at: nextYear, target_amount },
      ['/target_amount'],
    ]),
  ]
  for (const [body, paths] of faults) {
    const answer = await app.post('/api/collects', body, { token: author.token })
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.match(answer.headers.get('content-type')!, /application\/problem\+json/)
    assert.deepEqual(pathsOf(answer), paths, JSON.stringify(body))
    for (const { message } of answer.body.errors) assert.match(message, /[а-яё]/i)
  }
  assert.equal((await app.get('/api/collects')).body.count, before)
  const english = await app.post(
    '/api/collects',
    {},
    { token: author.token, headers: { 'accept-language': 'de, en;q=0.8' } },
  )
  assert.match(english.body.errors[0].message, /required/)
  assert.equal((await app.post('/api/collects', {})).status, 401)
})

// Guarantee: filters, search and orderings give exactly the rows they name, and unknown ones are refused.
test('the list filters, searches and orders', async () => {
  const mark = `m${Date.now()}`
  const [a, b, c] = [
    await open({ title: `Ёжик 100% ${mark}`, occasion: 'charity', ends_at: '2028-01-01T00:00:00Z' }),
    await open({ title: `Wedding ${mark}`, occasion: 'wedding', ends_at: '2029-01-01T00:00:00Z' }),
    await open({ title: `Двор`, description: `про ${mark}`, ends_at: '2027-06-01T00:00:00Z' }, stranger),
  ]
  const ids = async (query: string) => {
    const answer = await app.get(`/api/collects?${query}`)
    assert.equal(answer.status, 200, answer.text)
    return answer.body.results.map((r: { id: number }) => r.id)
  }
  assert.deepEqual(await ids(`search=${mark}`), [c.id, b.id, a.id])
  assert.deepEqual(await ids(`search=${mark.toUpperCase()}&ordering=ends_at`), [c.id, a.id, b.id])
  assert.deepEqual(await ids(`search=${encodeURIComponent(`ежик 100% ${mark}`)}`), [a.id])
  assert.deepEqual(await ids(`search=${encodeURIComponent(`100_ ${mark}`)}`), [])
  assert.deepEqual(await ids(`search=${mark}&occasion=wedding`), [b.id])
  assert.deepEqual(await ids(`search=${mark}&author=${stranger.id}`), [c.id])
  await app.post(`/api/collects/${b.id}/close`, undefined, { token: author.token })
  await app.platform.db
    .updateTable('collects.collects')
    .set({ ends_at: '2026-01-01T00:00:00Z' })
    .where('id', '=', a.id)
    .execute()
  assert.deepEqual(await ids(`search=${mark}&status=closed`), [b.id])
  assert.deepEqual(await ids(`search=${mark}&status=ended`), [a.id])
  assert.deepEqual(await ids(`search=${mark}&status=active`), [c.id])
  const paged = await app.get(`/api/collects?search=${mark}&page_size=2`)
  assert.equal(paged.body.count, 3)
  assert.equal(paged.body.previous, null)
  assert.deepEqual(
    (await app.get(paged.body.next)).body.results.map((r: { id: number }) => r.id),
    [a.id],
  )
  for (const query of ['ordering=title', 'colour=red', 'page=0', 'page_size=101', 'page=x', 'author=me']) {
    assert.equal((await app.get(`/api/collects?${query}`)).status, 400, query)
  }
})

// Guarantee: only the author and administrators change a collect; computed fields can't be set; an empty PATCH changes nothing.
test('a collect is changed by its author alone', async () => {
  const { id } = await open()
  const before = (await app.get(`/api/collects/${id}`)).body
  assert.equal((await app.patch(`/api/collects/${id}`, { title: 'Чужое' })).status, 401)
  assert.equal((await app.patch(`/api/collects/${id}`, { title: 'Чужое' }, { token: stranger.token })).status, 403)
  assert.equal((await app.patch(`/api/collects/${id}`, {}, { token: author.token })).status, 200)
  assert.deepEqual((await app.get(`/api/collects/${id}`)).body, before)
  for (const field of ['collected_amount', 'donors_count', 'status', 'id', 'author', 'created_at']) {
    const answer = await app.patch(`/api/collects/${id}`, { [field]: 1 }, { token: author.token })
    assert.deepEqual([answer.status, pathsOf(answer)], [400, [`/${field}`]])
  }
  assert.equal(
    (await app.patch(`/api/collects/${id}`, { ends_at: '2020-01-01T00:00:00Z' }, { token: author.token })).status,
    400,
  )
  assert.equal(
    (await app.patch(`/api/collects/${id}`, { title: 'Новое', target_amount: '10' }, { token: admin })).body.title,
    'Новое',
  )
  assert.equal(
    (await app.patch(`/api/collects/${id}`, { target_amount: null }, { token: author.token })).body.target_amount,
    null,
  )
  assert.equal((await app.patch('/api/collects/999999', { title: 'x' }, { token: author.token })).status, 404)
  assert.equal((await app.patch('/api/collects/abc', { title: 'x' }, { token: author.token })).status, 404)
})

// Guarantee: a collect is closed once, and takes no money after that.
test('a closed collect takes nothing', async () => {
  const { id } = await open()
  assert.equal((await app.post(`/api/collects/${id}/close`, undefined, { token: stranger.token })).status, 403)
  assert.equal((await app.post(`/api/collects/${id}/close`, undefined, { token: author.token })).body.status, 'closed')
  assert.equal((await app.post(`/api/collects/${id}/close`, undefined, { token: author.token })).status, 409)
  assert.equal((await app.post('/api/payments', { collect: id, amount: 5 }, { token: stranger.token })).status, 409)
})

// Guarantee: the passing of ends_at alone ends a collect, in cached answers too.
test('a collect ends by the clock', async () => {
  let id = 0
  let path = ''
  let endsAt = 0
  // A slow machine needs longer than a quick one to see it before the end.
  for (let ms = 700, seen = ''; seen !== 'active HIT'; ms *= 2) {
    endsAt = Date.now() + ms
    id = (await open({ ends_at: new Date(endsAt).toISOString() })).id
    path = `/api/collects/${id}`
    await app.get(path)
    const again = await app.get(path)
    seen = `${again.body.status} ${again.headers.get('x-cache')}`
    assert.ok(ms < 60_000, seen)
  }
  for (;;) {
    const asked = Date.now()
    const { status } = (await app.get(path)).body
    if (asked >= endsAt) {
      assert.equal(status, 'ended')
      break
    }
  }
  assert.equal((await app.post('/api/payments', { collect: id, amount: 5 }, { token: stranger.token })).status, 409)
})

// Guarantee: a collect without payments can be deleted, one with a payment never.
test('a collect with payments stays', async () => {
  const { id } = await open()
  assert.equal((await app.delete(`/api/collects/${id}`, { token: stranger.token })).status, 403)
  await app.post(`/api/collects/${id}/payments`, { amount: '5.00' }, { token: stranger.token })
  assert.equal((await app.delete(`/api/collects/${id}`, { token: author.token })).status, 409)
  const empty = await open()
  assert.equal((await app.delete(`/api/collects/${empty.id}`, { token: author.token })).status, 204)
  assert.equal((await app.get(`/api/collects/${empty.id}`)).status, 404)
})

// Guarantee: the author of a new collect gets one letter, with a text and an HTML part, in their language.
test('the author gets a letter', async () => {
  const { id } = await open({ title: 'Цветник <b>' })
  await drainJobs(app)
  const letter = (await app.get('/api/outbox', { token: admin })).body.results.find((m: { subject: string }) =>
    m.subject.includes('Цветник'),
  )
  assert.equal(letter.to, author.email)
  assert.equal(letter.state, 'sent')
  const whole = (await app.get(`/api/outbox/${letter.id}`, { token: admin })).body
  assert.match(whole.text, new RegExp(`/collects/${id}`))
  assert.match(whole.html, /Цветник &#60;b&#62;/)
  assert.equal((await app.get('/api/outbox', { token: author.token })).status, 403)
})

// Guarantee: the list in its usual order reads its page from an index, and what was sent too, of one kind or of all.
test('lists are read from an index', async () => {
  for (const [path, table, index] of [
    ['/api/collects?page_size=7', 'from "collects"."collects"', /collects_created_at_idx/],
    ['/api/outbox?page_size=7&kind=sms', 'from "platform"."outbox"', /outbox_kind_idx/],
  ] as const) {
    const asked = await statementsOf(() => app.get(path, { token: admin }))
    const rows = asked.find((s) => s.text.includes(table) && s.text.includes('order by'))!
    const plan = (await planOf(app.platform.pool, rows, { without: ['seqscan'] })).join('\n')
    assert.match(plan, index, rows.text)
    assert.doesNotMatch(plan, /\bSort\b/)
  }
})
