import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { words } from '../web/src/messages.ts'
import { faultsOf, openBrowser, signIn, browserTest as test } from './browser.ts'
import { adminPassword, person, startApp, type TestApp } from './harness.ts'

let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>

before(async () => {
  app = await startApp()
  browser = await openBrowser(app.url)
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()
async function openCollect(token: string, title: string): Promise<number> {
  const body = { title, occasion: 'yard', target_amount: '10000.00', ends_at: tomorrow() }
  const { status, body: made } = await app.post('/api/collects', body, { token })
  assert.equal(status, 201)
  return made.id
}

/** As people read it: every space alike. */
const textOf = async (page: Page, id: string) => (await page.getByTestId(id).innerText()).replace(/\s/g, ' ')

// Guarantee: a newcomer registers, opens a collect with a cover, and a neighbour gives in two taps and sees it at once.
test('from registration to the first payment', async () => {
  await using anna = await browser.visit()
  const { page } = anna
  await page.goto('/collects')
  await page.getByRole('link', { name: 'Открыть сбор' }).first().click()
  await page.getByRole('link', { name: 'Завести аккаунт' }).click()
  await page.getByLabel('Имя', { exact: true }).fill('Анна')
  await page.getByLabel('Фамилия').fill('Соколова')
  await page.getByLabel('Имя пользователя').fill('anna-in-browser')
  await page.getByLabel('Почта').fill('anna-in-browser@example.org')
  await page.getByLabel('Пароль', { exact: true }).fill('red-sparrow-42')
  await page.getByRole('button', { name: 'Завести аккаунт' }).click()
  await page.waitForURL('**/collects/new')

  await page.getByLabel('Название').fill('Скамейки у арки')
  await page.getByRole('radio', { name: 'Двор и дом' }).check()
  await page.getByLabel('Описание').fill('Две скамейки и урна.')
  await page.getByLabel('Цель, ₽').fill('20 000,50')
  const photo = await sharp({ create: { width: 1600, height: 900, channels: 3, background: '#3e8659' } })
    .jpeg()
    .toBuffer()
  await page.locator('input[type=file]').setInputFiles({ name: 'yard.jpg', mimeType: 'image/jpeg', buffer: photo })
  await page.locator('article img').waitFor()
  await page.getByRole('button', { name: 'Открыть сбор' }).click()
  await page.waitForURL(/collects\/\d+$/)
  await page.locator('img[src^="/files/covers/"]').waitFor()
  assert.match((await page.locator('aside').innerText()).replace(/\s/g, ' '), /20 000,50 ₽/)

  await using neighbour = await browser.visit()
  const boris = await person(app, { first_name: 'Борис' })
  await signIn(neighbour.page, boris.username, boris.password)
  await neighbour.page.goto(new URL(page.url()).pathname)
  await neighbour.page.getByRole('button', { name: '500 ₽', exact: true }).click()
  await neighbour.page.getByRole('button', { name: 'Дать 500 ₽' }).click()
  await neighbour.page.getByText('Спасибо!').waitFor()
  await neighbour.page.getByRole('listitem').filter({ hasText: 'Борис' }).getByText('500 ₽').waitFor()
  assert.equal(await textOf(neighbour.page, 'collected'), '500 ₽')
})

// Guarantee: two presses before the first answer are one payment.
test('a double press pays once', async () => {
  const author = await person(app)
  const id = await openCollect(author.token, 'Одним нажатием')
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await signIn(page, author.username, author.password)
  await page.goto(`/collects/${id}?amount=1000`)
  const give = page.getByRole('button', { name: 'Дать 1 000 ₽' })
  await give.waitFor()
  const sent: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/payments')) sent.push(request.url())
  })
  await give.evaluate((button: { click(): void }) => {
    button.click()
    button.click()
  })
  await page.getByText('Спасибо!').waitFor()
  await page.locator('[data-loading]').waitFor({ state: 'detached' })
  const { body } = await app.get(`/api/collects/${id}`)
  assert.equal(sent.length, 2)
  assert.deepEqual([body.payments_count, body.collected_amount], [1, '1000.00'])
})

// Guarantee: what the server says about a field stands at that field, and what was typed stays.
test('a fault is shown at its field', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  await page.goto('/register')
  await page.getByLabel('Имя пользователя').fill('ы')
  await page.getByLabel('Почта').fill('не почта')
  await page.getByLabel('Пароль', { exact: true }).fill('12345678')
  await page.getByRole('button', { name: 'Завести аккаунт' }).click()
  await page.getByText('Неверный адрес почты.').waitFor()
  for (const label of ['Имя пользователя', 'Почта']) {
    const field = page.getByLabel(label)
    assert.equal(await field.getAttribute('aria-invalid'), 'true')
    const said = await field.getAttribute('aria-describedby')
    assert.match(said ?? '', /error/)
  }
  assert.equal(await page.getByLabel('Почта').inputValue(), 'не почта')
})

