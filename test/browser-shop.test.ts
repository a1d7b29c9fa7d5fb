import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { faultsOf, openBrowser, signIn, browserTest as test } from './browser.ts'
import { adminPassword, drainJobs, logInAdmin, person, startApp, type TestApp } from './harness.ts'
import { addProduct, bought, stockOf, withRole } from './shop.ts'

let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
let admin: string

before(async () => {
  app = await startApp({ MIN_ORDER_TOTAL: '500.00' })
  browser = await openBrowser(app.url)
  admin = await logInAdmin(app)
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

/** As people read it: every space alike. */
const textOf = async (page: Page, id: string) => (await page.getByTestId(id).innerText()).replace(/\s/g, ' ')

// Guarantee: from the catalogue through the cart to one order, though the button is pressed twice; the stock falls once.
test('a double press orders once', async () => {
  const kettle = await addProduct(app, admin, { name: 'Чайник', price: '1490.50', stock: 10, category: 'electronics' })
  const book = await addProduct(app, admin, { name: 'История района', price: '390.00', stock: 5, category: 'books' })
  const olga = await person(app, { first_name: 'Ольга' })
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, olga.username, olga.password)
  await page.getByRole('link', { name: 'Магазин' }).click()
  await page.getByRole('button', { name: 'В корзину: Чайник' }).click()
  await page.getByRole('group', { name: 'Сколько: Чайник' }).getByRole('button', { name: 'Больше' }).click()
  await page.getByRole('button', { name: 'В корзину: История района' }).click()
  await page.reload()
  await page.getByRole('link', { name: 'Корзина: 2 товара' }).first().click()
  await page.getByRole('button', { name: 'Оформить заказ' }).waitFor()
  assert.equal(await textOf(page, 'total'), '3 371 ₽')

  const keys: (string | undefined)[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/orders'))
      keys.push(request.headers()['idempotency-key'])
  })
  await page.getByRole('button', { name: 'Оформить заказ' }).evaluate((button: { click(): void }) => {
    button.click()
    button.click()
  })
  await page.waitForURL(/orders\/\d+$/)
  await page
    .getByText('Товары')
    .or(page.getByRole('heading', { name: 'Состав' }))
    .first()
    .waitFor()
  assert.equal(await textOf(page, 'total'), '3 371 ₽')
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1])
  const { body } = await app.get('/api/orders', { token: olga.token })
  assert.deepEqual([body.count, body.results[0].total_price], [1, '3371.00'])
  assert.deepEqual([await stockOf(app, kettle.id), await stockOf(app, book.id)], [8, 4])

  // The document, once it is made, opens by the cookie alone.
  const address = await page.getByRole('link', { name: 'Документ (PDF)' }).getAttribute('href')
  const opened = await visitor.context.request.get(address ?? '')
  assert.deepEqual([opened.status(), opened.headers()['content-type']], [200, 'application/pdf'])

  await page.getByRole('button', { name: 'Отменить заказ' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Отменить заказ' }).click()
  await page.getByText('Товары вернулись на склад').first().waitFor()
  assert.equal(await stockOf(app, kettle.id), 10)
  await page.goto('/shop/cart')
  await page.getByText('Корзина пуста').waitFor()
})

// Guarantee: an order whose answer was lost is not made twice, even when the page was loaded anew in between.
test('the same cart again is the same order', async () => {
  const thing = await addProduct(app, admin, { name: 'Саженец', price: '600.00', stock: 10 })
  const nina = await person(app)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, nina.username, nina.password)
  await page.goto(`/shop/${thing.id}`)
  await page.getByRole('button', { name: 'В корзину: Саженец' }).click()
  await page.goto('/shop/cart')
  await page.route(
    '**/api/orders',
    async (route) => {
      await route.fetch()
      await route.abort()
    },
    { times: 1 },
  )
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  await page.getByText('Сервер не отвечает').waitFor()
  assert.equal(await stockOf(app, thing.id), 9)
  await page.reload()
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  await page.waitForURL(/orders\/\d+$/)
  const { body } = await app.get('/api/orders', { token: nina.token })
  assert.deepEqual([body.count, await stockOf(app, thing.id)], [1, 9])
})

