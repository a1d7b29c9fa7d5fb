import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { openBrowser, settle, signIn, browserTest as test } from './browser.ts'
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

/** Every address that the page asks for from now on. */
function watch(page: Page): string[] {
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url().slice(app.url.length)))
  return asked
}
const isScript = (path: string) => /^\/assets\/.*\.js$/.test(path)

// Guarantee: a cold list of collects is at most 25 requests; all of its code is asked for by the page itself, before the app
// is there, and nothing is asked for twice.
test('the first screen is named ahead', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  const asked = watch(page)
  await page.goto('/collects')
  await settle(page)
  assert.ok(asked.length <= 25, asked.join('\n'))
  assert.deepEqual(
    asked.filter((path, i) => asked.indexOf(path) !== i),
    [],
  )
  const late = (await page.evaluate(`performance.getEntriesByType('resource')
    .filter((entry) => entry.name.endsWith('.js') && !['link', 'script'].includes(entry.initiatorType)).map((entry) => entry.name)`)) as string[]
  assert.deepEqual(late, [])
  const before = await page.evaluate(`performance.getEntriesByType('resource')
    .filter((entry) => entry.name.includes('/api/collects')).map((entry) => entry.startTime)[0]
    < performance.getEntriesByType('resource').find((entry) => entry.name.includes('libraries')).responseEnd + 1`)
  assert.equal(before, true)
})

// Guarantee: of the code and the words of the staff a resident loads nothing, and of the other language nobody does.
test('nobody loads what is for others', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  const asked = watch(page)
  const anna = await person(app)
  await signIn(page, anna.username, anna.password)
  for (const path of ['/collects/new', '/payments', '/flat', '/shop', '/orders', '/profile']) {
    await page.goto(path)
    await settle(page)
  }
  assert.ok(asked.filter(isScript).length > 10)
  assert.deepEqual(
    asked.filter((path) => /\/staff-|words\.en/.test(path)),
    [],
  )
  await using admin = await browser.visit()
  const askedByAdmin = watch(admin.page)
  await signIn(admin.page, 'admin', adminPassword)
  await admin.page.goto('/admin/users')
  await settle(admin.page)
  assert.ok(askedByAdmin.some((path) => path.includes('/staff-words')))
})

// Guarantee: the page is painted before its code is there, in the theme and language that were chosen, and nothing jumps.
test('the page is painted first', async () => {
  await using visitor = await browser.visit()
  const { page } = visitor
  await page.emulateMedia({ colorScheme: 'dark' })
  let release = () => {}
  const held = new Promise<void>((done) => {
    release = done
  })
  await page.route('**/assets/libraries-*.js', async (route) => {
    await held
    await route.continue()
  })
  await page.goto('/collects', { waitUntil: 'commit' })
  await page.locator('#paint header svg').waitFor()
  assert.equal(await page.locator('html').getAttribute('data-mantine-color-scheme'), 'dark')
  assert.equal(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor'), 'rgb(22, 27, 24)')
  const bar = 'document.querySelector("header").getBoundingClientRect().height'
  const painted = await page.evaluate(bar)
  release()
  await settle(page)
  assert.equal(await page.locator('#paint').count(), 0)
  assert.ok(Math.abs(Number(painted) - Number(await page.evaluate(bar))) <= 1)
  const shift = await page.evaluate(`new Promise((done) => {
    let sum = 0
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value })).observe({ type: 'layout-shift', buffered: true })
    setTimeout(() => done(sum), 300)
  })`)
  assert.ok(Number(shift) <= 0.05, String(shift))
})
