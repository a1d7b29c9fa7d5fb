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

type Drawn = { routes: string[]; functions: string[] }

/** The lines of a module's map; what stands in a column of its own is set apart by two spaces. */
function mapOf(module: string): { text: string; lines: Drawn[] } {
  const text = /\/\*([\s\S]*?)\*\//.exec(readFileSync(`src/${module}/index.ts`, 'utf8'))?.[1] ?? ''
  const lines = [
    ...text.matchAll(/^ \* +(GET|POST|PUT|PATCH|DELETE) +((?:\/[^\s,]+(?:, )?)+) {2,}([^\s,]+(?:, [^\s,]+)*)/gm),
  ]
  return {
    text,
    lines: lines.map(([, method, urls, functions]) => ({
      routes: urls!.split(', ').map((url) => `${method} ${url.trim()}`),
      functions: functions!.split(', '),
    })),
  }
}

// Guarantee: the map at the top of each module's index.ts names exactly its routes, with the functions that their
// handlers call, which other files can import, and its jobs.
test('the maps of the modules are true', async () => {
  for (const module of modules) {
    const { text, lines } = mapOf(module.name)
    const handlers = new Map<string, string>()
    const scope = new Proxy({} as TestApp['app'], {
      get: (_, method: string) => (url: string, _options: object, handler: () => unknown) =>
        void handlers.set(`${method.toUpperCase()} ${url}`, handler.toString()),
    })
    module.routes(scope, app.platform)
    assert.deepEqual(lines.flatMap((l) => l.routes).sort(), [...handlers.keys()].sort(), module.name)

    const files = await Promise.all(
      sources(`src/${module.name}`)
        // What a thread runs wants a thread around it.
        .filter((file) => !file.endsWith('-thread.ts'))
        .map((file) => import(join(import.meta.dirname, '..', file))),
    )
    const exported = new Set(
      files.flatMap((file) => Object.keys(file).filter((name) => typeof file[name] === 'function')),
    )
    for (const { routes, functions } of lines) {
      for (const name of functions) {
        // A dot: it belongs to the platform.
        if (!name.includes('.')) assert.ok(exported.has(name), `${module.name} exports no function ${name}`)
        const call = new RegExp(`\\b${name.replace('.', '\\.')}\\(`)
        for (const route of routes) assert.match(handlers.get(route)!, call, `${route} does not call ${name}`)
      }
    }
    for (const job of Object.keys(module.jobs ?? {}))
      assert.ok(text.includes(job), `${module.name} does not draw its job ${job}`)
  }
})

// Guarantee: every message stands in both languages, and every code that the source names and every kind of job has words.
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
  for (const kind of modules.flatMap((m) => Object.keys(m.jobs ?? {}))) {
    const code = kind.replace('.', '.jobs.')
    for (const locale of locales) if (!translate.has(locale, code)) missing.push(`the job ${kind}: ${code} (${locale})`)
  }
  assert.deepEqual(missing, [])
})

// Guarantee: no file holds state of its own that two installations in one process would share (decision 49).
test('the process keeps no state', () => {
  const held = sources('src').flatMap((file) =>
    [
      ...readFileSync(file, 'utf8').matchAll(
        /^(?:export )?(?:let|var) \w+|^(?:export )?const \w+(?:: [^=]+)? = (?:new (?!Set\((?!\))|Weak|URL\()\w+|\[\]|\{\})/gm,
      ),
    ].map(([text]) => `${file}: ${text}`),
  )
  const counters = /metrics\.ts: |: const comparisons = new Counter/
  assert.deepEqual(
    held.filter((line) => !counters.test(line)),
    ['src/platform/database.ts: const names = new Map'],
  )
})
