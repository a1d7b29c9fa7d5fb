import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const machine = `${process.platform}-${process.arch}`
/** Why tests in the browser are left out here; false where the package has one for the machine. */
const left = machine !== 'linux-x64' && `@sparticuz/chromium has no browser for ${machine}`

/** A test in the browser. */
export const browserTest = (name: string, body: () => void | Promise<void>) => test(name, { skip: left }, body)

/**
 * The Chromium of package-lock.json with the libraries and fonts that come with it, so that every machine has the same
 * one: unpacked once for a version, by the first who needs it, and put in its place whole.
 */
async function unpacked(): Promise<string> {
  const cache = resolve('node_modules/.cache')
  const { version } = JSON.parse(readFileSync('node_modules/@sparticuz/chromium/package.json', 'utf8'))
  const folder = join(cache, `chromium-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  for (const name of readdirSync(cache)) {
    const [, pid] = /^unpacking-(\d+)$/.exec(name) ?? []
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(cache, name), { recursive: true, force: true })
  }
  const unfinished = join(cache, `unpacking-${process.pid}`)
  const fonts = join(folder, 'fonts')
  // The package unpacks to the folder for temporary files, and takes whatever browser lies there already.
  const before = process.env.TMPDIR
  process.env.TMPDIR = unfinished
  mkdirSync(unfinished)
  try {
    const { inflate } = await import('@sparticuz/chromium')
    for (const part of ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'])
      await inflate(resolve('node_modules/@sparticuz/chromium/bin', part))
    writeFileSync(
      join(unfinished, 'fonts.conf'),
      `<fontconfig><dir>${fonts}</dir><cachedir>${join(folder, 'fonts-cache')}</cachedir></fontconfig>`,
    )
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    // Another test file was faster.
    if (!existsSync(folder)) throw error
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
  return folder
}

async function launch(): Promise<Browser> {
  const folder = await unpacked()
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
    FONTCONFIG_FILE: join(folder, 'fonts.conf'),
  }
  // Never the package's own arguments: with --single-process the browser dies when its first context closes.
  const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run']
  return chromium.launch({ executablePath: join(folder, 'chromium'), args, env })
}

/** A browser of its own, as another person has it. Anything that breaks in its pages fails the test. */
async function visit(browser: Browser, url: string, width: number, installed: boolean) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: width, height: 780 },
    reducedMotion: 'reduce',
    locale: 'ru-RU',
    // It would stand between a test and what the page asks for.
    serviceWorkers: installed ? 'allow' : 'block',
  })
  context.setDefaultTimeout(60_000)
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
  if (left) return undefined as never
  assert.ok(existsSync('web/dist/index.html'), 'web/dist is missing: npm test builds it')
  const browser = await launch()
  return {
    visit: ({ width = 360, url = serverUrl, installed = false } = {}) => visit(browser, url, width, installed),
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

/** Logs in as a person would, on the page for it. */
export async function signIn(page: Page, username: string, password: string) {
  await page.goto('/sign-in')
  await page.getByLabel('Имя или почта').fill(username)
  await page.getByLabel('Пароль', { exact: true }).fill(password)
  await page.locator('form').getByRole('button', { name: 'Войти' }).click()
  await page.waitForURL((url) => url.pathname === '/')
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