// Guarantee: what is short is told at its line in words, can be put right in one press, and the rest of the cart stays.
test('short stock is told at its line', async () => {
  const lamp = await addProduct(app, admin, { name: 'Лампа', price: '700.00', stock: 5 })
  const rug = await addProduct(app, admin, { name: 'Коврик', price: '300.00', stock: 5 })
  const [ivan, rival] = [await person(app), await person(app)]
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await signIn(page, ivan.username, ivan.password)
  const put = async ({ id, name }: { id: number; name: string }) => {
    await page.goto(`/shop/${id}`)
    await page.getByRole('button', { name: `В корзину: ${name}` }).click()
    await page.getByRole('link', { name: /^Корзина: / }).click()
  }
  await put(rug)
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  await page
    .getByRole('alert')
    .filter({ hasText: /Сумма заказа не меньше 500/ })
    .waitFor()
  await put(lamp)
  await page.getByRole('textbox', { name: 'Количество: Лампа' }).fill('4')
  await page.getByText('3 100 ₽').waitFor()
  await bought(app, rival.token, [lamp.id, 3])
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  const line = page.getByRole('listitem').filter({ hasText: 'Лампа' })
  await line.getByText('Товара «Лампа» осталось 2.').waitFor()
  const field = line.getByRole('textbox')
  assert.deepEqual([await field.inputValue(), await field.getAttribute('aria-invalid')], ['4', 'true'])
  assert.equal(await page.getByRole('listitem').filter({ hasText: 'Коврик' }).getByRole('alert').count(), 0)
  await line.getByRole('button', { name: 'Взять 2' }).click()
  await page.getByRole('button', { name: 'Оформить заказ' }).click()
  await page.waitForURL(/orders\/\d+$/)
  assert.deepEqual([await stockOf(app, lamp.id), await stockOf(app, rug.id)], [0, 4])
})

// Guarantee: a storekeeper narrows the orders in the address, moves many at once and reads what became of each.
test('many orders move at once, each with its outcome', async () => {
  const goods = await addProduct(app, admin, { price: '900.00', stock: 50 })
  const [keeper, buyer] = [await withRole(app, 'storekeeper'), await person(app, { first_name: 'Глеб' })]
  const [first, second] = [await bought(app, buyer.token, [goods.id, 1]), await bought(app, buyer.token, [goods.id, 2])]
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await signIn(page, keeper.username, keeper.password)
  await page.goto(`/admin/orders?user=${buyer.id}&status=pending`)
  await page.getByLabel('Выбрать все показанные').check()
  await app.call('PATCH', `/api/orders/${first.id}`, { body: { status: 'cancelled' }, token: buyer.token })
  await page.getByRole('button', { name: 'Перевести' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Перевести' }).click()
  const outcome = page.getByRole('status').filter({ hasText: 'Переведено 1 из 2' })
  await outcome.waitFor()
  const said = await outcome.getByRole('listitem').allInnerTexts()
  assert.deepEqual(said.sort(), [
    `Заказ № ${first.id}: Заказ в состоянии «отменён» нельзя перевести в «собирается».`,
    `Заказ № ${second.id}: собирается`,
  ])
  await page.goto(`/orders/${second.id}`)
  await page.getByRole('button', { name: 'Отметить отправленным' }).click()
  await page.getByText('Вызов принят.').waitFor()
  await app.platform.db.updateTable('shop.orders').set({ shipping: 'failed' }).where('id', '=', second.id).execute()
  await page.reload()
  await page.getByRole('button', { name: 'Вызвать снова' }).click()
  await page.getByText('Вызов принят.').waitFor()
  await page.getByRole('button', { name: 'Отметить доставленным' }).click()
  await page.locator('[aria-current=step]').filter({ hasText: 'Доставлен' }).waitFor()
})

// Guarantee: a product is put on sale and changed in the browser; faults stand at their fields, and stock that was sold
// while the form was open is not written back.
test('a storekeeper keeps the products', async () => {
  const [keeper, buyer] = [await withRole(app, 'storekeeper'), await person(app)]
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, keeper.username, keeper.password)
  await page.goto('/admin/products/new')
  await page.getByLabel('Название').fill('Скворечник')
  await page.getByLabel('Цена, ₽').fill('даром')
  await page.getByLabel('Остаток, шт.').fill('8')
  await page.getByRole('button', { name: 'Выставить на продажу' }).click()
  await page.locator('[aria-invalid=true]').first().waitFor()
  assert.equal(await page.getByLabel('Цена, ₽').getAttribute('aria-invalid'), 'true')
  await page.getByLabel('Цена, ₽').fill('1 250,50')
  await page.getByRole('button', { name: 'Выставить на продажу' }).click()
  await page.getByRole('link', { name: 'Скворечник' }).click()
  await page.getByLabel('Цена, ₽').fill('1300')
  const id = Number(new URL(page.url()).pathname.split('/').at(-1))
  await bought(app, buyer.token, [id, 3])
  await page.getByRole('button', { name: 'Сохранить' }).click()
  await page.waitForURL('**/admin/products')
  const { body } = await app.get(`/api/products/${id}`, { token: buyer.token })
  assert.deepEqual([body.price, body.stock], ['1300.00', 5])
})

// Guarantee: an installation without the shop shows nothing of it.
test('without its module the shop is not in the navigation', async () => {
  await using other = await startApp({ MODULES: 'accounts,collects' }, { worker: false })
  await using visitor = await browser.visit({ width: 1280, url: other.url })
  const { page } = visitor
  await signIn(page, 'admin', adminPassword)
  await page.getByRole('link', { name: 'Управление' }).click()
  await page.getByRole('link', { name: 'Задания' }).waitFor()
  for (const name of ['Магазин', 'Заказы', 'Товары'])
    assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0)
})

