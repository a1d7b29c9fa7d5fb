import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { openBrowser, browserTest as test } from './browser.ts'
import { startApp, type TestApp } from './harness.ts'

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

// Guarantee: the API reference opens without an error in the console, by module in the order of the installation, and every
// call has a name of its own.
test('the reference is whole', async () => {
  await using visitor = await browser.visit({ width: 1280 })
  const { page } = visitor
  const said: string[] = []
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()))
  page.on('pageerror', (error) => said.push(String(error)))
  await page.goto('/docs')
  await page.locator('.opblock-tag').first().waitFor()
  const tags = await page.locator('.opblock-tag').evaluateAll((all) => all.map((tag) => tag.getAttribute('data-tag')))
  const { body } = await app.get('/api/schema')
  const order = body.tags.map(({ name }: { name: string }) => name)
  assert.deepEqual(
    tags,
    order.filter((name: string) => tags.includes(name)),
  )
  assert.deepEqual(said, [])
  const ids = Object.values(body.paths as Record<string, Record<string, { operationId?: string }>>).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  assert.ok(ids.every(Boolean))
  assert.equal(new Set(ids).size, ids.length)
})
