import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Billing, billingOf } from '../../test/billing.ts'
import { drainJobs, type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse } from '../../test/housing.ts'

let app: TestApp
let admin: string
let b: Billing
let anna: Person
let boris: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  b = billingOf(app, admin)
  anna = await person(app)
  boris = await person(app)
  await b.tariff('maintenance', '10', '2025-01')
})
after(async () => {
  await app.audit()
  await app[Symbol.asyncDispose]()
})
const pay = (flat: number, amount: string, fields: object = {}, headers: Record<string, string> = {}) =>
  app.post(`/api/apartments/${flat}/payments`, { amount, paid_on: '2026-03-01', ...fields }, { token: admin, headers })
const statement = async (flat: number, query = '', token = admin): Promise<Json> =>
  (await app.get(`/api/apartments/${flat}/statement?${query}`, { token })).body

// Guarantee: the balance of a flat is what was published less what was paid, each row of its statement bears the balance
// after it, and each bill opens with the balance before it, frozen by its publication.
test('bills and money on one account', async () => {
  const house = await addHouse(app, admin)
  const flat = await addApartment(app, admin, house.id, { area: 100, residents: [anna.id] })
  await b.publish(await b.bill(house.id, '2026-01'))
  const paid = await pay(flat.id, '400.5', { reference: 'п/п 17' }, { 'idempotency-key': 'p1' })
  assert.deepEqual([paid.status, paid.body.balance], [201, '599.50'], paid.text)
  const again = await pay(flat.id, '400.5', { reference: 'п/п 17' }, { 'idempotency-key': 'p1' })
  assert.deepEqual([again.body.id, again.headers.get('idempotent-replayed')], [paid.body.id, 'true'])
  const february = await b.bill(house.id, '2026-02')
  const draft = await b.billOf(flat.id, '2026-02')
  assert.deepEqual([draft.opening_balance, draft.to_pay, draft.published_at], ['599.50', '1599.50', null])
  await Promise.all(Array.from({ length: 10 }, () => pay(flat.id, '100')))
  await b.publish(february)
  await pay(flat.id, '1', { bill: draft.id })
  const bill = await b.billOf(flat.id, '2026-02')
  assert.deepEqual([bill.opening_balance, bill.to_pay], ['-400.50', '599.50'])
  const all = await statement(flat.id, 'ordering=id&page_size=100', anna.token)
  assert.deepEqual(
    [all.results[0], all.results[1], all.results.at(-2), all.results.at(-1)].map((r: Json) => [
      r.kind,
      r.detail,
      r.amount,
      r.balance,
    ]),
    [
      ['bill', 'Счёт за январь 2026 г.', '1000.00', '1000.00'],
      ['payment', 'п/п 17', '-400.50', '599.50'],
      ['bill', 'Счёт за февраль 2026 г.', '1000.00', '599.50'],
      ['payment', 'Оплата', '-1.00', '598.50'],
    ],
  )
  assert.deepEqual([all.balance, all.count], ['598.50', 14])
  const walked: number[] = []
  for (let next = `/api/apartments/${flat.id}/statement?page_size=5`; next; ) {
    const { body } = await app.get(next, { token: anna.token })
    walked.push(...body.results.map((r: Json) => r.id))
    next = body.next
  }
  assert.deepEqual(walked, all.results.map((r: Json) => r.id).reverse())
  for (const [wrong, path] of [
    [{ amount: '0' }, '/amount'],
    [{ amount: '-5' }, '/amount'],
    [{ paid_on: '2099-01-01' }, '/paid_on'],
    [{ bill: 999_999 }, '/bill'],
  ] as const) {
    const answer = await pay(flat.id, '1', wrong)
    assert.deepEqual([answer.status, answer.body.errors?.[0].path], [400, path])
  }
  assert.equal((await pay(999_999, '1')).status, 404)
})

// Guarantee: residents see published bills of their own flats; a foreign one is as one that is not there.
test('who sees bills and accounts', async () => {
  const house = await addHouse(app, admin)
  const flat = await addApartment(app, admin, house.id, { residents: [anna.id] })
  const run = await b.bill(house.id, '2026-01')
  const { id } = await b.billOf(flat.id, '2026-01')
  const seen = async (token: string) => [
    (await app.get(`/api/bills/${id}`, { token })).status,
    (await app.get(`/api/bills/${id}/pdf`, { token })).status,
    (await app.get(`/api/apartments/${flat.id}/bills`, { token })).body.results?.length ?? 404,
  ]
  assert.deepEqual(await seen(anna.token), [404, 404, 0])
  await b.publish(run)
  assert.deepEqual(await seen(anna.token), [200, 200, 1])
  assert.deepEqual(await seen(boris.token), [404, 404, 404])
  assert.equal((await app.get(`/api/apartments/${flat.id}/statement`, { token: boris.token })).status, 404)
  for (const path of [
    `/api/houses/${house.id}/bills`,
    `/api/houses/${house.id}/debtors`,
    `/api/billing-runs/${run.id}`,
  ])
    assert.equal((await app.get(path, { token: anna.token })).status, 403)
  // A revision after the publication is for the staff; residents keep what was published.
  await b.tariff('maintenance', '11', '2026-01', house.id)
  await b.bill(house.id, '2026-01')
  const mine = (await app.get(`/api/apartments/${flat.id}/bills`, { token: anna.token })).body.results
  assert.deepEqual(
    mine.map((r: Json) => [r.id, r.revision]),
    [[id, 1]],
  )
  const revised = await b.billOf(flat.id, '2026-01')
  assert.deepEqual([revised.revision, revised.opening_balance], [2, '0.00'])
})

