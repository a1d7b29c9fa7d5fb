import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import jsqr from 'jsqr'
import {
  drainJobs,
  eventually,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { pictureOf, readPdf } from '../../test/pdf.ts'
import { addProduct, bought, hurryRetries } from '../../test/shop.ts'
import { sweepDocuments } from './document.ts'

let app: TestApp
let admin: string
let anna: Person
before(async () => {
  app = await startApp({ PUBLIC_URL: 'https://dvor.example.org' })
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна', last_name: 'Соколова', patronymic: 'Игоревна' })
  const requisites = { payee: 'ТСЖ «Двор»', inn: '7707083893' }
  await app.patch('/api/organisation', { name: 'Наш двор', requisites }, { token: admin })
})
after(() => app[Symbol.asyncDispose]())

const readQr = jsqr as unknown as typeof jsqr.default
const fetchDocument = async (id: number, token: string) => {
  const answer = await fetch(`${app.url}/api/orders/${id}/document`, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, headers: answer.headers, content: Buffer.from(await answer.arrayBuffer()) }
}
const files = (folder: string) => readdirSync(join(app.folder, folder))
const letters = (id: number) => files('emails').filter((f) => f === `order-${id}.eml`)
const documents = (id: number) => files('files/documents').filter((f) => f.startsWith(`order-${id}-`))

// Guarantee: each order gets a PDF that says in Russian who bought what for how much, in an embedded font, with a code
// that leads to the order; it is mailed attached, once.
test('an order gets its document by mail', async () => {
  const tea = await addProduct(app, admin, { name: 'Чай «Ёлочка»', price: '1234.50', stock: 100 })
  const cup = await addProduct(app, admin, { name: 'Чашка', price: '0.99', stock: 100 })
  const order = await bought(app, anna.token, [tea.id, 2], [cup.id, 3])
  await drainJobs(app)
  const { status, headers, content } = await fetchDocument(order.id, anna.token)
  assert.equal(status, 200)
  assert.equal(headers.get('content-type'), 'application/pdf')
  assert.equal(headers.get('content-disposition'), `inline; filename="order-${order.id}.pdf"`)

  const pdf = readPdf(content)
  assert.equal(pdf.pages, 1)
  assert.ok(pdf.fonts.every((f) => /PTSans/.test(f)) && pdf.fonts.length === 2, pdf.fonts.join())
  const today = new Intl.DateTimeFormat('ru', { dateStyle: 'long', timeZone: 'Europe/Moscow' }).format(
    new Date(order.created_at),
  )
  const text = pdf.text.replace(/\s+/g, ' ')
  for (const words of [
    'Наш двор',
    `Заказ № ${order.id}`,
    `от ${today}`,
    'ТСЖ «Двор»',
    'ИНН 7707083893',
    'Соколова Анна Игоревна',
    anna.email,
    'Чай «Ёлочка»',
    '1 234,50',
    '2 469,00',
    'Чашка',
    '0,99',
    '2,97',
    'Итого',
    '2 471,97 ₽',
    'Всего 2 наименования на сумму 2 471,97 ₽',
    `https://dvor.example.org/orders/${order.id}`,
  ])
    assert.ok(text.includes(words), `${words}\nis not in\n${text}`)
  const picture = pictureOf(pdf.rects)
  assert.equal(readQr(picture.data, picture.width, picture.height)?.data, `https://dvor.example.org/orders/${order.id}`)

  const [letter] = letters(order.id)
  const mail = readFileSync(join(app.folder, 'emails', letter!), 'utf8')
  assert.match(mail, new RegExp(`To: ${anna.email}`))
  const base64 = /Content-Type: application\/pdf[\s\S]*?\n\n([\s\S]*?)\n--/.exec(mail)?.[1]
  assert.deepEqual(Buffer.from(base64!, 'base64'), content)
  const outbox = await app.get('/api/outbox?kind=email', { token: admin })
  const sent = outbox.body.results.filter((o: Json) => o.subject === `Заказ № ${order.id} принят`)
  assert.deepEqual(
    sent.map((o: Json) => [o.to, o.state]),
    [[anna.email, 'sent']],
  )
  const detail = (await app.get(`/api/orders/${order.id}`, { token: anna.token })).body
  assert.equal(detail.document, `/api/orders/${order.id}/document`)
  await app.audit()
})

// Guarantee: the document is for its owner and the shop; before it is made there is none.
test('who gets the document', async () => {
  const { id } = await addProduct(app, admin)
  const boris = await person(app)
  const order = await bought(app, anna.token, [id, 1])
  await drainJobs(app)
  await app.platform.db.updateTable('shop.orders').set({ document: null }).where('id', '=', order.id).execute()
  for (const token of [anna.token, admin]) assert.equal((await fetchDocument(order.id, token)).status, 404)
  await remake(order.id)
  assert.equal((await fetchDocument(order.id, anna.token)).status, 200)
  assert.equal((await fetchDocument(order.id, admin)).status, 200)
  assert.equal((await fetchDocument(order.id, boris.token)).status, 404)
  assert.equal((await fetch(`${app.url}/api/orders/${order.id}/document`)).status, 401)
})

/** Runs the job of an order again, as the queue does after a kill. */
async function remake(id: number) {
  await app.platform.db
    .transaction()
    .execute((tx) => app.platform.jobs.enqueue(tx, 'shop.document', [{ order_id: id }]))
  await drainJobs(app)
}

// Guarantee: a job that runs again, whole or from any half, leaves one document with the same bytes and one letter.
test('a repeated job makes nothing twice', async () => {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, anna.token, [id, 1])
  await drainJobs(app)
  const { content } = await fetchDocument(order.id, anna.token)
  const [letter] = letters(order.id)
  const mailed = readFileSync(join(app.folder, 'emails', letter!))
  await remake(order.id)
  // Killed after the file, before the order names it; and with the file lost.
  await app.platform.db.updateTable('shop.orders').set({ document: null }).where('id', '=', order.id).execute()
  await remake(order.id)
  rmSync(join(app.folder, 'files/documents', documents(order.id)[0]!))
  await remake(order.id)
  assert.equal(documents(order.id).length, 1)
  assert.deepEqual((await fetchDocument(order.id, anna.token)).content, content)
  assert.deepEqual(readFileSync(join(app.folder, 'emails', letter!)), mailed)
  const history = (await app.get(`/api/orders/${order.id}/history`, { token: anna.token })).body
  assert.deepEqual(
    history.results.map((e: Json) => [e.event, e.detail]),
    [
      ['created', 'Заказ принят.'],
      ['document', 'Документ готов.'],
    ],
  )
  const { rows } = await app.platform.pool.query('select count(*) n from platform.outbox where key = $1', [
    `order-${order.id}`,
  ])
  assert.equal(rows[0].n, 1)
  await app.audit()
})

