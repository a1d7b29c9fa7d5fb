import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { faultsOf, openBrowser, settle, signIn, browserTest as test } from './browser.ts'
import { drainJobs, logInAdmin, type Person, person, startApp, type TestApp } from './harness.ts'
import { addApartment, addHouse, monthFromNow, runMonth } from './housing.ts'
import { addProduct, bought } from './shop.ts'

let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
let admin: string
let anna: Person
let collect: number

before(async () => {
  app = await startApp()
  browser = await openBrowser(app.url)
  admin = await logInAdmin(app)
  anna = await person(app, { first_name: 'Анна', last_name: 'Соколова' })
  const house = await addHouse(app, admin, { address: 'Садовая улица, 12' })
  await addApartment(app, admin, house.id, { number: '5', residents: [anna.id], area: '40' })
  const tariff = { service: 'maintenance', price: '30', valid_from: '2020-01', house: house.id }
  await app.post('/api/tariffs', tariff, { token: admin })
  await runMonth(app, admin, house.id, monthFromNow(-1), true)
  const product = await addProduct(app, admin)
  const order = await bought(app, anna.token, [product.id, 1])
  await app.patch(`/api/orders/${order.id}`, { status: 'processing' }, { token: admin })
  const ends_at = new Date(Date.now() + 2 * 86_400_000).toISOString()
  const body = { title: 'Ёлка во двор', occasion: 'new_year', target_amount: '5000', ends_at }
  collect = (await app.post('/api/collects', body, { token: anna.token })).body.id
  await drainJobs(app)
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

// Guarantee: who signs in begins at home: what needs them now with one thing to do about each, by one call; the bar of a phone
// has five places and lights the one that is open; who is signed out stands on the list of collects.
test('home and the bar of a phone', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  const asked: string[] = []
  page.on('request', (request) => {
    if (/\/api\/(collects|orders|apartments|bills|houses)/.test(request.url())) asked.push(request.url())
  })
  await signIn(page, anna.username, anna.password)
  await settle(page)
  await page.getByRole('heading', { name: 'Здравствуйте, Анна!' }).waitFor()
  const cards = page.getByRole('list', { name: 'Что нужно сейчас' }).getByRole('listitem')
  assert.equal(await cards.count(), 3)
  await cards.filter({ hasText: /К оплате 1\s200,00\s₽ до/ }).waitFor()
  assert.deepEqual(asked, [])
  const bar = page.getByRole('navigation', { name: 'Разделы' }).last()
  assert.deepEqual(await bar.getByRole('link').allInnerTexts(), ['Дом', 'Счета', 'Сборы', 'Магазин', 'Ещё'])
  const lit = async () => bar.locator('[aria-current=page]').innerText()
  assert.equal(await lit(), 'Дом')
  for (const [path, tab] of [
    ['/orders', 'Магазин'],
    ['/shop', 'Магазин'],
    [`/collects/${collect}`, 'Сборы'],
    ['/payments', 'Ещё'],
    ['/profile', 'Ещё'],
    ['/flat', 'Счета'],
  ] as const) {
    await page.goto(path)
    await settle(page)
    assert.equal(await lit(), tab, path)
  }
  await page.goto('/')
  await page.getByRole('link', { name: /^Оплатить/ }).click()
  await page.waitForURL(/\/bills\/\d+$/)
  await bar.locator('[aria-current=page]').filter({ hasText: 'Счета' }).waitFor()
  await bar.getByRole('link', { name: 'Ещё' }).click()
  await page.getByRole('button', { name: 'Выйти' }).click()
  await page.waitForURL('**/collects')
  await page.getByRole('heading', { level: 1, name: 'Сборы' }).waitFor()
  await page.goto('/')
  await page.waitForURL('**/collects')
})

// Guarantee: the bell tells how much is unread and forgets it once it was seen; a kind of letters is refused by a switch.
test('the bell and the choice of letters', async () => {
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  await page.getByRole('link', { name: '2 непрочитанных уведомления' }).click()
  await page.getByRole('link', { name: /^Счёт за .+: к оплате 1\s200,00\s₽$/ }).waitFor()
  await page.getByRole('link', { name: 'Уведомления', exact: true }).waitFor()
  const bills = page.getByRole('switch', { name: 'Счета за квартиру' })
  assert.equal(await bills.isChecked(), true)
  await bills.click({ force: true })
  await page.locator('input[role=switch]:not(:checked)').first().waitFor({ state: 'attached' })
  const { body } = await app.get('/api/profile/letters', { token: anna.token })
  const refused = body.results.filter((k: { letter: boolean }) => !k.letter)
  assert.deepEqual(
    refused.map((k: { kind: string }) => k.kind),
    ['housing.bill'],
  )
  await page.getByRole('link', { name: /^Счёт за/ }).click()
  await page.waitForURL(/\/bills\/\d+$/)
})

// Guarantee: axe finds nothing at home and around it, in both languages and themes, on a phone and on a desktop.
test('home is accessible', async () => {
  const faults: string[] = []
  for (const language of ['ru', 'en']) {
    await using visitor = await browser.visit()
    const { page } = visitor
    await signIn(page, anna.username, anna.password)
    await page.evaluate(`localStorage.setItem('dvor-language', '${language}')`)
    for (const path of ['/', '/more', '/notifications', '/collects']) {
      await page.goto(path)
      faults.push(...(await faultsOf(page)))
    }
  }
  assert.deepEqual(faults, [])
})
