import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { faultsOf, openBrowser, settle, signIn, browserTest as test } from './browser.ts'
import { eventually, type Person, person, startApp, type TestApp } from './harness.ts'
import { fakeGateway } from './sms.ts'

let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
let gateway: Awaited<ReturnType<typeof fakeGateway>>
let anna: Person

before(async () => {
  gateway = await fakeGateway()
  app = await startApp({ SMS_URL: gateway.url, SMS_TOKEN: 'secret', RATE_LIMITS: 'on' })
  browser = await openBrowser(app.url)
  anna = await person(app, { first_name: 'Анна', last_name: 'Соколова' })
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
  await gateway?.[Symbol.asyncDispose]()
})

const admin = (page: Page) => signIn(page, 'admin', 'the-admin-of-tests')

// Guarantee: the step of the code outlives a reload; the same number again is asked for its code, not refused; a code with a
// space is taken; whoever is new is asked for their name right away.
test('logging in by phone', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  const ask = async () => {
    await page.getByText('По телефону').click()
    await page.getByLabel('Телефон', { exact: true }).fill('8 912 000-11-22')
    await page.getByRole('button', { name: 'Получить код' }).click()
  }
  await page.goto('/sign-in')
  await ask()
  const code = page.getByLabel('Код из SMS')
  await code.waitFor()
  await page.reload()
  await code.waitFor()
  await page.getByText('8 912 000-11-22').waitFor()
  await page.getByRole('button', { name: 'Другой номер' }).click()
  await page.getByLabel('Телефон', { exact: true }).fill('8 912 000-11-22')
  await page.getByRole('button', { name: 'Получить код' }).click()
  await code.waitFor()
  const sent = await gateway.codeFor('79120001122')
  await code.fill(`${sent.slice(0, 3)} ${sent.slice(3)}`)
  await page.getByRole('button', { name: 'Подтвердить' }).click()
  await page.getByLabel('Как вас зовут?').fill('Галина')
  await page.getByRole('button', { name: 'Продолжить' }).click()
  await page.getByRole('heading', { name: 'Здравствуйте, Галина!' }).waitFor()
})

// Guarantee: a change of role is asked about by name, says what happened and is undone from there; people are found by ё or е,
// two words and a number in any spelling.
test('roles are changed on purpose, and people are found', async () => {
  const who = await person(app, { first_name: 'Семён', last_name: 'Ёлкин' })
  await app.platform.pool.query(`update accounts.users set phone = '79261112233' where id = $1`, [who.id])
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await admin(page)
  const row = page.getByRole('listitem').filter({ hasText: 'Ёлкин Семён' })
  for (const search of ['семен елкин', '+7 (926) 111-22-33']) {
    await page.goto(`/admin/users?search=${encodeURIComponent(search)}`)
    await row.waitFor()
    assert.equal(await page.getByRole('main').getByRole('listitem').count(), 1)
  }
  const roleOf = async () =>
    (await app.platform.pool.query('select role from accounts.users where id = $1', [who.id])).rows[0].role
  await row.getByRole('combobox').click()
  await page.getByRole('option', { name: 'Бухгалтер' }).click()
  const dialog = page.getByRole('dialog', { name: 'Сменить роль?' })
  await dialog.getByText('Ёлкин Семён: была роль «Житель», станет «Бухгалтер»').waitFor()
  assert.equal(await roleOf(), 'user')
  await dialog.getByRole('button', { name: 'Сменить роль' }).click()
  await page.getByText('Ёлкин Семён: роль теперь «Бухгалтер»').waitFor()
  assert.equal(await roleOf(), 'bookkeeper')
  await page.getByRole('button', { name: 'Отменить' }).click()
  await eventually('the role is back', async () => (await roleOf()) === 'user')
})

// Guarantee: words at fields say what a person should do, all of them at once, and an expected refusal bears no number of its
// request.
test('faults speak to people', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  await page.goto('/collects/new')
  await page.getByLabel('Последний день').fill('')
  await page.getByLabel('Цель, ₽').fill('много')
  await page.getByRole('button', { name: 'Открыть сбор' }).click()
  await page.getByText('Заполните это поле.').first().waitFor()
  await page.getByText('Введите сумму цифрами, например 1500 или 1500,50.').waitFor()
  await page.getByText('Выберите день и время.').waitFor()
  assert.equal(await page.locator('[aria-invalid=true]').count(), 3)
  await page.goto('/profile')
  await page.getByLabel('Код того, кто позвал вас').fill('AAAAAA')
  await page.getByRole('button', { name: 'Принять' }).click()
  await page.locator('[aria-invalid=true]').waitFor()
  assert.equal(await page.getByText(/Номер запроса/).count(), 0)
})

