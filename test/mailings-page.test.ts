import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { faultsOf, openBrowser, browserTest as test } from './browser.ts'
import { type FakeGateway, startGateway } from './gateway.ts'
import { eventually, startApp, type TestApp } from './harness.ts'
import { addClient, addMailing, aPhone, inSeconds, mailingWhen } from './mailings.ts'
import { withRole } from './shop.ts'

let app: TestApp
let gateway: FakeGateway
let browser: Awaited<ReturnType<typeof openBrowser>>

before(async () => {
  gateway = await startGateway()
  app = await startApp({ GATEWAY_URL: gateway.url, GATEWAY_CONCURRENCY: '4' })
  browser = await openBrowser(app.url)
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
  await gateway?.[Symbol.asyncDispose]()
})

/** Signs in with a role and opens the desk. */
async function openDesk(page: Page, role: string) {
  const someone = await withRole(app, role)
  await page.goto('/sign-in?next=/admin/mailings')
  await page.getByLabel('Имя или почта').fill(someone.username)
  await page.getByLabel('Пароль', { exact: true }).fill(someone.password)
  await page.locator('form').getByRole('button', { name: 'Войти' }).click()
  await page.getByRole('heading', { name: 'Рассылки', level: 1 }).waitFor()
  return someone
}

/** What a link or a button downloads, without the mark at its beginning. */
async function downloaded(page: Page, name: string): Promise<string[]> {
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name }).or(page.getByRole('button', { name })).click()
  const path = await (await download).path()
  return readFileSync(path, 'utf8').replace('\ufeff', '').trim().split('\r\n')
}

/** As people read it: every space alike. */
const words = async (page: Page, id: string) => (await page.getByTestId(id).innerText()).replace(/\s+/g, ' ')
const countOf = async (page: Page, status: string) => Number((await words(page, `count-${status}`)).replace(/\D/g, ''))

/** Clients as a file with heads of its own: `good` numbers of a tag, and two rows that are wrong. */
function clientsFile(tag: string, good: string[]): { name: string; mimeType: string; buffer: Buffer } {
  const rows = ['Чей;Мобильник;Участок', ...good.map((phone) => `Жилец;8${phone.slice(1)};${tag}`)]
  rows.splice(2, 0, `Никто;12345;${tag}`)
  return { name: 'clients.csv', mimeType: 'text/csv', buffer: Buffer.from(`${rows.join('\r\n')}\r\n`) }
}

