import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { faultsOf, openBrowser, signIn, browserTest as test } from './browser.ts'
import { logInAdmin, person, startApp, type TestApp } from './harness.ts'
import { addApartment, addHouse, addMeter, addReading, monthFromNow, runMonth } from './housing.ts'

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

  await page.getByRole('link', { name: 'Счета' }).click()
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
