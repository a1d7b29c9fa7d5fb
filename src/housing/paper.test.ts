import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import jsqr from 'jsqr'
import { type Billing, billingOf } from '../../test/billing.ts'
import { drainJobs, eventually, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse } from '../../test/housing.ts'
import { pictureOf, readPdf } from '../../test/pdf.ts'
import { paymentCode } from './payment-code.ts'

const readQr = jsqr as unknown as typeof jsqr.default
const requisites = {
  payee: 'ТСЖ «Наш двор»',
  inn: '7707083893',
  kpp: '773601001',
  bic: '044525225',
  bank_name: 'ПАО Сбербанк',
  account: '40702810938000000001',
  correspondent_account: '30101810400000000225',
  phone: '+7 495 000-00-00',
  email: 'office@example.org',
}

let app: TestApp
let admin: string
let b: Billing
let anna: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  b = billingOf(app, admin)
  anna = await person(app, { first_name: 'Анна', last_name: 'Соколова', patronymic: 'Петровна' })
  await app.platform.pool.query('update accounts.users set email_confirmed_at = now() where id = $1', [anna.id])
  const set = await app.patch('/api/organisation', { name: 'Наш двор', requisites }, { token: admin })
  assert.equal(set.status, 200, set.text)
  await b.tariff('cold_water', '50.93', '2026-01')
  await b.tariff('cold_water', '54.08', '2026-11')
  await b.tariff('hot_water', '243.16', '2026-01')
  await b.tariff('maintenance', '31.14', '2026-01')
})
after(async () => {
  await app.audit()
  await app[Symbol.asyncDispose]()
})

async function billedFlat() {
  const house = await addHouse(app, admin, { missing_readings: 'average' })
  const flat = await addApartment(app, admin, house.id, { number: '12а', area: '54.3', residents: [anna.id] })
  await b.meter(flat.id, { serial: `ХВ-${flat.id}` }, { '2026-09': '100', '2026-10': '112.345', '2026-11': '124.69' })
  await b.meter(
    flat.id,
    { kind: 'hot_water', serial: `ГВ-${flat.id}` },
    { '2026-06': '1', '2026-07': '3', '2026-08': '5', '2026-09': '8', '2026-10': '10' },
  )
  return { house, flat }
}

const fieldsOf = (code: string) => {
  assert.equal(code.slice(0, 7), 'ST00012')
  const separator = code[7]!
  return Object.fromEntries(
    code
      .slice(8)
      .split(separator)
      .map((f) => [f.slice(0, f.indexOf('=')), f.slice(f.indexOf('=') + 1)]),
  )
}
const decode = (pdf: ReturnType<typeof readPdf>) => {
  const picture = pictureOf(pdf.rects)
  return Buffer.from(readQr(picture.data, picture.width, picture.height)!.binaryData).toString('utf8')
}

// Guarantee: a bill's PDF shows what the bill says, with opening balance, payments and why the sum changed, and its QR
// code, decoded from the page, pays exactly that sum to the account of the organisation.
test('the PDF of a bill and its payment code', async () => {
  const { house, flat } = await billedFlat()
  await b.publish(await b.bill(house.id, '2026-10'))
  const paid = await app.post(
    `/api/apartments/${flat.id}/payments`,
    { amount: '1000', paid_on: '2026-11-05' },
    { token: admin },
  )
  assert.equal(paid.status, 201, paid.text)
  await app.post(
    `/api/apartments/${flat.id}/recalculations`,
    { amount: '-150.5', reason: 'Воды не было 12–14 октября' },
    { token: admin },
  )
  const run = await b.bill(house.id, '2026-11')
  const path = `/api/bills/${(await b.billOf(flat.id, '2026-11')).id}/pdf`
  assert.equal((await app.get(path, { token: anna.token })).status, 404)
  const pdfOf = async (options: object) => {
    const answer = await fetch(app.url + path, { headers: { authorization: `Bearer ${anna.token}`, ...options } })
    assert.equal(answer.headers.get('content-type'), 'application/pdf')
    return Buffer.from(await answer.arrayBuffer())
  }
  await b.publish(run)
  const content = await pdfOf({})
  assert.deepEqual(await pdfOf({}), content, 'the same bill is the same bytes')
  if (process.env.DVOR_LOOK) writeFileSync(process.env.DVOR_LOOK, content)
  const pdf = readPdf(content)
  const text = pdf.text.replace(/\s+/g, ' ')
  const bill = (await app.get(`/api/apartments/${flat.id}/bills?month=2026-11`, { token: anna.token })).body.results[0]
  // October: 12,345 × 50,93 + 2 × 243,16 + 54,30 × 31,14 = 628,73 + 486,32 + 1 690,90
  assert.equal(bill.opening_balance, '1805.95')
  // November: 12,345 × 54,08 + (2 + 2 + 3 + 2) / 4 × 243,16 + 1 690,90 − 150,50
  assert.equal(bill.total, '2755.13')
  for (const words of [
    'ТСЖ «Наш двор»',
    'ИНН 7707083893, КПП 773601001',
    'р/с 40702810938000000001',
    `Лицевой счёт ${flat.account}`,
    `${house.address}, кв. 12а`,
    'Соколова Анна Петровна',
    'Площадь 54,30 м²',
    `Счётчик ХВ-${flat.id}: было 112,345, стало 124,690`,
    'по среднему',
    'Перерасчёт: Воды не было 12–14 октября',
    '12,345 м³ 54,08 ₽ 667,62 ₽',
    'Долг на начало 1 805,95 ₽',
    'Оплачено с прошлого счёта 1 000,00 ₽',
    'Начислено за месяц 2 755,13 ₽',
    'К оплате 4 561,08 ₽',
    'Холодная вода: было 628,73 ₽, стало 667,62 ₽ (+38,89 ₽), тариф был 50,93 ₽, стал 54,08 ₽',
    'Горячая вода: было 486,32 ₽, стало 547,11 ₽ (+60,79 ₽), объём был 2,000, стал 2,250 м³',
  ])
    assert.ok(text.includes(words), `${words}\nis not in\n${text}`)
  assert.equal(pdf.pages, 1)
  assert.deepEqual(fieldsOf(decode(pdf)), {
    Name: 'ТСЖ «Наш двор»',
    PersonalAcc: '40702810938000000001',
    BankName: 'ПАО Сбербанк',
    BIC: '044525225',
    CorrespAcc: '30101810400000000225',
    Sum: '456108',
    Purpose: `ЖКУ за ноябрь 2026 г., л/с ${flat.account}`,
    PayeeINN: '7707083893',
    KPP: '773601001',
    LastName: 'Соколова',
    FirstName: 'Анна',
    MiddleName: 'Петровна',
    PayerAddress: `${house.address}, кв. 12а`,
    PersAcc: flat.account,
    PaymPeriod: '112026',
    ServiceName: 'Платёжный документ',
    TechCode: '02',
  })
  const english = readPdf(await pdfOf({ 'accept-language': 'en' })).text.replace(/\s+/g, ' ')
  assert.match(english, /To pay RUB 4,561\.08|To pay ₽4,561\.08/)

  // The letter that its publication sent bears the same bill.
  await drainJobs(app)
  const letter = readFileSync(join(app.folder, 'emails', `bill-${bill.id}-${anna.id}.eml`), 'utf8')
  assert.match(letter, new RegExp(`To: ${anna.email}`))
  const base64 = /Content-Type: application\/pdf[\s\S]*?\n\n([\s\S]*?)\n--/.exec(letter)?.[1]
  assert.deepEqual(Buffer.from(base64!, 'base64'), content)
})

