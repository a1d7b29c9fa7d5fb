import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, type Person, person, startApp, type TestApp } from './harness.ts'
import { addProduct, bought } from './shop.ts'

let app: TestApp
let admin: string
let anna: Person
before(async () => {
  app = await startApp({}, { worker: false })
  admin = await logInAdmin(app)
  anna = await person(app)
})
after(() => app[Symbol.asyncDispose]())

/** Every row of a list, walked by `next`, and how many came back by `previous`. */
async function walked(path: string, token: string) {
  const ids: number[] = []
  let last = ''
  for (let next: string | null = path; next; ) {
    const { status, body, text } = await app.get(next, { token })
    assert.equal(status, 200, text)
    ids.push(...body.results.map((r: Json) => r.id))
    last = next
    next = body.next
  }
  const back: number[] = []
  for (let previous: string | null = last; previous; ) {
    const { body } = await app.get(previous, { token })
    back.unshift(...body.results.map((r: Json) => r.id))
    previous = body.previous
  }
  assert.deepEqual(back, ids, 'back is not as forth')
  return ids
}

// Guarantee: a list is walked forth and back without a gap or a repeat by an ordering that is not that of its ids, also
// where rows share its key, and a cursor of another ordering is refused.
test('a list is walked by any of its orderings', async () => {
  const { id } = await addProduct(app, admin, { stock: 100 })
  const orders: number[] = []
  for (let n = 0; n < 7; n++) orders.push((await bought(app, anna.token, [id, 1])).id)
  // Times cross the ids, three of them are equal, and two differ by a microsecond.
  const times = ['04', '03', '03', '03', '01', '07.000001', '07']
  for (const [n, order] of orders.entries())
    await app.platform.pool.query(`update shop.orders set created_at = $2 where id = $1`, [
      order,
      `2026-01-01T00:00:${times[n]}Z`,
    ])
  const byTime = orders.toSorted((a, b) => {
    const [x, y] = [a, b].map((order) => times[orders.indexOf(order)]!)
    return x === y ? a - b : x! < y! ? -1 : 1
  })
  for (const size of [1, 2, 3]) {
    const all = (ordering: string) => walked(`/api/orders?page_size=${size}${ordering}`, anna.token)
    assert.deepEqual(await all('&ordering=created_at'), byTime)
    assert.deepEqual(await all(''), byTime.toReversed())
    assert.deepEqual(await all('&ordering=id'), orders)
    assert.deepEqual(await all('&ordering=-id'), orders.toReversed())
  }
  const { next } = (await app.get('/api/orders?page_size=1', { token: anna.token })).body
  for (const other of [`${next}&ordering=id`, next.replace(/cursor=[^&]*/, `cursor=${btoa('n1:junk')}`)])
    assert.equal((await app.get(other, { token: anna.token })).status, 400, other)
})

// Guarantee: the first page of a long list counts 10,000 rows and no more, and says of a larger count that it is an estimate.
test('a long list is not counted to its end', async () => {
  const { pool } = app.platform
  const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  await pool.query(
    `insert into collects.payments (collect_id, payer_id, amount, transaction_id)
     select $1, $2, 1, 't' || n from generate_series(1, 10000) n`,
    [id, anna.id],
  )
  const payments = async (token: string, query = '') =>
    (await app.get(`/api/payments?page_size=1${query}`, { token })).body
  for (const token of [anna.token, admin])
    assert.deepEqual([(await payments(token)).count, (await payments(token)).count_is_estimate], [10_000, undefined])
  await pool.query(
    `insert into collects.payments (collect_id, payer_id, amount, transaction_id)
     select $1, $2, 1, 'u' || n from generate_series(1, 90000) n`,
    [id, anna.id],
  )
  await pool.query('analyze collects.payments')
  for (const token of [anna.token, admin]) {
    const { count, count_is_estimate, next } = await payments(token)
    assert.equal(count_is_estimate, true)
    assert.ok(count > 50_000 && count < 300_000, String(count))
    const second = (await app.get(next, { token })).body
    assert.deepEqual([second.count, second.count_is_estimate], [null, undefined])
  }
  assert.equal((await payments(admin, '&status=refunded')).count, 0)
})

// Guarantee: searches of all modules fold letters alike, and what is no letter stands for itself.
test('a search folds letters', async () => {
  const who = await person(app, { first_name: 'Семён', last_name: 'Ёлкин_100%' })
  const collect = { title: 'Ёлка_100%', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  const made = (await app.post('/api/collects', collect, { token: anna.token })).body
  const product = await addProduct(app, admin, { name: 'Ёршик_100%' })
  for (const [path, id, words] of [
    ['/api/admin/users', who.id, ['семен', 'ЁЛКИН', ' елкин_100% ', 'семен елкин', 'Елкин_100%   Сем', who.username]],
    ['/api/collects', made.id, ['елка', 'ЁЛКА', ' ёлка_100% ']],
    ['/api/products', product.id, ['ершик', 'ЁРШИК', ' ёршик_100% ']],
  ] as const) {
    const found = async (search: string) =>
      (await app.get(`${path}?search=${encodeURIComponent(search)}`, { token: admin })).body.results.map(
        (r: Json) => r.id,
      )
    for (const search of words) assert.ok((await found(search)).includes(id), `${path} ${search}`)
    // The shop looks for words and forgives slips, so there it finds what is like it.
    if (path === '/api/products') continue
    for (const search of ['лк%100', 'лкин%100', '_100_']) assert.deepEqual(await found(search), [], `${path} ${search}`)
  }
})

// Guarantee: a person is found by their number in whatever spelling it is typed, by a part of it too, and nobody else is.
test('a search knows spellings of a number', async () => {
  const [boris, vera] = [await person(app), await person(app)]
  for (const [who, phone] of [
    [boris, '79123456789'],
    [vera, '79123456780'],
  ] as const)
    await app.platform.pool.query('update accounts.users set phone = $2 where id = $1', [who.id, phone])
  const found = async (search: string) =>
    (await app.get(`/api/admin/users?search=${encodeURIComponent(search)}`, { token: admin })).body.results.map(
      (r: Json) => r.id,
    )
  for (const search of ['+7 (912) 345-67-89', '8 912 345 67 89', '89123456789', '912 345-67-89', '456789'])
    assert.deepEqual(await found(search), [boris.id], search)
})

// Guarantee: who came by phone and has told no name is a neighbour to others, in the language in which they came.
test('nobody is called by a made-up name', async () => {
  const { rows } = await app.platform.pool.query(`
    insert into accounts.users (username, phone, locale, invite_code) values
      ('user-jk3rpuwf', '79990000001', 'ru', 'AAAAA1'), ('user-jk3rpuwg', '79990000002', 'en', 'AAAAA2'),
      ('user-jk3rpuwh', '79990000003', null, 'AAAAA3')
    returning full_name`)
  assert.deepEqual(
    rows.map((row) => row.full_name),
    ['Сосед', 'Neighbour', 'Сосед'],
  )
})
