import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { drainJobs, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let author: Person
let donor: Person
let other: Person
let admin: string
before(async () => {
  app = await startApp()
  author = await person(app, { first_name: 'Анна', last_name: 'Соколова' })
  donor = await person(app, { first_name: 'Пётр', last_name: 'Тайный' })
  other = await person(app)
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const open = async (): Promise<number> => {
  const answer = await app.post(
    '/api/collects',
    { title: 'Ёлка', occasion: 'new_year', ends_at: '2027-12-31T18:00:00Z' },
    { token: author.token },
  )
  return answer.body.id
}
const give = (body: Json, by = donor, headers: Record<string, string> = {}) =>
  app.post('/api/payments', body, { token: by.token, headers })

// Guarantee: the very next answer after an acknowledged payment shows it, in totals, donors and feed.
test('a payment is in the next answer', async () => {
  const collect = await open()
  await app.get(`/api/collects/${collect}`)
  await app.get('/api/collects')
  const paid = await give({ collect, amount: 1500.5, comment: 'Ура' })
  assert.equal(paid.status, 201, paid.text)
  const { id, created_at, transaction_id, ...rest } = paid.body
  assert.ok(transaction_id)
  assert.deepEqual(rest, {
    collect,
    collect_title: 'Ёлка',
    payer: donor.id,
    full_name: 'Тайный Пётр',
    amount: '1500.50',
    status: 'completed',
    comment: 'Ура',
    is_anonymous: false,
  })
  const detail = (await app.get(`/api/collects/${collect}`)).body
  assert.deepEqual([detail.collected_amount, detail.donors_count, detail.payments_count], ['1500.50', 1, 1])
  const item = { id, amount: '1500.50', created_at, full_name: 'Тайный Пётр', comment: 'Ура' }
  assert.deepEqual(detail.payments, [item])
  assert.deepEqual((await app.get(`/api/collects/${collect}/payments`)).body, {
    count: 1,
    next: null,
    previous: null,
    results: [item],
  })
  assert.equal(
    (await app.get('/api/collects')).body.results.find((c: Json) => c.id === collect).collected_amount,
    '1500.50',
  )
  await give({ collect, amount: '1' })
  await app.post(`/api/collects/${collect}/payments`, { amount: '2.00' }, { token: other.token })
  const after = (await app.get(`/api/collects/${collect}`)).body
  assert.deepEqual([after.collected_amount, after.donors_count, after.payments_count], ['1503.50', 2, 3])
  await app.audit()
})

// Guarantee: a refused payment is told why and changes nothing.
test('a bad payment is refused with its path', async () => {
  const collect = await open()
  for (const [body, path] of [
    [{ collect, amount: '0.99' }, '/amount'],
    [{ collect, amount: 'много' }, '/amount'],
    [{ collect, amount: 1.999 }, '/amount'],
    [{ collect, amount: 5, transaction_id: 'x'.repeat(65) }, '/transaction_id'],
    [{ collect, amount: 5, comment: 'x'.repeat(501) }, '/comment'],
    [{ collect, amount: 5, status: 'completed' }, '/status'],
    [{ collect: 999_999, amount: 5 }, '/collect'],
    [{ amount: 5 }, '/collect'],
  ] as [Json, string][]) {
    const answer = await give(body)
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, path], answer.text)
  }
  assert.equal((await app.post('/api/collects/999999/payments', { amount: 5 }, { token: donor.token })).status, 404)
  assert.equal((await app.post('/api/payments', { collect, amount: 5 })).status, 401)
  assert.equal((await app.get(`/api/collects/${collect}`)).body.payments_count, 0)
})

// Guarantee: one transaction_id is one payment, whoever sends it and however many at once.
test('a transaction_id serves once', async () => {
  const collect = await open()
  const first = await give({ collect, amount: 5, transaction_id: 'bank-1' })
  assert.equal(first.status, 201)
  const again = await give({ collect, amount: 5, transaction_id: 'bank-1' }, other)
  assert.equal(again.status, 409)
  assert.equal(again.body.code, 'collects.transaction_id_taken')
  const many = await Promise.all(
    Array.from({ length: 50 }, (_, i) => give({ collect, amount: 1, transaction_id: `bank-${2 + (i % 5)}` })),
  )
  assert.equal(many.filter((m) => m.status === 201).length, 5)
  assert.equal(many.filter((m) => m.status === 409).length, 45)
  assert.equal((await app.get(`/api/collects/${collect}`)).body.collected_amount, '10.00')
})

// Guarantee: a payment with an Idempotency-Key happens once; its first answer is given again; another body is refused.
test('an Idempotency-Key makes a retry safe', async () => {
  const collect = await open()
  const headers = { 'idempotency-key': 'k-1' }
  const many = await Promise.all(Array.from({ length: 20 }, () => give({ collect, amount: '7.00' }, donor, headers)))
  assert.deepEqual(new Set(many.map((m) => m.status)), new Set([201]))
  assert.equal(new Set(many.map((m) => m.text)).size, 1)
  assert.equal(many.filter((m) => m.headers.get('idempotent-replayed') === 'true').length, 19)
  assert.equal((await give({ collect, amount: '8.00' }, donor, headers)).status, 422)
  assert.equal((await give({ collect, amount: '8.00' }, other, headers)).status, 201)
  assert.equal((await give({ collect, amount: '8.00' }, donor, { 'idempotency-key': 'x'.repeat(129) })).status, 400)
  const detail = (await app.get(`/api/collects/${collect}`)).body
  assert.deepEqual([detail.collected_amount, detail.payments_count], ['15.00', 2])
  // A refusal is not stored: the same key works once the reason is gone.
  const closing = await open()
  await app.platform.db
    .updateTable('collects.collects')
    .set({ closed_at: '2026-01-01T00:00:00Z' })
    .where('id', '=', closing)
    .execute()
  assert.equal((await give({ collect: closing, amount: 5 }, donor, { 'idempotency-key': 'k-2' })).status, 409)
  await app.platform.db.updateTable('collects.collects').set({ closed_at: null }).where('id', '=', closing).execute()
  assert.equal((await give({ collect: closing, amount: 5 }, donor, { 'idempotency-key': 'k-2' })).status, 201)
})

// Guarantee: nobody but the payer and administrators learns who gave anonymously, in no list, letter, log or error.
test('who gave anonymously stays hidden', async () => {
  const collect = await open()
  const secret = await person(app, { first_name: 'Невидимка' })
  const paid = await give({ collect, amount: 9, is_anonymous: true, comment: 'от друга' }, secret)
  await drainJobs(app)
  const seen = [
    await app.get('/api/collects'),
    await app.get(`/api/collects/${collect}`),
    await app.get(`/api/collects/${collect}/payments`),
    await app.get('/api/payments', { token: author.token }),
    await app.get(`/api/payments/${paid.body.id}`, { token: author.token }),
    await app.get('/api/payments', { token: other.token }),
    await app.get(`/api/payments/${paid.body.id}`, { token: other.token }),
    await app.patch(`/api/payments/${paid.body.id}`, { comment: 'x' }, { token: author.token }),
  ]
  for (const answer of seen) {
    assert.doesNotMatch(answer.text, new RegExp(`Невидимка|${secret.username}`))
    assert.doesNotMatch(answer.text, new RegExp(`"payer":${secret.id}\\b`))
  }
  assert.equal(seen[4]!.body.payer, null)
  assert.equal(seen[4]!.body.full_name, null)
  assert.equal(seen[6]!.status, 404)
  const refunded = await app.post(`/api/payments/${paid.body.id}/refund`, undefined, { token: author.token })
  assert.doesNotMatch(refunded.text, /Невидимка/)
  assert.equal(refunded.body.payer, null)
  assert.equal((await app.get(`/api/payments/${paid.body.id}`, { token: admin })).body.payer, secret.id)
  assert.equal((await app.get(`/api/payments/${paid.body.id}`, { token: secret.token })).body.payer, secret.id)
  assert.doesNotMatch(app.logs.join(''), /Невидимка/)
})

// Guarantee: a refund happens once and leaves feed, sum and counts; the donor leaves only with their last payment.
test('a refund is exact and happens once', async () => {
  const collect = await open()
  const first = (await give({ collect, amount: 10 })).body
  const second = (await give({ collect, amount: 20 })).body
  const refund = (id: number, token: string) => app.post(`/api/payments/${id}/refund`, undefined, { token })
  assert.equal((await refund(first.id, donor.token)).status, 403)
  assert.equal((await refund(first.id, other.token)).status, 404)
  const many = await Promise.all(Array.from({ length: 8 }, () => refund(first.id, author.token)))
  assert.deepEqual(many.map((m) => m.status).sort(), [200, ...Array(7).fill(409)])
  const detail = (await app.get(`/api/collects/${collect}`)).body
  assert.deepEqual([detail.collected_amount, detail.donors_count, detail.payments_count], ['20.00', 1, 1])
  assert.deepEqual(
    detail.payments.map((p: Json) => p.id),
    [second.id],
  )
  await refund(second.id, admin)
  const empty = (await app.get(`/api/collects/${collect}`)).body
  assert.deepEqual([empty.collected_amount, empty.donors_count, empty.payments_count], ['0.00', 0, 0])
  assert.equal((await app.delete(`/api/payments/${first.id}`, { token: admin })).status, 405)
  assert.deepEqual(
    (await app.get('/api/payments?status=refunded', { token: donor.token })).body.results
      .map((p: Json) => p.id)
      .slice(0, 2),
    [second.id, first.id],
  )
  await app.audit()
})

// Guarantee: only the payer changes a payment, and only its words and anonymity.
test('a payer changes comment and anonymity only', async () => {
  const collect = await open()
  const { id } = (await give({ collect, amount: 10, comment: 'a' })).body
  const path = `/api/payments/${id}`
  assert.equal((await app.patch(path, { comment: 'b' }, { token: author.token })).status, 403)
  assert.equal((await app.patch(path, { comment: 'b' }, { token: other.token })).status, 404)
  assert.equal((await app.patch(path, { amount: '1.00' }, { token: donor.token })).status, 400)
  assert.equal((await app.patch(path, { comment: 'b', is_anonymous: true }, { token: donor.token })).status, 200)
  const [item] = (await app.get(`/api/collects/${collect}/payments`)).body.results
  assert.deepEqual([item.comment, item.full_name], ['b', null])
})

// Guarantee: a change of a name is in the next answer of every feed that shows it.
test('a new name shows in cached feeds', async () => {
  const collect = await open()
  const renamed = await person(app, { first_name: 'Мария' })
  await give({ collect, amount: 3 }, renamed)
  const name = async () => (await app.get(`/api/collects/${collect}/payments`)).body.results[0].full_name
  assert.equal(await name(), 'Мария')
  await app.patch('/api/profile', { last_name: 'Новая' }, { token: renamed.token })
  assert.equal(await name(), 'Новая Мария')
})

// Guarantee: the feed is walked by cursor forth and back without a gap or a repeat, and page= reaches the same rows.
test('a feed is walked by cursor', async () => {
  const collect = await open()
  const made = await Promise.all(Array.from({ length: 25 }, () => give({ collect, amount: 1 })))
  const ids = made.map((m) => m.body.id).sort((a, b) => b - a)
  const walk = async (start: string, link: 'next' | 'previous') => {
    const seen: number[][] = []
    for (let path: string | null = start; path; ) {
      const { body }: { body: Json } = await app.get(path)
      seen.push(body.results.map((r: Json) => r.id))
      path = body[link]
    }
    return seen
  }
  const forth = await walk(`/api/collects/${collect}/payments?page_size=10`, 'next')
  assert.deepEqual(forth, [ids.slice(0, 10), ids.slice(10, 20), ids.slice(20)])
  const second = (await app.get((await app.get(`/api/collects/${collect}/payments?page_size=10`)).body.next)).body
  assert.equal(second.count, null)
  assert.deepEqual(
    (await app.get(second.previous)).body.results.map((r: Json) => r.id),
    ids.slice(0, 10),
  )
  const ascending = await walk(`/api/collects/${collect}/payments?page_size=10&ordering=created_at`, 'next')
  assert.deepEqual(ascending.flat(), [...ids].reverse())
  const page3 = (await app.get(`/api/collects/${collect}/payments?page_size=10&page=3`)).body
  assert.deepEqual([page3.count, page3.results.map((r: Json) => r.id)], [25, ids.slice(20)])
  for (const query of ['cursor=!!', 'cursor=bm9uZQ', 'page=102&page_size=100', 'ordering=amount']) {
    assert.equal((await app.get(`/api/collects/${collect}/payments?${query}`)).status, 400, query)
  }
  const own = await walk(`/api/payments?collect=${collect}&page_size=10`, 'next').catch(() => [])
  assert.deepEqual(own, [])
  const mine = (await app.get(`/api/payments?collect=${collect}&page_size=100`, { token: donor.token })).body
  assert.deepEqual([mine.count, mine.results.map((r: Json) => r.id)], [25, ids])
})

// Guarantee: every payment has exactly one letter to its payer, without a name in what others could read.
test('each payer gets one letter', async () => {
  const collect = await open()
  const paid = await Promise.all(Array.from({ length: 30 }, () => give({ collect, amount: 2 })))
  await drainJobs(app)
  const rows = await app.platform.db
    .selectFrom('platform.outbox')
    .select(['key', 'state', 'to'])
    .where('key', 'like', 'payment-%')
    .execute()
  for (const { body } of paid) {
    assert.deepEqual(
      rows.filter((r) => r.key === `payment-${body.id}`),
      [{ key: `payment-${body.id}`, state: 'sent', to: donor.email }],
    )
  }
})