// Guarantee: fields keep the limits of the standard, the head its 300 bytes, whatever the requisites; another separator
// divides what holds the usual one; without requisites there is no code.
test('the text of the payment code', () => {
  const due = {
    requisites,
    sum: '0.07',
    purpose: 'П'.repeat(300),
    account: '1',
    address: 'А | Б',
    month: '2026-01',
    service: 'ЖКУ',
  }
  const code = paymentCode({
    ...due,
    requisites: { ...requisites, payee: 'Ж'.repeat(160), bank_name: 'Б'.repeat(45) },
  })!
  assert.equal(code[7], '~')
  const fields = fieldsOf(code)
  assert.deepEqual(
    [fields.Sum, fields.PayerAddress, [...fields.Purpose!].length, fields.PaymPeriod],
    ['7', 'А | Б', 160, '012026'],
  )
  const head = code.slice(0, code.indexOf('~Sum'))
  const size = Buffer.byteLength(head)
  assert.ok(size <= 300 && size > 297, `${size} bytes`)
  assert.match(fields.Name!, /^Ж{20,}$/)
  assert.equal(paymentCode({ ...due, requisites: { ...requisites, bic: null } }), undefined)
})

// Guarantee: all bills of a run are one PDF, made by a job once, a page for each flat in the order of the numbers, whose
// codes pay each its own sum; a flat that owes nothing has none. Too many are refused.
test('all bills of a house as one PDF', async () => {
  const house = await addHouse(app, admin)
  for (const number of ['10', '9', '11']) {
    const flat = await addApartment(app, admin, house.id, { number, area: number })
    if (number === '11')
      await app.post(`/api/apartments/${flat.id}/payments`, { amount: '9999', paid_on: '2026-11-05' }, { token: admin })
  }
  const run = await b.bill(house.id, '2026-11')
  const path = `/api/billing-runs/${run.id}/pdf`
  assert.equal((await app.get(path, { token: admin })).status, 404)
  for (const ready of [false, false]) {
    const asked = await app.post(path, undefined, { token: admin })
    assert.deepEqual([asked.status, asked.body.ready], [202, ready])
  }
  const content = await eventually('the PDF is made', async () => {
    const answer = await fetch(app.url + path, { headers: { authorization: `Bearer ${admin}` } })
    return answer.status === 200 && Buffer.from(await answer.arrayBuffer())
  })
  const pdf = readPdf(content)
  assert.equal(pdf.pages, 3)
  assert.deepEqual([...pdf.text.matchAll(/кв\. (\d+)/g)].map((m) => m[1]).slice(0, 3), ['9', '10', '11'])
  assert.match(pdf.text.replace(/\s+/g, ' '), /переплата 9 656,46 ₽/)
  assert.deepEqual((await app.post(path, undefined, { token: admin })).body, { ready: true })
  await app.platform.pool.query(
    'update housing.billing_runs set document = null, total = 501, processed = 501 where id = $1',
    [run.id],
  )
  assert.equal((await app.post(path, undefined, { token: admin })).body.code, 'housing.too_many_bills')
  await app.platform.pool.query('update housing.billing_runs set total = 3, processed = 3 where id = $1', [run.id])
})
