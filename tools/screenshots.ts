// Pictures of every screen with the living example in it, in both sizes and themes: `npm run screenshots -- [folder]`.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { startDemo } from '../bench/demo.ts'
import { openBrowser, settle, signIn } from '../test/browser.ts'
import { findPages } from '../web/build/pages.ts'

const folder = resolve(process.argv[2] ?? 'data/screenshots')
mkdirSync(folder, { recursive: true })
await using demo = await startDemo()
await using browser = await openBrowser(demo.url)
// Not disposed of one by one: what breaks in a page is for tests to tell.
const resident = await browser.visit()
const admin = await browser.visit()
for (const { page } of [resident, admin])
  page.on('console', (message) => message.type() === 'error' && console.log(`${page.url()}: ${message.text()}`))
await signIn(resident.page, 'resident', 'resident')
await signIn(admin.page, 'admin', 'admin')

/** The first link on a page to an address of this pattern. */
async function firstLink(page: Page, list: string, pattern: RegExp): Promise<string | undefined> {
  await page.goto(list)
  await settle(page)
  const links = await page
    .locator('a[href]')
    .evaluateAll((all) => all.map((link) => (link as { href?: string }).href ?? ''))
  return [...links, page.url()].map((href) => pattern.exec(new URL(href).pathname)?.[0]).find(Boolean)
}

async function shoot(page: Page, path: string): Promise<void> {
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.goto(path)
      await settle(page)
      const name = `${path.slice(1).replaceAll('/', '-') || 'home'}.${width}.${colorScheme}.png`
      await page.screenshot({ path: join(folder, name) })
    }
  }
}

const isMissing: string[] = []
for (const path of ['/', ...new Set(findPages(resolve('web/src')).map((page) => page.path))]) {
  const { page } = path.startsWith('/admin') ? admin : resident
  const list = path.slice(0, path.indexOf('/:'))
  const pattern = new RegExp(`^${path.replace(/:\w+/g, '\\d+')}(?=/|$)`)
  const found = path.includes(':') ? await firstLink(page, list, pattern).catch(() => undefined) : path
  if (found) await shoot(page, found).catch((error) => isMissing.push(`${found}: ${String(error).split('\n')[0]}`))
  else isMissing.push(`${path}: no example of it`)
}
console.log(`The pictures stand in ${folder}.`)
for (const line of isMissing) console.log(`not drawn: ${line}`)
