import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { words } from '../web/src/messages.ts'
import { browserTest, faultsOf, openBrowser, signIn } from './browser.ts'
import { person, startApp, type TestApp } from './harness.ts'

const { accounts: ru } = words.ru
let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
before(async () => {
  app = await startApp()
  browser = await openBrowser(app.url)
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

// Guarantee: a person sees where they are signed in and ends what they don't know; the browser that asks stays signed in.
browserTest('a login elsewhere is ended in the profile', async () => {
  const who = await person(app)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, who.username, who.password)
  await page.goto('/profile')
  await page.getByText(ru.sessions.current).waitFor()
  assert.deepEqual(await faultsOf(page), [])
  await page.getByRole('button', { name: ru.sessions.end_of.replace('{{device}}', 'node') }).click()
  await page.getByText(ru.sessions.ended).waitFor()
  await page.getByText('Chrome, Linux').waitFor()
  assert.equal((await app.post('/api/auth/refresh', { refresh: who.refresh })).status, 401)
  await page.reload()
  await page.getByText(ru.sessions.current).waitFor()
})