// Guarantee: an access token that has run out costs the person nothing, and a reload keeps the login.
test('the session goes on by itself', async () => {
  const author = await person(app)
  const id = await openCollect(author.token, 'Без перерыва')
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, author.username, author.password)
  await page.goto(`/collects/${id}?amount=500`)
  await page.getByRole('button', { name: 'Дать 500 ₽' }).waitFor()
  const refused = { status: 401, contentType: 'application/problem+json', body: '{"status":401}' }
  await page.route('**/api/payments', (route) => route.fulfill(refused), { times: 1 })
  await page.getByRole('button', { name: 'Дать 500 ₽' }).click()
  await page.getByText('Спасибо!').waitFor()
  const kept = (await visitor.context.cookies()).find((cookie) => cookie.name === 'refresh')
  assert.deepEqual([kept?.httpOnly, kept?.sameSite, kept?.path], [true, 'Strict', '/api/auth'])
  assert.equal(await page.evaluate('JSON.stringify({ ...localStorage }).includes("eyJ")'), false)
})

// Guarantee: axe finds nothing on any screen, in both themes, on a phone and on a desktop; none scrolls sideways.
test('every screen is accessible', async () => {
  const author = await person(app, { first_name: 'Вера' })
  const id = await openCollect(author.token, 'Цветник вместо пустыря')
  await app.post('/api/payments', { collect: id, amount: '250.50', comment: 'Чем могу' }, { token: author.token })
  const login = await app.post('/api/auth/login', { username: 'admin', password: adminPassword })
  const outbox = await app.get('/api/outbox', { token: login.body.access })
  const letter = outbox.body.results[0].id
  const open = [
    '/sign-in',
    '/register',
    '/forgot-password',
    '/reset-password',
    '/confirm-email',
    '/collects',
    '/nowhere',
  ]
  const closed = [
    '/collects?search=zzz',
    `/collects/${id}`,
    '/collects/new',
    `/collects/${id}/edit`,
    '/payments',
    '/profile',
    '/admin/users',
    '/admin/outbox',
    `/admin/outbox/${letter}`,
    '/admin/jobs',
    '/admin/organisation',
  ]
  const faults: string[] = []
  const check = async (page: Page, paths: string[]) => {
    for (const path of paths) {
      await page.goto(path)
      faults.push(...(await faultsOf(page)))
    }
  }
  await using visitor = await browser.visit()
  await using admin = await browser.visit()
  await signIn(admin.page, 'admin', adminPassword)
  await Promise.all([check(visitor.page, open), check(admin.page, closed)])
  assert.deepEqual(faults, [])
})

/** Keys of a catalogue; the forms of a plural count as one, since languages have different ones. */
const keysOf = (tree: object, path = ''): string[] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object'
      ? keysOf(value, `${path}${key}.`)
      : [`${path}${key.replace(/_(one|few|many|other)$/, '')}`],
  )
const pluralsOf = (tree: object): string[] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object' ? pluralsOf(value) : /_(one|few|many|other)$/.test(key) ? [key] : [],
  )

// Guarantee: whatever is said in Russian is said in English too, and every plural has the forms of its language.
test('the catalogues hold the same keys', () => {
  assert.deepEqual([...new Set(keysOf(words.ru))].sort(), [...new Set(keysOf(words.en))].sort())
  const stems = (language: 'ru' | 'en', form: string) =>
    pluralsOf(words[language])
      .filter((key) => key.endsWith(`_${form}`))
      .map((key) => key.replace(/_[a-z]+$/, ''))
      .sort()
  for (const form of ['few', 'many', 'other']) assert.deepEqual(stems('ru', form), stems('ru', 'one'))
  assert.deepEqual(stems('en', 'other'), stems('en', 'one'))
})

// Guarantee: who signed in long ago is asked to do it again before a change of address, and then what they typed is saved.
test('a change of address asks for the password again', async () => {
  const anna = await person(app)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, anna.username, anna.password)
  await app.platform.pool.query(
    `update accounts.logins set proved_at = proved_at - interval '11 minutes' where user_id = $1`,
    [anna.id],
  )
  await page.goto('/profile')
  await page.getByLabel('Имя', { exact: true }).fill('Анна')
  await page.getByLabel('Почта').fill('moved-in-browser@example.org')
  await page.getByRole('button', { name: words.ru.accounts.profile.save }).click()
  const dialog = page.getByRole('dialog', { name: words.ru.accounts.login_again.title })
  const enter = async (password: string) => {
    await dialog.getByLabel('Пароль', { exact: true }).fill(password)
    await dialog.getByRole('button', { name: 'Войти' }).click()
  }
  await enter('a-wrong-password')
  await dialog.getByText('Неверное имя или пароль.').waitFor()
  await enter(anna.password)
  await dialog.waitFor({ state: 'detached' })
  await page.getByText(words.ru.shell.saved).waitFor()
  const { body } = await app.get('/api/profile', { token: anna.token })
  assert.deepEqual([body.first_name, body.email], ['Анна', 'moved-in-browser@example.org'])
})
