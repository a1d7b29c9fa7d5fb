import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { modules } from '../src/app.ts'
import { locales } from '../src/platform/i18n.ts'
import { startApp, type TestApp } from './harness.ts'

let app: TestApp
before(async () => {
  app = await startApp()
})
after(() => app[Symbol.asyncDispose]())

const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && !f.endsWith('.gen.ts'))
    .map((f) => join(folder, f))

// Guarantee: the map at the top of each module's index.ts names exactly its routes and jobs.
test('the maps of the modules are true', async () => {
  for (const module of modules.filter((m) => m.name !== 'platform')) {
    const map = /\/\*([\s\S]*?)\*\//.exec(readFileSync(`src/${module.name}/index.ts`, 'utf8'))?.[1] ?? ''
    const drawn = [...map.matchAll(/^ \* +(GET|POST|PUT|PATCH|DELETE) +((?:\/[^\s,]+(?:, )?)+)/gm)].flatMap(
      ([, method, urls]) => urls!.split(', ').map((url) => `${method} ${url.trim()}`),
    )
    const routes: string[] = []
    const scope = new Proxy({} as TestApp['app'], {
      get: (_, method: string) => (url: string) => void routes.push(`${method.toUpperCase()} ${url}`),
    })
    module.routes(scope, app.platform)
    assert.deepEqual([...new Set(drawn)].sort(), [...new Set(routes)].sort(), module.name)
    for (const job of Object.keys(module.jobs ?? {}))
      assert.ok(map.includes(job), `${module.name} does not draw its job ${job}`)
  }
})

// Guarantee: every message stands in both languages, and every code that the source names has words.
test('every code has words in both languages', () => {
  const leaves = (tree: object, path = ''): string[] =>
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'object' ? leaves(value, `${path}${key}.`) : [path + key.replace(/_(one|few|many|other)$/, '')],
    )
  for (const { name, messages } of modules) {
    assert.deepEqual([...new Set(leaves(messages.ru))].sort(), [...new Set(leaves(messages.en))].sort(), name)
  }
  const translate = app.platform.translate as typeof app.platform.translate & {
    has(locale: string, code: string): boolean
  }
  const missing: string[] = []
  for (const file of sources('src')) {
    for (const [, code] of readFileSync(file, 'utf8').matchAll(
      /(?:AppError\(\s*\d+,\s*|fieldFault\(\s*[^,]+,\s*|code: |t\(locale, )'([a-z]+\.[a-z_.]+)'/g,
    )) {
      for (const locale of locales) if (!translate.has(locale, code!)) missing.push(`${file}: ${code} (${locale})`)
    }
  }
  assert.deepEqual(missing, [])
})