// Guarantee: axe finds nothing on any screen of the shop, in both themes, on a phone and on a desktop; none scrolls sideways.
test('every screen is accessible', async () => {
  const things = [
    { name: 'Лейка садовая', price: '640.00', stock: 12, category: 'home', description: 'Пять литров, с насадкой.' },
    { name: 'Видеоглазок «Вега» с датчиком движения', price: '4290.00', stock: 3, category: 'electronics' },
    { name: 'Худи «Наш двор»', price: '2350.00', stock: 40, category: 'clothing' },
    { name: 'Раскраска «Двор»', price: '290.00', stock: 0, category: 'books' },
    { name: 'Замена смесителя', price: '1800.00', stock: 7, category: 'services' },
    { name: 'Ключ от домофона', price: '250.00', stock: 4, category: 'other' },
  ]
  const [can, spyhole, , sold, , key] = await Promise.all(things.map((thing) => addProduct(app, admin, thing)))
  const keeper = await withRole(app, 'storekeeper')
  const vera = await person(app, { first_name: 'Вера', last_name: 'Лебедева' })
  const order = await bought(app, vera.token, [can.id, 2], [spyhole.id, 1], [key.id, 1])
  const gone = await bought(app, vera.token, [can.id, 1])
  const mine = await bought(app, keeper.token, [can.id, 1])
  await app.call('PATCH', `/api/orders/${gone.id}`, { body: { status: 'cancelled' }, token: admin })
  for (const status of ['processing', 'shipped'])
    await app.call('PATCH', `/api/orders/${order.id}`, { body: { status }, token: admin })
  await drainJobs(app)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, keeper.username, keeper.password)
  await page.goto(`/shop/${can.id}`)
  await page.getByRole('button', { name: 'В корзину: Лейка садовая' }).click()
  await page.goto(`/shop/${spyhole.id}`)
  await page.getByRole('button', { name: /^В корзину/ }).click()
  const faults: string[] = []
  for (const path of [
    '/shop',
    '/shop?search=zzzzz&in_stock=true',
    `/shop/${sold.id}`,
    '/shop/cart',
    '/orders',
    `/orders/${mine.id}`,
    `/orders/${order.id}`,
    `/orders/${gone.id}`,
    '/admin/orders',
    '/admin/products',
    '/admin/products/new',
    `/admin/products/${can.id}`,
  ]) {
    await page.goto(path)
    faults.push(...(await faultsOf(page)))
  }
  assert.deepEqual(faults, [])
})