// Guarantee: debtors come largest first; money covers the oldest bill first, and what is left has the age of its bill.
test('debtors and the age of their debts', async () => {
  const house = await addHouse(app, admin)
  const flats = [] as Json[]
  for (const area of [10, 30, 20, 40]) flats.push(await addApartment(app, admin, house.id, { area }))
  for (const [month, days] of [
    ['2026-01', 120],
    ['2026-02', 60],
    ['2026-03', 5],
  ] as const) {
    const run = await b.publish(await b.bill(house.id, month))
    await app.platform.pool.query(
      `update housing.entries e set at = now() - make_interval(days => $2) from housing.run_bills m
       where m.run_id = $1 and e.bill_id = m.bill_id`,
      [run.id, days],
    )
  }
  // 300 × 3 less 400: January is covered, of February 200 are left. 200 × 3 less 600: nothing.
  await pay(flats[1].id, '400')
  await pay(flats[2].id, '600')
  await pay(flats[3].id, '1300')
  const { body } = await app.get(`/api/houses/${house.id}/debtors`, { token: admin })
  assert.deepEqual(
    body.results.map((d: Json) => [d.apartment.id, d.balance, d.days_0_30, d.days_31_90, d.days_over_90]),
    [
      [flats[1].id, '500.00', '300.00', '200.00', '0.00'],
      [flats[0].id, '300.00', '100.00', '100.00', '100.00'],
    ],
  )
  assert.deepEqual([body.count, body.total], [2, '800.00'])
  const ages = body.results.map((d: Json) => Math.round((Date.now() - Date.parse(d.since)) / 86_400_000))
  assert.deepEqual(ages, [60, 120])
})

// Guarantee: a bookkeeper's recalculation is a line of the next published bill, once, with its reason; never of no sum.
test('a recalculation by hand', async () => {
  const house = await addHouse(app, admin)
  const flat = await addApartment(app, admin, house.id, { area: 10 })
  const path = `/api/apartments/${flat.id}/recalculations`
  for (const amount of ['0', '-0.00', '1.005', 'x'])
    assert.equal((await app.post(path, { amount, reason: 'так' }, { token: admin })).status, 400, amount)
  const made = await app.post(path, { amount: -30.5, reason: 'Лифт стоял неделю' }, { token: admin })
  assert.deepEqual([made.status, made.body.amount, made.body.bill], [201, '-30.50', null], made.text)
  const run = await b.bill(house.id, '2026-01')
  const bill = await b.billOf(flat.id, '2026-01')
  assert.deepEqual([bill.total, bill.lines.at(-1).reason], ['69.50', 'Лифт стоял неделю'])
  await b.publish(run)
  assert.equal((await app.get(path, { token: admin })).body.results[0].bill, bill.id)
  await b.bill(house.id, '2026-02')
  assert.equal((await b.billOf(flat.id, '2026-02')).total, '100.00')
})

// Guarantee: of a published run each resident with a confirmed address gets one letter for each flat, and nobody else.
test('letters of a publication', async () => {
  const house = await addHouse(app, admin)
  const people = [anna, boris, await person(app)]
  await app.platform.pool.query('update accounts.users set email_confirmed_at = now() where id = any($1)', [
    [anna.id, boris.id],
  ])
  const one = await addApartment(app, admin, house.id, { residents: people.map((p) => p.id) })
  const two = await addApartment(app, admin, house.id, { residents: [anna.id] })
  const run = await b.publish(await b.bill(house.id, '2026-01'))
  await drainJobs(app)
  const [first, second] = [await b.billOf(one.id, '2026-01'), await b.billOf(two.id, '2026-01')]
  const expected = [`bill-${first.id}-${anna.id}`, `bill-${first.id}-${boris.id}`, `bill-${second.id}-${anna.id}`]
  const files = () =>
    readdirSync(join(app.folder, 'emails')).filter(
      (f) => f.startsWith(`bill-${first.id}-`) || f.startsWith(`bill-${second.id}-`),
    )
  assert.deepEqual(files().sort(), expected.map((k) => `${k}.eml`).sort())
  // The job again, as after a crash, sends none again.
  await app.platform.db
    .transaction()
    .execute((tx) => app.platform.jobs.enqueue(tx, 'housing.letters', [{ run_id: run.id, after: [0, 0] }]))
  await drainJobs(app)
  const { rows } = await app.platform.pool.query(`select key from platform.outbox where key = any($1)`, [expected])
  assert.equal(rows.length, 3)
})