// Guarantee: an operator takes clients from a file whose heads are their own, with a faulty row beside the file to take along;
// composes with a live count of those who get it and who do not, tries the text, starts, follows it through a failing gateway
// that pauses it, goes on, tries the rest again, and takes along who did not get it. The draft and the live page outlive a reload.
test('an operator sends a mailing through a failing gateway', async () => {
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  const operator = await openDesk(page, 'operator')
  const faults: string[] = []
  const phones = Array.from({ length: 260 }, () => aPhone('916'))

  await page.getByRole('link', { name: 'Клиенты' }).click()
  await page.getByRole('link', { name: 'Взять из файла' }).click()
  await page.locator('input[type=file]').setInputFiles(clientsFile('двор 7', phones))
  await page.getByText('Скажите, в каком столбце «Телефон».').waitFor()
  await page.getByRole('combobox', { name: 'Мобильник' }).click()
  await page.getByRole('option', { name: 'Телефон' }).click()
  await page.getByTestId('report').getByText('Новых: 260').waitFor()
  await page.getByRole('combobox', { name: 'Участок' }).click()
  await page.getByRole('option', { name: 'Метка' }).click()
  await page.getByRole('cell', { name: 'Никто;12345;двор 7' }).waitFor()
  const [head, faulty] = await downloaded(page, 'Скачать строки с ошибками')
  assert.equal(head, 'Чей;Мобильник;Участок;Что не так')
  assert.match(faulty ?? '', /^Никто;12345;двор 7;".+"$/)
  faults.push(...(await faultsOf(page)))
  await page.getByRole('button', { name: 'Загрузить без ошибочных' }).click()
  await page.getByText('Загружено').waitFor()
  await page.getByRole('link', { name: 'К клиентам' }).click()
  await page.getByRole('textbox', { name: 'Метка' }).fill('двор 7')
  await page.waitForURL((url) => url.searchParams.get('tag') === 'двор 7')
  await page.getByText('260 клиентов').waitFor()
  const listed = await downloaded(page, 'Скачать CSV')
  assert.equal(listed.length, 261)

  const [stopped] = phones
  await page.getByRole('link', { name: 'Стоп-лист' }).click()
  await page.getByRole('button', { name: 'Не писать на номер' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Телефон').fill(`+7 ${stopped!.slice(1)}`)
  await dialog.getByLabel('Причина').fill('просил не писать')
  await dialog.getByRole('button', { name: 'Не писать на номер' }).click()
  await dialog.waitFor({ state: 'hidden' })
  await page.getByRole('listitem').getByText('просил не писать').waitFor()
  faults.push(...(await faultsOf(page)))

  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('link', { name: 'Рассылки', exact: true }).first().click()
  await page.getByRole('link', { name: 'Новая рассылка' }).click()
  await page.getByRole('combobox', { name: 'Кому' }).click()
  await page.getByRole('option', { name: 'клиентам по коду и метке' }).click()
  await page.getByRole('combobox', { name: 'с меткой' }).fill('двор 7')
  await page.keyboard.press('Enter')
  await page.getByRole('switch', { name: 'Только в удобные часы' }).uncheck()
  await page.getByLabel('Текст', { exact: true }).fill('Собрание во дворе, {кто}')
  await page
    .getByText(/\{кто\}/)
    .nth(1)
    .waitFor()
  await page.getByLabel('Текст', { exact: true }).fill('Собрание во дворе, ')
  await page.getByRole('button', { name: 'Метка', exact: true }).click()
  await page.getByTestId('bubble').getByText('Собрание во дворе, двор 7').waitFor()
  await page.getByText('1 часть SMS').waitFor()
  await eventually('the count stands there', async () =>
    /^259 человек, до 259 частей$/.test(await words(page, 'reached')),
  )
  await page.getByText('ещё 1 — в стоп-листе').waitFor()
  await page.reload()
  assert.equal(await page.getByLabel('Текст', { exact: true }).inputValue(), 'Собрание во дворе, {tag}')
  await page.getByTestId('reached').waitFor()
  faults.push(...(await faultsOf(page)))

  await page.setViewportSize({ width: 1280, height: 900 })
  const mine = aPhone('903')
  await page.getByRole('button', { name: 'Проверить на себе' }).click()
  await dialog.getByLabel('Телефон').fill(mine)
  await dialog.getByRole('button', { name: 'Отправить проверку' }).click()
  await page.getByText('Проверка ушла на').waitFor()
  assert.deepEqual([gateway.seen.length, gateway.seen[0]?.phone], [1, mine])

  // A few numbers are refused for good; then all are, and the mailing pauses by itself.
  gateway.follow(({ id, nth }) => (nth > 60 || id % 20 === 0 ? '400' : 'ok'))
  await page.getByRole('button', { name: 'Отправить', exact: true }).click()
  assert.equal(await words(page, 'confirm'), '259 человек, до 259 частей')
  await dialog.getByRole('button', { name: 'Отправить', exact: true }).click()
  await page.getByRole('heading', { name: /^Рассылка № / }).waitFor()
  const id = Number(page.url().split('/').at(-1))
  await page.getByText('Ошибок среди последних 200 ответов шлюза').waitFor({ timeout: 120_000 })
  await page.reload()
  await page.getByText('Ошибок среди последних 200 ответов шлюза').waitFor()
  assert.ok((await countOf(page, 'sent')) < 259)
  faults.push(...(await faultsOf(page)))

  await page.setViewportSize({ width: 1280, height: 900 })
  gateway.follow(({ id }) => (id % 20 === 0 ? '400' : 'ok'))
  await page.getByRole('button', { name: 'Продолжить' }).click()
  await mailingWhen(app, operator.token, id, 'is over', ({ status }) => status === 'finished')
  await page.getByText('закончена', { exact: true }).waitFor()
  const { body: over } = await app.get(`/api/mailings/${id}`, { token: operator.token })
  assert.equal(await countOf(page, 'sent'), over.counts.sent)
  assert.equal(await countOf(page, 'error'), over.counts.error)
  assert.ok(over.counts.error > 0)
  const undelivered = await downloaded(page, 'Скачать CSV')
  assert.equal(undelivered.length, over.counts.error + over.counts.expired + 1)
  await page.getByText('Те же числа таблицей').nth(1).click()
  const ofOperator = page.getByRole('region', { name: 'Код оператора' }).getByRole('row').nth(1)
  assert.deepEqual(
    (await ofOperator.innerText()).split(/\s+/),
    ['916', over.counts.sent, over.counts.error, over.counts.expired].map(String),
  )
  faults.push(...(await faultsOf(page)))

  await page.setViewportSize({ width: 1280, height: 900 })
  gateway.follow(() => 'ok')
  await page.getByRole('button', { name: 'Отправить ошибки ещё раз' }).click()
  await eventually('all are sent', async () => (await countOf(page, 'sent')) === 259)
  assert.equal(await countOf(page, 'error'), 0)
  assert.deepEqual(faults, [])
  await app.audit()
})

// Guarantee: a mailing of tomorrow is kept, changed, begun at once, changed while it runs, paused by hand and stopped for good,
// each from its page; what is wrong stands at its field.
test('a mailing is kept, changed and stopped', async () => {
  gateway.follow(() => 'hang')
  const tag = 'двор 9'
  const someone = await withRole(app, 'operator')
  for (let n = 0; n < 12; n++) await addClient(app, someone.token, { tag })
  await using visitor = await browser.visit()
  const { page } = visitor
  await openDesk(page, 'operator')
  const mailing = await addMailing(app, someone.token, {
    text: 'Субботник завтра',
    starts_at: inSeconds(86_400),
    ends_at: inSeconds(2 * 86_400),
    filter: { tags: [tag] },
  })
  await page.goto(`/admin/mailings/${mailing.id}`)
  await page.getByText('Начнётся сама').waitFor()
  const faults = await faultsOf(page)
  await page.getByRole('link', { name: 'Изменить' }).click()
  const end = page.getByLabel('Закончить')
  const before = await end.inputValue()
  await end.fill('2020-01-01T10:00')
  await page.locator('input[type=datetime-local][aria-invalid=true]').waitFor()
  await end.fill(before)
  await page.getByLabel('Текст', { exact: true }).fill('Субботник сегодня')
  await page.getByRole('button', { name: 'Запланировать' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Запланировать' }).click()
  await page.getByText('Рассылка запланирована').waitFor()
  await page.getByText('Субботник сегодня').waitFor()

  await page.getByRole('button', { name: 'Начать сейчас' }).click()
  await page.getByTestId('confirm').getByText('12').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Отправить', exact: true }).click()
  await page.getByRole('button', { name: 'Приостановить' }).click()
  await page.getByText('Приостановили').waitFor()
  await page.getByRole('button', { name: 'Изменить конец и часы' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('switch').check()
  await dialog.getByLabel('С', { exact: true }).fill('08:00')
  await dialog.getByLabel('До', { exact: true }).fill('22:00')
  await dialog.getByRole('button', { name: 'Сохранить' }).click()
  await page.getByText('Только с 08:00 до 22:00').waitFor()
  await page.getByRole('button', { name: 'Остановить совсем' }).click()
  await page.getByRole('dialog').getByText('12 сообщений не уйдут').waitFor()
  faults.push(...(await faultsOf(page)))
  await page.getByRole('dialog').getByRole('button', { name: 'Остановить совсем' }).click()
  await page.getByText('отменена').waitFor()
  const { body } = await app.get(`/api/mailings/${mailing.id}`, { token: someone.token })
  assert.deepEqual([body.status, body.local_window], ['cancelled', { from: '08:00', to: '22:00' }])
  assert.deepEqual(faults, [])
})

// Guarantee: an auditor sees all of it and is offered no change; everybody else is kept out; every screen reads in English, fits
// a phone and passes axe in both themes.
test('an auditor looks on', async () => {
  gateway.follow(() => 'ok')
  const operator = await withRole(app, 'operator')
  await addClient(app, operator.token, { tag: 'двор 11' })
  await app.post('/api/clients/stops', { phone: aPhone(), reason: 'просил' }, { token: operator.token })
  const mailing = await addMailing(app, operator.token, { filter: { tags: ['двор 11'] } })
  await mailingWhen(app, operator.token, mailing.id, 'is over', ({ status }) => status === 'finished')
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  await openDesk(page, 'auditor')
  const faults: string[] = []
  const may =
    /^(EN|RU|Тёмное|Светлое|Все|Запланированы|Идут|Закончены|Отменены|Показать ещё|All|Scheduled|Running|Finished|Cancelled|Dark|Light|Show more)/
  for (const path of ['', '/clients', '/stops', '/statistics', `/${mailing.id}`]) {
    await page.goto(`/admin/mailings${path}`)
    faults.push(...(await faultsOf(page)))
    const names = await page.locator('main button, main a[href*="import"], main a[href*="new"]').allInnerTexts()
    assert.deepEqual(
      names.filter((name) => !may.test(name)),
      [],
      path,
    )
  }
  await page.goto('/admin/mailings/new')
  await page.getByText('Это не для вас').waitFor()
  await page.goto('/admin/mailings')
  await page.getByRole('button', { name: 'EN', exact: true }).click()
  for (const [path, heading] of [
    ['', 'Mailings'],
    ['/clients', 'Clients'],
    ['/stops', 'Stop list'],
    ['/statistics', 'Statistics'],
    [`/${mailing.id}`, `Mailing No. ${mailing.id}`],
  ]) {
    await page.goto(`/admin/mailings${path}`)
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
    const text = await page.locator('main').innerText()
    assert.doesNotMatch(text.replace(/двор \d+|Собрание.*|Субботник.*|просил.*/g, ''), /[а-яё]/i, path)
  }
  assert.deepEqual(faults, [])
})
