import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, type Person, person, startApp, type TestApp } from './harness.ts'
import { addApartment, addHouse } from './housing.ts'
import { addClient, addMailing, aPhone, inSeconds, mailingWhen, startClock } from './mailings.ts'

let app: TestApp
let token: string
let stopClock: () => Promise<void>
before(async () => {
  app = await startApp({ TIMEZONE: 'Asia/Omsk' }, { loops: false })
  token = await logInAdmin(app)
  stopClock = startClock(app)
})
after(async () => {
  await stopClock()
  await app[Symbol.asyncDispose]()
})

const query = async (text: string, values: unknown[] = []) => (await app.platform.pool.query(text, values)).rows
/** Somebody who has proved to hold a number. */
async function resident(phone: string | null, names: Record<string, string> = {}): Promise<Person> {
  const who = await person(app, { first_name: 'Анна', patronymic: 'Львовна', last_name: 'Белова', ...names })
  await query('update accounts.users set phone = $1 where id = $2', [phone, who.id])
  return who
}
const owe = (flat: Json, sum: string) =>
  query('update housing.apartments set balance = $1 where id = $2', [sum, flat.id])
const preview = async (body: object) => {
  const answer = await app.post('/api/mailings/preview', body, { token })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

// Guarantee: the debtors of a house are its residents, each once with all their flats and the sum of what these owe over the
// sum; who has given no phone, or one that cannot be written to, and flats of nobody are counted apart. They become clients
// in the zone of the house with a tag that says where they come from, and who is a client already stays as they are.
test('debtors of a house', async () => {
  const house = await addHouse(app, token, { timezone: 'Asia/Yekaterinburg' })
  const [two, ten, third, empty, paid] = await Promise.all(
    ['2', '10', '3', '4', '5'].map((number) => addApartment(app, token, house.id, { number })),
  )
  const rich = await resident(aPhone())
  const known = await addClient(app, token, { phone: aPhone(), tag: 'мой', timezone: 'Europe/Moscow' })
  const [anna, silent, foreign] = [await resident(aPhone()), await resident(null), await resident('4915112345678')]
  const boris = await resident(known.phone, { first_name: 'Борис', patronymic: '' })
  for (const [flat, ...people] of [
    [two, anna],
    [ten, anna, silent],
    [third, boris, foreign],
    [paid, rich],
  ] as [Json, ...Person[]][])
    for (const one of people) await query('insert into housing.residents values ($1, $2)', [flat.id, one.id])
  for (const [flat, sum] of [
    [two, '1000.50'],
    [ten, '2000'],
    [third, '99.99'],
    [empty, '500'],
    [paid, '0'],
  ] as const)
    await owe(flat, sum)

  const text = '{name}, кв. {apartment}: {sum}. {tag}'
  const all = await preview({ filter: { audience: 'housing.debtors', house: house.id }, text })
  assert.deepEqual([all.count, all.unreachable, all.stopped], [2, 3, 0])
  const texts = all.sample.map((one: Json) => one.text).sort()
  assert.deepEqual(texts, ['Анна Львовна, кв. 2, 10: 3000.50. housing.debtors', 'Борис, кв. 3: 99.99. мой'])
  assert.deepEqual(all.parts, { most: 1, total: 2 })
  const filter = { audience: 'housing.debtors', house: house.id, over: '1000.50' }
  const some = await preview({ filter })
  assert.deepEqual([some.count, some.unreachable, some.parts, some.sample[0].text], [1, 1, null, null])

  assert.deepEqual(
    await query('select from mailings.clients where phone = $1', [
      (await query('select phone from accounts.users where id = $1', [anna.id]))[0].phone,
    ]),
    [],
  )
  const { id, filter: kept } = await addMailing(app, token, { text, filter: { ...filter, over: 0 } })
  assert.deepEqual(kept, { ...filter, over: '0.00' })
  const now = await mailingWhen(app, token, id, 'has begun', (m) => m.started_at)
  assert.deepEqual([now.counts.total, now.unreachable], [2, 3])
  const made = await query(
    `select c.tag, c.timezone, m.fields, m.phone = c.phone same from mailings.messages m join mailings.clients c on c.id = m.client_id
     where m.mailing_id = $1 order by c.tag`,
    [id],
  )
  assert.deepEqual(made, [
    {
      tag: 'housing.debtors',
      timezone: 'Asia/Yekaterinburg',
      fields: { name: 'Анна Львовна', apartment: '2, 10', sum: '3000.50' },
      same: true,
    },
    { tag: 'мой', timezone: 'Europe/Moscow', fields: { name: 'Борис', apartment: '3', sum: '99.99' }, same: true },
  ])
  // Nobody was ever billed for it.
  for (const flat of [two, ten, third, empty]) await owe(flat, '0')
  await app.audit()
})

// Guarantee: residents are those of a house or of all, and those whose flat lacks a reading of a month are told apart.
test('residents, and those without a reading', async () => {
  const house = await addHouse(app, token)
  const [flat, other] = [await addApartment(app, token, house.id), await addApartment(app, token, house.id)]
  const [here, there] = [await resident(aPhone()), await resident(aPhone())]
  await query('insert into housing.residents values ($1, $2), ($3, $4)', [flat.id, here.id, other.id, there.id])
  const [meter] = await query(
    `insert into housing.meters (apartment_id, kind, serial, installed_on)
     select a, 'cold_water', 'A' || a, '2025-01-01' from unnest($1::bigint[]) a returning id, apartment_id`,
    [[flat.id, other.id]],
  )
  await query(`insert into housing.readings (meter_id, month, value) values ($1, '2026-01-01', 5)`, [meter.id])
  const count = async (filter: object) => (await preview({ filter })).count
  assert.equal(await count({ audience: 'housing.residents', house: house.id }), 2)
  assert.ok((await count({ audience: 'housing.residents' })) >= 2)
  const missing = { audience: 'housing.missing_readings', house: house.id }
  assert.equal(await count({ ...missing, month: '2026-01' }), 1)
  assert.equal(await count({ ...missing, month: '2026-02' }), 2)
  await query('update accounts.users set is_active = false where id = $1', [there.id])
  const blocked = await preview({ filter: { audience: 'housing.residents', house: house.id } })
  assert.deepEqual([blocked.count, blocked.unreachable], [1, 1])
})

// Guarantee: the givers of a collect are who gave by name, with their sum, in the installation's zone; a gift without a name
// makes nobody known.
test('givers of a collect', async () => {
  const collect = (
    await app.post('/api/collects', { title: 'Качели', occasion: 'yard', ends_at: inSeconds(86_400) }, { token })
  ).body.id
  const [anna, secret, back] = [await resident(aPhone()), await resident(aPhone()), await resident(aPhone())]
  const give = async (who: Person, amount: string, fields = {}) => {
    const paid = await app.post('/api/payments', { collect, amount, ...fields }, { token: who.token })
    assert.equal(paid.status, 201, paid.text)
    return paid.body.id
  }
  await give(anna, '100')
  await give(anna, '50.50')
  await give(anna, '1000', { is_anonymous: true })
  await give(secret, '70', { is_anonymous: true })
  await app.post(`/api/payments/${await give(back, '10')}/refund`, {}, { token })
  const seen = await preview({ filter: { audience: 'collects.givers', collect }, text: '{name}: {sum}' })
  assert.deepEqual([seen.count, seen.sample[0].text, seen.sample[0].timezone], [1, 'Анна Львовна: 150.50', 'Asia/Omsk'])
})

// Guarantee: what an audience takes is told at its field, and a text may hold what the audience offers, and nothing else.
test('an audience is checked', async () => {
  const refused = async (filter: object, text = 'x') => {
    const answer = await app.post('/api/mailings/preview', { filter, text }, { token })
    assert.equal(answer.status, 400, answer.text)
    return answer.body.errors.map(({ path, code }: Json) => `${path} ${code}`)
  }
  assert.deepEqual(await refused({ audience: 'shop.buyers' }), ['/filter/audience mailings.unknown_audience'])
  assert.deepEqual(await refused({ audience: 'housing.residents', tags: ['a'] }), [
    '/filter/audience mailings.audience_alone',
  ])
  assert.deepEqual(await refused({ audience: 'housing.residents', house: 99_999 }), [
    '/filter/house validation.unknown_id',
  ])
  assert.deepEqual(await refused({ audience: 'housing.residents', house: 'x' }), ['/filter/house validation.type'])
  assert.deepEqual(await refused({ audience: 'housing.debtors', floor: 1 }), [
    '/filter/floor validation.additionalProperties',
  ])
  assert.deepEqual(await refused({ audience: 'housing.debtors', over: '-1' }), ['/filter/over validation.money'])
  assert.deepEqual(await refused({ audience: 'housing.missing_readings' }), ['/filter/month validation.required'])
  assert.deepEqual(await refused({ audience: 'housing.residents' }, '{sum}'), ['/text mailings.unknown_placeholder'])
  const { body } = await app.get('/api/mailings/audiences', { token, headers: { 'accept-language': 'en' } })
  assert.deepEqual(
    body.results.map(({ name, label }: Json) => [name, label]),
    [
      ['collects.givers', 'Givers of a collect'],
      ['housing.residents', 'Residents'],
      ['housing.debtors', 'Debtors'],
      ['housing.missing_readings', 'Readings are missing'],
    ],
  )
  const debtors = body.results[2]
  assert.deepEqual(debtors.parameters.properties.over.title, 'Owe more than')
  const [house] = debtors.parameters.properties.house.oneOf
  const { body: named } = await app.get(`/api/houses/${house.const}`, { token })
  assert.equal(house.title, named.address)
  assert.deepEqual(
    debtors.placeholders.map((p: Json) => p.name),
    ['phone', 'tag', 'name', 'apartment', 'sum'],
  )
})

// Guarantee: a mailing whose audience nobody offers any more is cancelled at its start, and holds up no other.
test('an audience of a module that does not run', async () => {
  const [row] = await query(
    `insert into mailings.mailings (text, starts_at, ends_at, audience, audience_parameters)
     values ('x', now(), now() + interval '1 hour', 'gone.people', '{}') returning id`,
  )
  await mailingWhen(app, token, row.id, 'is cancelled', (m) => m.status === 'cancelled')
})
