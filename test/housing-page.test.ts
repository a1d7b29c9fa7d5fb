import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { sql } from 'kysely'
import type { Page } from 'playwright-core'
import { runTopic } from '../src/housing/billing.ts'
import { transaction } from '../src/platform/database.ts'
import { notify } from '../src/platform/notices.ts'
import { faultsOf, openBrowser, signIn, browserTest as test } from './browser.ts'
import { adminPassword, logInAdmin, person, startApp, type TestApp } from './harness.ts'
import { addApartment, addHouse, addMeter, addReading, monthFromNow, runMonth } from './housing.ts'
import { withRole } from './shop.ts'

let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
let admin: string

before(async () => {
  app = await startApp()
  browser = await openBrowser(app.url)
  admin = await logInAdmin(app)
  for (const [service, price] of [
    ['cold_water', '50.93'],
    ['hot_water', '243.16'],
    ['maintenance', '32.14'],
  ])
    await app.post('/api/tariffs', { service, price, valid_from: '2024-01' }, { token: admin })
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

/** As people read it: every space alike. */
const words = async (page: Page, id: string) => (await page.getByTestId(id).innerText()).replace(/\s/g, ' ')

/** A house with two flats, a year of readings up to the last month but one, which is billed and published. */
async function aHouse() {
  const house = await addHouse(app, admin)
  const flats = [await addApartment(app, admin, house.id), await addApartment(app, admin, house.id)]
  const meters = []
  for (const flat of flats)
    for (const kind of ['cold_water', 'hot_water'])
      meters.push(await addMeter(app, admin, flat.id, { kind, initial_value: '100' }))
  for (const [i, meter] of meters.entries())
    for (let back = 12; back > 1; back--)
      await addReading(app, admin, meter.id, monthFromNow(-back), 100 + (13 - back) * (3 + i))
  await runMonth(app, admin, house.id, monthFromNow(-3), true)
  await runMonth(app, admin, house.id, monthFromNow(-2), true)
  return { house, flats, meters }
}

// Guarantee: a resident joins by the code of a paper, enters readings on a phone of 360 px with a comma, is asked about an
// odd jump and a passed zero, loses nothing by a reload or a lost connection, and reads the published bill and why it differs.
test('a resident joins, enters readings and reads a bill', async () => {
  const { flats, meters } = await aHouse()
  const [flat] = flats
  const olga = await person(app, { first_name: 'Ольга' })
  const { body: paper } = await app.post(`/api/apartments/${flat.id}/join-codes`, {}, { token: admin })
  await using visitor = await browser.visit()
  const { page, context } = visitor
  await signIn(page, olga.username, olga.password)
  await page.goto(`/join#${paper.code}`)
  await page.getByRole('button', { name: 'Присоединиться' }).click()
  await page.getByRole('heading', { name: `Квартира ${flat.number}` }).waitFor()

  const cold = page.getByRole('region', { name: 'Холодная вода' })
  const field = cold.getByRole('textbox')
  assert.equal(await field.getAttribute('inputmode'), 'decimal')
  await field.fill('139,2')
  assert.equal((await cold.getByRole('status').innerText()).replace(/\s/g, ' '), '+6,2 м³ ≈ 315,77 ₽')
  await page.reload()
  assert.equal(await field.inputValue(), '139,2')
  await context.setOffline(true)
  await cold.getByRole('button', { name: 'Передать' }).click()
  await cold.getByText('Нет связи. Число осталось').waitFor()
  await context.setOffline(false)
  await cold.getByRole('button', { name: 'Передать' }).click()
  await cold.getByText('Передано').waitFor()

  const hot = page.getByRole('region', { name: 'Горячая вода' })
  await hot.getByRole('textbox').fill('400')
  await hot.getByRole('alert').getByText('Выходит').waitFor()
  assert.ok(await hot.getByRole('button', { name: 'Передать' }).isDisabled())
  await hot.getByRole('textbox').fill('5')
  await hot.getByRole('button', { name: 'Передать' }).click()
  await hot.getByText('Меньше прошлого показания').waitFor()
  await hot.getByRole('checkbox').check()
  await hot.getByRole('button', { name: 'Всё верно' }).click()
  await hot.getByRole('button', { name: 'Передать' }).click()
  await hot.getByText('Передано').waitFor()
  const { body } = await app.get(`/api/meters/${meters[1].id}/readings?month=${monthFromNow(0)}`, { token: olga.token })
  assert.deepEqual([body.results[0].value, body.results[0].rollover], ['5.000', true])

  await page.getByRole('navigation', { name: 'Разделы квартиры' }).getByRole('link', { name: 'Счета' }).click()
  await page.getByRole('listitem').first().getByRole('link').click()
  // 3 m³ × 50.93 + 4 m³ × 243.16 + 50 m² × 32.14, and the month before unpaid.
  await page.getByTestId('to-pay').waitFor()
  await page.getByText('3,000 м³ × 50,93 ₽ = 152,79 ₽').waitFor()
  assert.equal(await words(page, 'to-pay'), '5 464,86 ₽')
  const address = await page.getByRole('link', { name: /PDF/ }).getAttribute('href')
  const opened = await context.request.get(address ?? '')
  assert.deepEqual([opened.status(), opened.headers()['content-type']], [200, 'application/pdf'])
  await page.getByText('Суммы те же.').waitFor()

  const faults: string[] = []
  for (const path of ['readings', 'bills', 'account', 'water']) {
    await page.goto(`/flat/${flat.id}/${path}`)
    faults.push(...(await faultsOf(page)))
  }
  for (const path of ['/join', page.url()]) {
    await page.goto(path)
    faults.push(...(await faultsOf(page)))
  }
  assert.deepEqual(faults, [])
})

/** A house of 300 flats as a file: a reading of each for two months, but of the last not for flats 7, 8 and 9; five rows are wrong. */
function houseFile(): string {
  const rows = ['Квартира;Площадь;Лицевой счёт;Вид;Заводской номер;Установлен;Начальное показание;Месяц;Показание']
  const serial = Date.now()
  for (let n = 1; n <= 300; n++) {
    const flat = `${n};50,5;F-${n};хвс;${serial}-${n};01.02.2024;${Math.max(0, n - 2)}`
    rows.push(`${flat};${monthFromNow(-2)};${n}`)
    if (n < 7 || n > 9) rows.push(`${flat};${monthFromNow(-1)};${n + 2},5`)
  }
  rows.push('301;сорок;F-301;;;;;;', '302;40;F-1;;;;;;', `1;50,5;F-1;газ;${serial}-x;01.02.2024;0;;`)
  rows.push(`2;50,5;F-2;хвс;${serial}-2;01.02.2024;0;${monthFromNow(2)};99`, ';40;F-303;;;;;;')
  return rows.join('\r\n')
}

// Guarantee: a bookkeeper adds a house of 300 flats from a file and sees its faulty rows beside the file, enters what is missing
// by keyboard alone, previews, runs, compares, publishes; takes money and adds a recalculation.
test('a bookkeeper bills a house', async () => {
  const keeper = await withRole(app, 'bookkeeper')
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await signIn(page, keeper.username, keeper.password)
  await page.getByRole('link', { name: 'Управление' }).click()
  await page.getByRole('link', { name: 'Дома' }).click()
  await page.getByRole('button', { name: 'Новый дом' }).click()
  await page.getByLabel('Адрес', { exact: true }).fill('Дворск, Речная, 300')
  await page.getByRole('button', { name: 'Добавить' }).click()
  await page.waitForURL('**/import')
  const house = Number(page.url().split('/').at(-2))
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'дом.csv', mimeType: 'text/csv', buffer: Buffer.from(houseFile()) })
  await page.getByText('5 строк с ошибками').first().waitFor()
  const faulty = page.getByRole('region', { name: '5 строк с ошибками' })
  await faulty.getByRole('row').filter({ hasText: '301;сорок;F-301' }).waitFor()
  // A column that is taken for nothing is told of before anything is kept.
  await page.getByRole('combobox', { name: 'Площадь' }).waitFor()
  const faults = await faultsOf(page)
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('button', { name: 'Загрузить без ошибочных' }).click()
  await page.getByText('Загружено').waitFor()
  const { body: kept } = await app.get(`/api/houses/${house}`, { token: keeper.token })
  assert.equal(kept.apartments_count, 300)
  await runMonth(app, admin, house, monthFromNow(-2))

  // By keyboard alone: a number, Enter, the next one; then a column pasted from a spreadsheet.
  await page.goto(`/admin/houses/${house}/readings?missing=true`)
  await page.getByText('Не хватает 3 показаний').waitFor()
  await page.getByRole('textbox', { name: 'Квартира 7, Холодная вода' }).focus()
  await page.keyboard.type('9,5')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'Квартира 8, Холодная вода')
  await page.evaluate(`{
    const data = new DataTransfer()
    data.setData('text', '10,25\\n6\\n')
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
  }`)
  await page.getByRole('button', { name: 'Прошёл через ноль' }).waitFor()
  await page.getByRole('textbox', { name: 'Квартира 9, Холодная вода' }).fill('90')
  await page.keyboard.press('Enter')
  await page.getByText('много, проверьте').waitFor()
  await page.getByText('Не хватает 0 показаний').waitFor()
  await page.reload()
  await page.getByText('Все показания на месте').waitFor()

  await page.getByRole('link', { name: 'Счета за месяц' }).click()
  await page.getByRole('button', { name: 'Проверить' }).click()
  await page.getByRole('status').filter({ hasText: 'Квартир' }).waitFor()
  await page.getByRole('button', { name: 'Рассчитать' }).click()
  await page.getByTestId('run').waitFor()
  const largest = page.getByRole('region', { name: '3. Сравнение' }).getByRole('row').nth(1)
  assert.equal((await largest.getByRole('rowheader').innerText()).trim(), '9')
  await page.getByRole('button', { name: 'Опубликовать' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Опубликовать' }).click()
  await page.getByText('Опубликовано').waitFor()
  await page.getByRole('button', { name: 'Все счета одним PDF' }).click()
  await page.getByRole('link', { name: 'Открыть все счета (PDF)' }).waitFor({ timeout: 60_000 })
  const { body: runs } = await app.get(`/api/houses/${house}/billing-runs?month=${monthFromNow(-1)}`, {
    token: keeper.token,
  })
  assert.ok(runs.results[0].published_at)
  faults.push(...(await faultsOf(page)))

  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('link', { name: 'Должники' }).click()
  await page.getByRole('button', { name: 'Принять оплату: квартира 9', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Принять оплату' }).click()
  await page.getByText('Остаток квартиры 9: 0 ₽').waitFor()
  const flat = kept.apartments.find((a: { number: string }) => a.number === '9').id
  await page.goto(`/admin/flats/${flat}`)
  await page.getByRole('button', { name: 'Перерасчёт' }).click()
  await page.getByLabel('Сумма, ₽').fill('−150')
  await page.getByLabel('Причина').fill('Воды не было три дня')
  await page.getByRole('dialog').getByRole('button', { name: 'Перерасчёт' }).click()
  await page.getByText('войдёт в следующий счёт').first().waitFor()
  const { body: account } = await app.get(`/api/apartments/${flat}`, { token: keeper.token })
  assert.equal(account.balance, '0.00')

  for (const path of [
    '/admin/houses',
    `/admin/houses/${house}/flats?search=1`,
    `/admin/houses/${house}/readings`,
    `/admin/houses/${house}/debtors`,
    `/admin/houses/${house}/settings`,
    `/admin/flats/${flat}`,
    '/admin/tariffs',
  ]) {
    await page.goto(path)
    faults.push(...(await faultsOf(page)))
  }
  await page.goto(`/admin/houses/${house}/run`)
  await page.getByRole('button', { name: 'EN', exact: true }).click()
  await page.getByRole('heading', { name: '4. Publish' }).waitFor()
  faults.push(...(await faultsOf(page)))
  assert.deepEqual(faults, [])
})

// Guarantee: a run is watched live, is found again after a reload, and is stopped from its page.
test('a run tells how far it is', async () => {
  await using idle = await startApp({}, { worker: false })
  const token = await logInAdmin(idle)
  const house = await addHouse(idle, token)
  for (let n = 0; n < 4; n++) await addApartment(idle, token, house.id)
  await using visitor = await browser.visit({ width: 1280, url: idle.url })
  const { page } = visitor
  await signIn(page, 'admin', adminPassword)
  await page.goto(`/admin/houses/${house.id}/run`)
  await page.getByRole('button', { name: 'Рассчитать' }).click()
  await page.getByText('Ждёт своей очереди').waitFor()
  const { body } = await idle.get(`/api/houses/${house.id}/billing-runs`, { token })
  const { id } = body.results[0]
  const { db } = idle.platform
  await sql`update housing.billing_runs set status = 'running', total = 4, processed = 1, started_at = now() where id = ${id}`.execute(
    db,
  )
  await transaction(db, (tx) => notify(tx, runTopic(id)))
  await page.getByText('Готово 1 из 4').waitFor({ timeout: 5000 })
  await page.reload()
  await page.getByText('Готово 1 из 4').waitFor()
  const faults = await faultsOf(page)
  await page.getByRole('button', { name: 'Остановить' }).click()
  await page.getByText('Прошлый расчёт остановлен').waitFor()
  assert.deepEqual(faults, [])
})

// Guarantee: an office starts every house at once and sees how far they are; finds a house for a
// tariff among more than a list holds; and reads what a reading was before it was corrected, when and by whom.
test('an office with many houses', async () => {
  await using town = await startApp()
  const token = await logInAdmin(town)
  const houses = []
  for (let n = 0; n < 24; n++) houses.push(await addHouse(town, token, { address: `Заречная, ${n + 1}` }))
  const flat = await addApartment(town, token, houses[0].id)
  const meter = await addMeter(town, token, flat.id)
  const reading = await addReading(town, token, meter.id, monthFromNow(-1), 12)
  assert.equal((await town.patch(`/api/readings/${reading.id}`, { value: '15.5' }, { token })).status, 200)
  await using visitor = await browser.visit({ width: 1280, url: town.url })
  const { page } = visitor
  const faults: string[] = []
  const look = async () => faults.push(...(await faultsOf(page)))
  await signIn(page, 'admin', adminPassword)
  await page.goto('/admin/houses')
  await look()
  await page.getByRole('link', { name: 'Расчёт всех домов' }).click()
  await page.getByRole('heading', { name: 'Счета всех домов' }).waitFor()
  await page.getByRole('button', { name: /^Рассчитать/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Рассчитать' }).click()
  await page.getByText('Домов готово').waitFor()
  await page.getByText('домов: 24').waitFor()
  await look()

  await page.goto('/admin/tariffs')
  await page.getByRole('button', { name: 'Новый тариф' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Цена, ₽').fill('45')
  await dialog.getByRole('combobox', { name: 'Где действует' }).fill('Заречная, 24')
  await page.getByRole('option', { name: 'Заречная, 24' }).click()
  await dialog.getByRole('button', { name: 'Добавить' }).click()
  await page.getByRole('heading', { name: 'Заречная, 24' }).waitFor()
  await look()

  await page.goto(`/admin/flats/${flat.id}`)
  const history = page.getByRole('button', { name: `История счётчика ${meter.serial}` })
  await history.waitFor()
  await look()
  await history.click()
  await page.getByText(/до исправления 12; исправлено: admin/).waitFor()
  assert.deepEqual(faults, [])
})
