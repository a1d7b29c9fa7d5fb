import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { faultsOf, openBrowser, settle, signIn, browserTest as test } from './browser.ts'
import { drainJobs, logInAdmin, type Person, person, startApp, type TestApp } from './harness.ts'
import { addProduct, bought } from './shop.ts'

let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
let admin: string
let anna: Person
let boris: Person
let photo: { name: string; mimeType: string; buffer: Buffer }

before(async () => {
  app = await startApp()
  browser = await openBrowser(app.url)
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна' })
  boris = await person(app, { first_name: 'Борис' })
  const image = sharp({ create: { width: 900, height: 600, channels: 3, background: '#3e8659' } })
  photo = { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: await image.jpeg().toBuffer() }
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

const open = async (title: string, fields: object = {}): Promise<number> => {
  const ends_at = new Date(Date.now() + 9 * 86_400_000).toISOString()
  const body = { title, occasion: 'yard', target_amount: '10000.00', ends_at, ...fields }
  const answer = await app.post('/api/collects', body, { token: anna.token })
  assert.equal(answer.status, 201, answer.text)
  return answer.body.id
}
const give = (collect: number, amount: string) => app.post('/api/payments', { collect, amount }, { token: boris.token })
const textOf = async (page: Page, id: string) => (await page.getByTestId(id).innerText()).replace(/\s/g, ' ')

// Guarantee: an organiser tells news with a picture and enters what was spent with a receipt; whoever looks sees both and
// what is left, a link in the words is a link, and a helper who is named by their code may do the same.
test('news and the open ledger of a collect', async () => {
  const id = await open('Клумба у арки', { description: 'Смета: https://example.org/plan.' })
  await give(id, '1000')
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  await page.goto(`/collects/${id}`)
  await page.getByRole('button', { name: 'Рассказать новость' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Что случилось').fill('Посадили тюльпаны')
  await dialog.locator('input[type=file]').setInputFiles(photo)
  await dialog.locator('img').waitFor()
  await dialog.getByRole('button', { name: 'Отправить' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('Посадили тюльпаны').waitFor()
  await page.locator('img[src^="/files/updates/"]').waitFor()

  await page.getByRole('button', { name: 'Записать трату' }).click()
  await dialog.getByLabel('Сумма, ₽').fill('много')
  await dialog.getByRole('button', { name: 'Записать' }).click()
  await dialog.locator('[aria-invalid=true]').first().waitFor()
  assert.equal(await dialog.locator('[aria-invalid=true]').count(), 2)
  await dialog.getByLabel('На что').fill('Луковицы')
  await dialog.getByLabel('Сумма, ₽').fill('350,50')
  await dialog.locator('input[type=file]').setInputFiles(photo)
  await dialog.locator('img').waitFor()
  await dialog.getByRole('button', { name: 'Записать' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('img', { name: 'Чек: Луковицы' }).waitFor()
  assert.deepEqual([await textOf(page, 'spent'), await textOf(page, 'left')], ['350,50 ₽', '649,50 ₽'])

  const { body: profile } = await app.get('/api/profile', { token: boris.token })
  await page.getByRole('button', { name: 'Ещё действия' }).click()
  await page.getByRole('menuitem', { name: 'Соорганизаторы' }).click()
  await dialog.getByLabel('Кого добавить').fill(profile.invite_code)
  await dialog.getByRole('button', { name: 'Добавить' }).click()
  await dialog.getByText('Борис').waitFor()
  await drainJobs(app)

  await using neighbour = await browser.visit({ width: 1280 })
  await signIn(neighbour.page, boris.username, boris.password)
  await neighbour.page.goto(`/collects/${id}`)
  await neighbour.page.getByRole('button', { name: 'Рассказать новость' }).waitFor()
  assert.equal(
    await neighbour.page.getByRole('link', { name: 'https://example.org/plan' }).getAttribute('href'),
    'https://example.org/plan',
  )
  assert.match(
    (await neighbour.page.getByRole('link', { name: 'https://example.org/plan' }).getAttribute('rel'))!,
    /noopener.*nofollow/,
  )
  assert.deepEqual(await faultsOf(neighbour.page), [])
  await using stranger = await browser.visit()
  await stranger.page.goto(`/collects/${id}`)
  await stranger.page.getByText('Посадили тюльпаны').waitFor()
  assert.equal(await stranger.page.getByRole('button', { name: 'Рассказать новость' }).count(), 0)
})

// Guarantee: an answer that is lost and a reload after it do not pay twice, though the person gives again.
test('a payment whose answer was lost is paid once', async () => {
  const id = await open('Ответ потерян')
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, boris.username, boris.password)
  await page.goto(`/collects/${id}`)
  await page.route('**/api/payments', async (route) => {
    await route.fetch()
    await route.abort()
  })
  const press = async () => {
    await page.getByRole('button', { name: '500 ₽', exact: true }).click()
    await page.getByRole('button', { name: 'Дать 500 ₽' }).click()
  }
  await press()
  await page.getByText('Сервер не отвечает').waitFor()
  await page.unroute('**/api/payments')
  await page.reload()
  await press()
  await page.getByText('Спасибо!').waitFor()
  const count = async () => (await app.get(`/api/collects/${id}`)).body.payments_count
  assert.equal(await count(), 1)
  // It is done: the same again is meant.
  await page.getByRole('button', { name: 'Дать ещё' }).click()
  await press()
  await page.getByText('Спасибо!').waitFor()
  assert.equal(await count(), 2)
})

// Guarantee: a sum over ten times what is usually given is asked about once more, and is not paid before; one above the most
// that the collect takes is refused at its field; thanks go when the payment is given back.
test('a slip of the finger is asked about', async () => {
  const id = await open('Лишний ноль', { max_amount: '50000' })
  for (const amount of ['400', '500', '600']) await give(id, amount)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  await page.goto(`/collects/${id}`)
  await page.getByRole('button', { name: 'Другая' }).click()
  const field = page.getByLabel('Другая сумма, ₽')
  await field.fill('60000')
  await page.getByRole('button', { name: /^Дать 60/ }).click()
  await page.getByText(/не больше 50\s000\s₽ за раз\.$/).waitFor()
  await field.fill('5001')
  await page.getByRole('button', { name: /^Дать 5\s001/ }).click()
  const dialog = page.getByRole('dialog', { name: 'Точно столько?' })
  await dialog.getByRole('button', { name: 'Не надо' }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.equal((await app.get(`/api/collects/${id}`)).body.payments_count, 3)
  await page.getByRole('button', { name: /^Дать 5\s001/ }).click()
  await dialog.getByRole('button', { name: /^Дать 5\s001/ }).click()
  await page.getByText('Спасибо!').waitFor()
  const { body } = await app.get(`/api/payments?collect=${id}`, { token: anna.token })
  await app.post(`/api/payments/${body.results[0].id}/refund`, undefined, { token: anna.token })
  await page.getByText('Спасибо!').waitFor({ state: 'detached' })
})

// Guarantee: long words wrap on every page that shows them, on a phone too; own payments are told by their collect without a
// call for each, with a receipt, a mark where they were anonymous, and their sums by collect.
test('long words and own payments', async () => {
  const id = await open(`Сбор ${'длинноеслово'.repeat(14)}`)
  const body = { collect: id, amount: '250', is_anonymous: true, comment: `https://example.org/${'x'.repeat(200)}` }
  await app.post('/api/payments', body, { token: anna.token })
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  const details: string[] = []
  page.on('request', (request) => {
    if (/\/api\/collects\/\d+$/.test(request.url())) details.push(request.url())
  })
  await page.goto('/payments')
  await settle(page)
  await page.getByText(/^Вы, анонимно/).waitFor()
  await page.getByRole('heading', { name: 'Сколько вы дали по сборам' }).waitFor()
  assert.deepEqual(details, [])
  const receipt = await page
    .getByRole('link', { name: /^Квитанция: / })
    .first()
    .getAttribute('href')
  assert.equal((await visitor.context.request.get(receipt!)).headers()['content-type'], 'application/pdf')
  const faults: string[] = []
  for (const path of ['/payments', `/collects/${id}`, `/collects/${id}/edit`, '/collects', '/']) {
    await page.goto(path)
    faults.push(...(await faultsOf(page)))
  }
  assert.deepEqual(faults, [])
})

// Guarantee: a product shows its pictures; an order says where it goes; when a price has changed meanwhile the cart says so
// and nothing is ordered at a sum that nobody saw; what was ordered is ordered again, and the bar shows how much waits.
test('pictures, an address, and a sum that must hold', async () => {
  const product = await addProduct(app, admin, { name: 'Скворечник', price: '1000.00', stock: 20 })
  await using shop = await browser.visit({ width: 1280 })
  await signIn(shop.page, 'admin', 'the-admin-of-tests')
  await shop.page.goto(`/admin/products/${product.id}`)
  for (const n of [1, 2]) {
    await shop.page.locator('input[type=file]').setInputFiles(photo)
    await shop.page.getByRole('button', { name: `Убрать картинку ${n}` }).waitFor()
  }
  assert.deepEqual(await faultsOf(shop.page), [])

  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, boris.username, boris.password)
  await page.goto(`/shop/${product.id}`)
  await page.getByRole('button', { name: 'Картинка 2' }).click()
  await page.locator('[aria-pressed=true][aria-label="Картинка 2"]').waitFor()
  await page.getByRole('button', { name: 'В корзину: Скворечник' }).click()
  await page.getByText('1 товар в корзине').first().waitFor({ state: 'attached' })
  assert.deepEqual(await faultsOf(page), [])
  await page.goto('/shop/cart')
  await page.getByLabel('Куда привезти').fill('Садовая, 12, кв. 5')
  await page.getByLabel('Телефон для связи').fill('8 912 345 67 89')
  await app.patch(`/api/products/${product.id}`, { price: '1200.00' }, { token: admin })
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  await page.getByText(/теперь заказ стоит 1\s200\s₽/).waitFor()
  assert.equal((await app.get('/api/orders', { token: boris.token })).body.count, 0)
  await page
    .getByTestId('total')
    .filter({ hasText: /1\s200\s₽/ })
    .waitFor()
  assert.deepEqual(await faultsOf(page), [])
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  await page.waitForURL(/orders\/\d+$/)
  await page.getByText('Садовая, 12, кв. 5').waitFor()
  await page.getByText('+79123456789').waitFor()
  await page.getByRole('button', { name: 'Заказать ещё раз' }).click()
  await page.waitForURL('**/shop/cart')
  assert.equal(await page.getByLabel('Куда привезти').inputValue(), 'Садовая, 12, кв. 5')
  await page
    .getByTestId('total')
    .filter({ hasText: /1\s200\s₽/ })
    .waitFor()
  await bought(app, boris.token, [product.id, 1])
})