// Guarantee: a long order goes over several pages, each numbered, and its sums still fit.
test('a hundred lines', async () => {
  const goods = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      addProduct(app, admin, {
        name:
          i === 50
            ? 'Ж'.repeat(200)
            : `Светильник с датчиком движения для подъезда и лестничной клетки, номер ${i + 1}`,
        price: i ? '10.00' : '9999999999.99',
        stock: 1_000_000,
      }),
    ),
  )
  const order = await bought(
    app,
    anna.token,
    ...goods.map((g): [number, number] => [g.id, g.price === '10.00' ? 1 : 1_000_000]),
  )
  await drainJobs(app)
  const { content } = await fetchDocument(order.id, anna.token)
  const pdf = readPdf(content)
  assert.ok(pdf.pages >= 4, `${pdf.pages} pages`)
  const text = pdf.text.replace(/\s+/g, ' ')
  assert.ok(text.includes(`стр. 1 из ${pdf.pages}`) && text.includes(`стр. ${pdf.pages} из ${pdf.pages}`))
  assert.ok(text.includes('номер 100'))
  assert.ok(text.includes('9 999 999 999 990 990,00 ₽'), 'the sum stands on one line')
})

// Guarantee: while the disk or the mail server fails, the order stands, and the document and its letter come later.
test('faults of disk and mail are repeated', async () => {
  const { id } = await addProduct(app, admin)
  const { files: disk, mail } = app.platform
  let diskFaults = 0
  let mailFaults = 0
  const { keepOnce } = disk
  const { deliver } = mail
  disk.keepOnce = async (...args) => {
    if (diskFaults++ === 0) throw new Error('the disk is full')
    return keepOnce(...args)
  }
  mail.deliver = async (message, signal) => {
    if (mailFaults++ === 0) throw new Error('the mail server is away')
    return deliver(message, signal)
  }
  try {
    const order = await bought(app, anna.token, [id, 1])
    await eventually('the letter is sent', async () => {
      for (const queue of ['shop.document', 'shop.document_mail']) await hurryRetries(app, queue)
      return letters(order.id).length === 1
    })
    assert.ok(diskFaults >= 2 && mailFaults >= 2)
    assert.equal((await fetchDocument(order.id, anna.token)).status, 200)
    assert.equal((await app.get(`/api/orders/${order.id}`, { token: anna.token })).body.status, 'pending')
  } finally {
    Object.assign(disk, { keepOnce })
    Object.assign(mail, { deliver })
  }
  await drainJobs(app)
  await app.audit()
})

// Guarantee: what a crash left behind goes, and nothing else.
test('orphaned documents are swept', async () => {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, anna.token, [id, 1])
  await drainJobs(app)
  const folder = join(app.folder, 'files/documents')
  const [kept] = documents(order.id)
  const old = new Date(Date.now() - 2 * 3_600_000)
  for (const name of ['order-1-orphan.pdf', 'order-2-fresh.pdf', kept!]) {
    if (name !== kept) writeFileSync(join(folder, name), 'x')
    if (!name.includes('fresh')) utimesSync(join(folder, name), old, old)
  }
  await sweepDocuments(app.platform, new AbortController().signal)
  const left = readdirSync(folder)
  assert.deepEqual(
    ['order-1-orphan.pdf', 'order-2-fresh.pdf', kept!].map((f) => left.includes(f)),
    [false, true, true],
  )
})

// Guarantee: an order whose document is gone from the disk is told of.
test('a document that is gone is told of', async () => {
  const { id } = await addProduct(app, admin)
  const order = await bought(app, anna.token, [id, 1])
  await drainJobs(app)
  const [kept] = documents(order.id)
  rmSync(join(app.folder, 'files/documents', kept!))
  app.logs.length = 0
  await sweepDocuments(app.platform, new AbortController().signal)
  const told = app.logs.map((line) => JSON.parse(line)).find((line) => line.msg === 'rows name files that are gone')
  assert.deepEqual(told.rows, [{ id: order.id, key: `documents/${kept}` }])
})

// Guarantee: somebody without an address gets a document and no letter.
test('a buyer without an address', async () => {
  const silent = await person(app)
  await app.platform.db
    .updateTable('accounts.users')
    .set({ email: null, phone: '79991234567' })
    .where('id', '=', silent.id)
    .execute()
  const { id } = await addProduct(app, admin)
  const order = await bought(app, silent.token, [id, 1])
  await drainJobs(app)
  assert.match(readPdf((await fetchDocument(order.id, silent.token)).content).text, /\+7 999 123 45 67/)
  assert.deepEqual(letters(order.id), [])
})
