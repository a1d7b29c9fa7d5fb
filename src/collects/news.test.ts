import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { type Answer, drainJobs, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let author: Person
let helper: Person
let giver: Person
let stranger: Person
let admin: string
let image: Buffer
before(async () => {
  app = await startApp()
  author = await person(app, { first_name: 'Анна' })
  helper = await person(app, { first_name: 'Борис' })
  giver = await person(app, { first_name: 'Вера' })
  stranger = await person(app, { first_name: 'Глеб' })
  admin = await logInAdmin(app)
  image = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#1f6f50' } })
    .png()
    .toBuffer()
})
after(() => app[Symbol.asyncDispose]())

const made = async (answer: Promise<Answer>) => {
  const { status, body, text } = await answer
  assert.equal(status, 201, text)
  return body
}
const open = async (fields: object = {}) =>
  made(
    app.post(
      '/api/collects',
      { title: 'Скамейки', occasion: 'yard', ends_at: '2027-12-31T18:00:00+03:00', ...fields },
      { token: author.token },
    ),
  )
const give = (collect: number, amount: string, who = giver) =>
  app.post('/api/payments', { collect, amount }, { token: who.token })
const form = (fields: Record<string, string>, file: string) => {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  data.set(file, new Blob([new Uint8Array(image)], { type: 'image/png' }), 'photo.png')
  return data
}
const letters = async (subject: string) =>
  (await app.get('/api/outbox?page_size=100', { token: admin })).body.results.filter((l: { subject: string | null }) =>
    l.subject?.includes(subject),
  )

// Guarantee: news of a collect stands on its page with its picture, whoever gave hears of it once by letter and in the app
// however often they gave, and who refused such letters is told in the app alone; thanks are said once.
test('givers hear of news once', async () => {
  const { id, title } = await open({ title: 'Ёлка для всех' })
  const quiet = await person(app)
  await app.patch('/api/profile/letters', { kind: 'collects.update', letter: false }, { token: quiet.token })
  for (const who of [giver, giver, quiet]) await made(give(id, '100.00', who))
  const path = `/api/collects/${id}/updates`
  const raw = form({ text: 'Ёлка <уже> стоит' }, 'picture')
  const headers = { 'idempotency-key': 'news-1' }
  const update = await made(app.post(path, undefined, { raw, token: author.token, headers }))
  assert.match(update.picture, /^\/files\/updates\/[0-9a-f]{32}-[0-9a-f]{8}\.jpg$/)
  assert.equal((await app.get(update.picture)).headers.get('content-type'), 'image/jpeg')
  await drainJobs(app)
  const told = await letters(title)
  const news = told.filter((l: { subject: string }) => l.subject.includes('новости'))
  assert.deepEqual(
    news.map((l: { to: string }) => l.to),
    [giver.email],
  )
  for (const who of [giver, quiet]) {
    const { body } = await app.get('/api/notifications', { token: who.token })
    const mine = body.results.filter((n: { path: string }) => n.path === `/collects/${id}`)
    assert.deepEqual([mine.length, mine[0].text, mine[0].read_at], [1, '«Ёлка для всех»: есть новости', null])
  }
  assert.deepEqual((await app.get(path)).body.results, [update])

  const thanks = { text: 'Спасибо!', is_thanks: true }
  await made(app.post(path, thanks, { token: author.token }))
  assert.equal((await app.post(path, thanks, { token: author.token })).status, 409)
  assert.equal((await app.post(path, { text: 'x' }, { token: stranger.token })).status, 403)
  assert.equal((await app.post(path, { text: '' }, { token: author.token })).status, 400)
  assert.equal((await app.delete(`${path}/${update.id}`, { token: stranger.token })).status, 403)
  assert.equal((await app.delete(`${path}/${update.id}`, { token: author.token })).status, 204)
  await drainJobs(app)
  assert.equal((await app.get(path)).body.count, 1)
  assert.deepEqual(readdirSync(join(app.folder, 'files', 'updates')), [])
  await app.audit()
})

// Guarantee: the ledger is open to all and adds up: what was spent, what is left, also when two spend at once, and after an
// expense is taken out again with its receipt.
test('the ledger of a collect adds up', async () => {
  const { id } = await open()
  await made(give(id, '1000.00'))
  const path = `/api/collects/${id}/expenses`
  const bill = await made(
    app.post(path, undefined, {
      raw: form({ amount: '300,50'.replace(',', '.'), what: 'Доски', spent_on: '2026-11-01' }, 'receipt'),
      token: author.token,
    }),
  )
  assert.match(bill.receipt, /^\/files\/receipts\//)
  const spend = (amount: string) =>
    made(app.post(path, { amount, what: 'Краска', spent_on: '2026-11-02' }, { token: author.token }))
  await Promise.all([spend('100.00'), spend('50.25'), spend('49.25')])
  const ledger = async () => (await app.get(path)).body
  assert.deepEqual(
    [(await ledger()).count, (await ledger()).spent_amount, (await ledger()).left_amount],
    [4, '500.00', '500.00'],
  )
  assert.equal((await app.get(`/api/collects/${id}`)).body.spent_amount, '500.00')
  assert.equal((await app.delete(`${path}/${bill.id}`, { token: author.token })).status, 204)
  assert.equal((await ledger()).spent_amount, '199.50')
  assert.equal((await app.delete(`${path}/${bill.id}`, { token: author.token })).status, 404)
  const future = await app.post(path, { amount: 1, what: 'Завтра', spent_on: '2099-01-01' }, { token: author.token })
  assert.deepEqual([future.status, future.body.errors[0].path], [400, '/spent_on'])
  assert.equal(
    (await app.post(path, { amount: 1, what: 'x', spent_on: '2026-11-02' }, { token: stranger.token })).status,
    403,
  )
  await app.audit()
})

// Guarantee: a co-organiser may do what the author may, but delete the collect or name others; nobody else may, nor they
// once they are taken off.
test('a co-organiser helps', async () => {
  const { id } = await open()
  const { body: payment } = await give(id, '70.00')
  const may = async (): Promise<number[]> =>
    Promise.all([
      app.patch(`/api/collects/${id}`, { description: 'Новое' }, { token: helper.token }).then((a) => a.status),
      app.get(`/api/collects/${id}/payments.csv`, { token: helper.token }).then((a) => a.status),
      app.get(`/api/payments/${payment.id}`, { token: helper.token }).then((a) => a.status),
      app.post(`/api/collects/${id}/updates`, { text: 'Новость' }, { token: helper.token }).then((a) => a.status),
    ])
  assert.deepEqual(await may(), [403, 403, 404, 403])
  const { body: profile } = await app.get('/api/profile', { token: helper.token })
  const path = `/api/collects/${id}/organisers`
  const named = await made(app.post(path, { user: profile.invite_code.toLowerCase() }, { token: author.token }))
  assert.deepEqual(named, { id: helper.id, full_name: 'Борис' })
  assert.deepEqual((await app.get(`/api/collects/${id}`)).body.organisers, [named])
  assert.deepEqual(await may(), [200, 200, 200, 201])
  assert.equal((await app.post(path, { user: helper.username }, { token: author.token })).status, 409)
  for (const user of ['nobody-here', 999_999, author.id])
    assert.equal((await app.post(path, { user }, { token: author.token })).status, 400)
  assert.equal((await app.post(path, { user: stranger.id }, { token: helper.token })).status, 403)
  assert.equal((await app.delete(`/api/collects/${id}`, { token: helper.token })).status, 403)
  assert.equal((await app.post(`/api/payments/${payment.id}/refund`, undefined, { token: helper.token })).status, 200)
  const { body: told } = await app.get('/api/notifications', { token: giver.token })
  assert.match(told.results[0].text, /^Вам вернули 70,00\s₽ из сбора «Скамейки»$/)
  assert.equal((await app.delete(`${path}/${helper.id}`, { token: author.token })).status, 204)
  assert.equal((await app.delete(`${path}/${helper.id}`, { token: author.token })).status, 404)
  assert.deepEqual(await may(), [403, 403, 404, 403])
})

// Guarantee: a payment above the most that a collect takes is a fault of its sum and adds nothing; the others of its batch
// go through.
test('a collect takes no more than it says at once', async () => {
  const { id, max_amount } = await open({ max_amount: 500 })
  assert.equal(max_amount, '500.00')
  const answers = await Promise.all(['500.00', '500.01', '10.00'].map((amount) => give(id, amount)))
  assert.deepEqual(
    answers.map((a) => a.status),
    [201, 400, 201],
  )
  assert.deepEqual(answers[1]!.body.errors[0].path, '/amount')
  assert.match(answers[1]!.body.errors[0].message, /500\.00/)
  assert.equal((await app.get(`/api/collects/${id}`)).body.collected_amount, '510.00')
  await app.patch(`/api/collects/${id}`, { max_amount: null }, { token: author.token })
  assert.equal((await give(id, '501.00')).status, 201)
  await app.audit()
})

// Guarantee: the feed as CSV has a line for each payment, names nobody who gave anonymously and holds no formula; a poster
// and a receipt are PDFs, and the receipt is the payer's alone; totals are by collect, without what was given back.
test('papers of a collect', async () => {
  const { id } = await open({ title: 'Клумба' })
  const comment = '=1+1'
  await made(app.post('/api/payments', { collect: id, amount: '20', comment }, { token: giver.token }))
  await made(app.post('/api/payments', { collect: id, amount: '30', is_anonymous: true }, { token: giver.token }))
  const csv = (await app.get(`/api/collects/${id}/payments.csv`, { token: author.token })).text.split('\r\n')
  assert.equal(csv[0], 'id,created_at,full_name,amount,comment')
  assert.match(csv[1]!, /,Вера,20\.00,'=1\+1$/)
  assert.match(csv[2]!, /,Анонимно,30\.00,$/)
  const { results } = (await app.get(`/api/payments?collect=${id}`, { token: giver.token })).body
  assert.deepEqual(
    results.map((p: { collect_title: string }) => p.collect_title),
    ['Клумба', 'Клумба'],
  )
  for (const path of [`/api/collects/${id}/poster.pdf`, `/api/payments/${results[0].id}/receipt`]) {
    const answer = await app.get(path, { token: giver.token })
    assert.deepEqual([answer.status, answer.text.slice(0, 5)], [200, '%PDF-'], path)
  }
  assert.equal((await app.get(`/api/payments/${results[0].id}/receipt`, { token: author.token })).status, 404)
  await app.post(`/api/payments/${results[0].id}/refund`, undefined, { token: author.token })
  const totals = (await app.get('/api/payments/totals?page_size=100', { token: giver.token })).body.results
  const mine = totals.find((t: { collect: number }) => t.collect === id)
  assert.deepEqual([mine.title, mine.amount, mine.payments_count], ['Клумба', '20.00', 1])
})
