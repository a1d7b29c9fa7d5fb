import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The machine's Chromium, or else the one of the npm package, unpacked where no other version can lie. */
async function launch(folder: string): Promise<Browser> {
  const installed = '/usr/bin/chromium'
  const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run']
  if (existsSync(installed)) return chromium.launch({ executablePath: installed, args })
  const before = process.env.TMPDIR
  process.env.TMPDIR = join(folder, 'chromium')
  mkdirSync(process.env.TMPDIR)
  try {
    const { default: packed } = await import('@sparticuz/chromium')
    return await chromium.launch({ executablePath: await packed.executablePath(), args: [...packed.args, ...args] })
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

/** A browser of its own, as another person has it. Anything that breaks in its pages fails the test. */
async function visit(browser: Browser, url: string, width: number) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: width, height: 780 },
    reducedMotion: 'reduce',
    locale: 'ru-RU',
  })
  context.setDefaultTimeout(10_000)
  const broken: string[] = []
  context.on('weberror', (error) => broken.push(String(error.error())))
  const page = await context.newPage()
  page.on('console', (message) => {
    if (/Content Security Policy|unique "key"/.test(message.text())) broken.push(message.text())
  })
  return {
    page,
    context,
    async [Symbol.asyncDispose]() {
      await context.close()
      assert.deepEqual(broken, [])
    },
  }
}

/** A browser over a server. `visit` opens it as one more person, on a phone unless a width is given. */
export async function openBrowser(serverUrl: string) {
  assert.ok(existsSync('web/dist/index.html'), 'web/dist is missing: npm test builds it')
  const folder = mkdtempSync(join(tmpdir(), 'dvor-browser-'))
  const browser = await launch(folder)
  return {
    visit: ({ width = 360, url = serverUrl }: { width?: number; url?: string } = {}) => visit(browser, url, width),
    async [Symbol.asyncDispose]() {
      await browser.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Logs in as a person would, on the page for it. */
export async function signIn(page: Page, username: string, password: string) {
  await page.goto('/sign-in')
  await page.getByLabel('Имя или почта').fill(username)
  await page.getByLabel('Пароль', { exact: true }).fill(password)
  await page.locator('form').getByRole('button', { name: 'Войти' }).click()
  await page.waitForURL('**/collects')
}

/** Waits until a page has its heading, its data and its fonts. */
export async function settle(page: Page) {
  await page.locator('h1').waitFor()
  await page.locator('#root:not(:has(.mantine-Skeleton-root, .mantine-Loader-root))').waitFor()
  await page.evaluate('document.fonts.ready.then(() => true)')
}

/** What axe finds on the page that is open, on a phone and on a desktop, light and dark. */
export async function faultsOf(page: Page): Promise<string[]> {
  await settle(page)
  await page.evaluate(axe)
  const faults: string[] = []
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor()
      const found = (await page.evaluate('axe.run({ resultTypes: ["violations"] })')) as {
        violations: { id: string; nodes: { html: string }[] }[]
      }
      const where = `${new URL(page.url()).pathname} at ${width} px, ${colorScheme}`
      for (const { id, nodes } of found.violations)
        faults.push(`${where}: ${id} ${nodes.map((node) => node.html.slice(0, 200)).join(' ')}`)
    }
    if (await page.evaluate('document.documentElement.scrollWidth > innerWidth'))
      faults.push(`${page.url()} is wider than ${width} px`)
  }
  return faults
}
