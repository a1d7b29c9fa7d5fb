import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chooseCards } from '../src/platform/home.ts'
import { drainJobs, type Json, logInAdmin, type Person, person, startApp, type TestApp } from './harness.ts'
import { addApartment, addHouse, addMeter, monthFromNow, runMonth } from './housing.ts'
import { addProduct, bought } from './shop.ts'

let app: TestApp
let admin: string
let anna: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна' })
})
after(() => app[Symbol.asyncDispose]())

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
const open = async (token: string, title: string, days: number): Promise<number> =>
  (await app.post('/api/collects', { title, occasion: 'yard', ends_at: inDays(days) }, { token })).body.id
const home = async (token: string): Promise<Json> => {
  const { status, body, text } = await app.get('/api/home', { token })
  assert.equal(status, 200, text)
  return body
}

// Guarantee: one call tells a resident what needs them now, from every module and at most three things: the bill with its
// day, the window of readings with its days, an order on its way, an own collect that ends; and nobody else's.
test('home tells what needs me now', async () => {
  const nothing = await home((await person(app)).token)
  assert.deepEqual([nothing.cards, nothing.notifications, nothing.months], [[], [], []])

  const house = await addHouse(app, admin, { window_from: 1, window_to: 28 })
  const flat = await addApartment(app, admin, house.id, { residents: [anna.id], area: '40' })
  await addMeter(app, admin, flat.id)
  const month = monthFromNow(-1)
  await app.post(
    '/api/tariffs',
    { service: 'maintenance', price: '30', valid_from: '2020-01', house: house.id },
    { token: admin },
  )
  await runMonth(app, admin, house.id, month, true)
  await app.post(`/api/apartments/${flat.id}/payments`, { amount: '200', paid_on: '2026-01-01' }, { token: admin })
  const product = await addProduct(app, admin)
  const order = await bought(app, anna.token, [product.id, 1])
  const far = await open(anna.token, 'Нескоро', 90)
  const soon = await open(anna.token, 'Скоро', 2)
  await drainJobs(app)

  const { cards, live_collects, months, notifications } = await home(anna.token)
  // Which day it is decides their order, and on the last days of a month no window is open.
  const kinds = cards.map((c: Json) => c.kind)
  assert.equal(kinds.length, 3)
  assert.ok(kinds.includes('housing.bill') && kinds.includes('collects.ends'), kinds.join())
  const bill = cards.find((c: Json) => c.kind === 'housing.bill')
  assert.match(bill.text, /^К оплате 1\s000,00\s₽ до 15 /)
  assert.match(bill.path, /^\/bills\/\d+$/)
  const dueDay = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Moscow' }).format(new Date(bill.due))
  assert.equal(dueDay, `${monthFromNow(0)}-15`)
  assert.deepEqual(
    cards.find((c: Json) => c.kind === 'collects.ends'),
    { ...cards.find((c: Json) => c.kind === 'collects.ends'), title: 'Скоро', path: `/collects/${soon}` },
  )
  assert.deepEqual(
    live_collects.map((c: Json) => c.id),
    [soon, far],
  )
  assert.equal(months.length, 12)
  assert.deepEqual(months.at(-1), { month: monthFromNow(0), billed: '1200.00', paid: '0.00' })
  assert.match(notifications[0].text, /^Счёт за .*: к оплате 1\s200,00\s₽$/)

  // The order comes up when something else is done.
  await app.post(`/api/collects/${soon}/close`, undefined, { token: anna.token })
  await app.post(`/api/apartments/${flat.id}/payments`, { amount: '1000', paid_on: '2026-01-01' }, { token: admin })
  const rest = (await home(anna.token)).cards
  assert.ok(rest.every((c: Json) => ['housing.readings', 'shop.order'].includes(c.kind)))
  assert.equal(rest.at(-1).path, `/orders/${order.id}`)
  const english = await app.get('/api/home', { token: anna.token, headers: { 'accept-language': 'en' } })
  assert.match(english.body.cards.at(-1).title, /^Order No\. \d+$/)
})

// Guarantee: of many things the earliest due is first, and no second of a kind stands before the first of another.
test('cards of one kind do not push out the others', () => {
  const card = (kind: string, due: string | null) => ({ kind, due, title: '', text: '', action: '', path: '/' })
  const cards = [
    card('order', null),
    card('bill', '2026-11-15'),
    card('bill', '2026-11-14'),
    card('bill', '2026-11-13'),
    card('collect', '2026-12-01'),
  ]
  assert.deepEqual(
    chooseCards(cards, 3).map(({ kind, due }) => [kind, due]),
    [
      ['bill', '2026-11-13'],
      ['collect', '2026-12-01'],
      ['order', null],
    ],
  )
  assert.deepEqual(
    chooseCards(cards.slice(1, 4), 2).map(({ due }) => due),
    ['2026-11-13', '2026-11-14'],
  )
})

// Guarantee: what somebody was told is theirs alone; reading up to one marks it and all before, and nothing that came later.
test('notifications are read', async () => {
  const [boris, vera] = [await person(app), await person(app)]
  const tell = (n: number) =>
    app.platform.pool.query(
      `insert into platform.notifications (user_id, kind, key, path, params) values ($1, 'shop.order', $2, '/orders/1', $3)`,
      [boris.id, `n${n}`, JSON.stringify({ number: n, context: 'shipped' })],
    )
  await tell(1)
  await tell(2)
  const list = async (who: Person) => (await app.get('/api/notifications', { token: who.token })).body
  const seen = await list(boris)
  assert.deepEqual([seen.unread, seen.results[0].text], [2, 'Заказ № 2 отправлен'])
  await tell(3)
  const until = seen.results[0].id
  assert.equal((await app.post('/api/notifications/read', { until }, { token: vera.token })).status, 204)
  assert.equal((await list(boris)).unread, 3)
  assert.equal((await app.post('/api/notifications/read', { until }, { token: boris.token })).status, 204)
  assert.deepEqual([(await list(boris)).unread, (await list(vera)).count], [1, 0])
  const kinds = (await app.get('/api/profile/letters', { token: boris.token })).body.results
  assert.ok(kinds.every((k: Json) => k.letter && !k.title.includes('letter_kind')))
  assert.ok(kinds.some((k: Json) => k.kind === 'housing.bill'))
  assert.equal(
    (await app.patch('/api/profile/letters', { kind: 'shop.order', letter: false }, { token: boris.token })).status,
    400,
  )
  const after = await app.patch('/api/profile/letters', { kind: 'housing.bill', letter: false }, { token: boris.token })
  assert.equal(after.body.results.find((k: Json) => k.kind === 'housing.bill').letter, false)
})

// Guarantee: every kind of what people are told has words in both languages.
test('every kind of notification has words', () => {
  const translate = app.platform.translate as typeof app.platform.translate & {
    has(locale: string, code: string): boolean
  }
  const missing: string[] = []
  for (const [kind, { letter }] of Object.entries(app.platform.notifications)) {
    for (const locale of ['ru', 'en']) {
      if (letter && !translate.has(locale, kind.replace('.', '.letter_kind.'))) missing.push(`${kind} ${locale} letter`)
    }
  }
  assert.deepEqual(missing, [])
})