// Guarantee: a login that ends keeps what was typed: the person signs in where they are, and it is sent.
test('an expired login keeps what was typed', async () => {
  const ends_at = new Date(Date.now() + 9 * 86_400_000).toISOString()
  const { body } = await app.post('/api/collects', { title: 'Лавка', occasion: 'yard', ends_at }, { token: anna.token })
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  await page.goto(`/collects/${body.id}/edit`)
  await page.getByLabel('Название').fill('Лавка у пруда')
  await app.platform.pool.query('update accounts.logins set ended_at = now() where user_id = $1', [anna.id])
  await app.platform.pool.query('update accounts.users set token_version = token_version + 1 where id = $1', [anna.id])
  await page.getByRole('button', { name: 'Сохранить' }).click()
  const dialog = page.getByRole('dialog', { name: 'Войдите ещё раз' })
  await dialog.getByLabel('Пароль', { exact: true }).fill(anna.password)
  await dialog.getByRole('button', { name: 'Войти' }).click()
  await page.getByRole('heading', { level: 1, name: 'Лавка у пруда' }).waitFor()
  assert.equal((await app.get(`/api/collects/${body.id}`)).body.title, 'Лавка у пруда')
  // The form that is done is not behind the page.
  await page.goBack()
  await page.waitForURL((url) => !url.pathname.endsWith('/edit'))
})

// Guarantee: without a network a tab that was not visited keeps the bars and says so, and comes by itself when it is back; the
// banner stays in view.
test('a lost network', async () => {
  await using visitor = await browser.visit()
  const { page, context } = visitor
  await page.goto('/collects')
  await settle(page)
  await context.setOffline(true)
  await page.getByText('Нет связи.', { exact: false }).waitFor()
  await page.getByRole('navigation', { name: 'Разделы' }).last().getByRole('link', { name: 'Войти' }).click()
  await page.getByRole('heading', { name: 'Не получилось загрузить' }).waitFor()
  await page.getByRole('navigation', { name: 'Разделы' }).last().getByRole('link', { name: 'Сборы' }).waitFor()
  await page.evaluate('scrollTo(0, 9999)')
  assert.ok(await page.getByText('Нет связи.', { exact: false }).isVisible())
  await context.setOffline(false)
  await page.getByRole('heading', { name: 'С возвращением' }).waitFor()
})

// Guarantee: a browser that forbids storage and knows no BroadcastChannel shows the app all the same.
test('a browser without a memory', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  await page.addInitScript(`
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })
    delete window.BroadcastChannel`)
  await page.goto('/collects')
  await page.getByRole('heading', { level: 1, name: 'Сборы' }).waitFor()
  await signIn(page, anna.username, anna.password)
  await page.getByRole('heading', { name: 'Здравствуйте, Анна!' }).waitFor()
})

// Guarantee: cards of collects are called by their headings; a change of page puts the focus on its heading; /admin leads to
// the first page of who manages; a page that is no more becomes the last one; nothing on a phone is wider than it.
test('names, focus and addresses', async () => {
  const ends_at = new Date(Date.now() + 9 * 86_400_000).toISOString()
  const { token } = await person(app)
  await app.post('/api/collects', { title: 'Качели', occasion: 'yard', ends_at }, { token })
  await using visitor = await browser.visit()
  const { page } = visitor
  await admin(page)
  await page.goto('/collects?page=999&status=any')
  await page.getByRole('link', { name: 'Качели', exact: true }).click()
  await page.waitForURL(/collects\/\d+$/)
  await page.getByRole('heading', { level: 1, name: 'Качели' }).waitFor()
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Качели')
  await page.goto('/admin')
  await page.waitForURL(/\/admin\/.+/)
  const faults: string[] = []
  for (const path of ['/profile', '/admin/users']) {
    await page.goto(path)
    faults.push(...(await faultsOf(page)))
  }
  assert.deepEqual(faults, [])
  await page.goto('/profile')
  await settle(page)
  const clipped = (await page.evaluate(`[...document.querySelectorAll('.mantine-SegmentedControl-label')]
    .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)`)) as string[]
  assert.deepEqual(clipped, [])
})
