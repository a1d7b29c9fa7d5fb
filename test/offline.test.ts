import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { words } from '../web/src/messages.ts'
import { openBrowser, settle, signIn, browserTest as test } from './browser.ts'
import { eventually, person, startApp, type TestApp } from './harness.ts'

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

// Guarantee: without a network the app opens, shows what was looked at and says that it is offline; back in it, all goes on.
// What was told to somebody is gone from the browser when they sign out.
test('offline and back', async () => {
  const anna = await person(app, { first_name: 'Анна' })
  await app.post(
    '/api/collects',
    { title: 'Качели во дворе', occasion: 'yard', ends_at: '2099-01-01T00:00:00Z' },
    { token: anna.token },
  )
  await using visitor = await browser.visit({ installed: true })
  const { page, context } = visitor
  await page.goto('/collects')
  await eventually('the service worker serves the page', () =>
    page.evaluate('navigator.serviceWorker.controller !== null'),
  )
  await signIn(page, anna.username, anna.password)
  await page.goto('/profile')
  await settle(page)
  await page.goto('/collects')
  await page.getByText('Качели во дворе').waitFor()

  await context.setOffline(true)
  await page.reload()
  await page.getByText('Качели во дворе').waitFor()
  await page.getByText(words.ru.shell.offline).waitFor()
  await context.setOffline(false)
  await page.getByText(words.ru.shell.offline).waitFor({ state: 'detached' })
  await page.reload()
  await settle(page)

  const kept = () =>
    page.evaluate(
      `caches.open('answers-personal').then((cache) => cache.keys()).then((all) => all.map((r) => r.url))`,
    ) as Promise<string[]>
  await page.goto('/profile')
  await settle(page)
  assert.ok((await kept()).some((url) => url.endsWith('/api/profile')))
  await page.getByRole('button', { name: words.ru.accounts.profile.sign_out, exact: true }).click()
  await page.waitForURL((url) => url.pathname !== '/profile')
  await eventually('nothing of Anna is kept', async () => (await kept()).length === 0)
})
