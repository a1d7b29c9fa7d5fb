import type { Plugin, Rolldown } from 'vite'
import { type Plan, paint } from './first-paint.js'
import type { Page } from './pages.ts'
import { withStaticImports } from './sections.ts'

const place = '<script data-first-paint></script>'

/** An address of the router as a regular expression: `/flat/:id` is also where the screens inside of it are. */
const patternOf = (path: string) => (path === '/' ? '^/$' : `^${path.replace(/:\w+/g, '[^/]+')}(/|$)`)

function planOf(bundle: Rolldown.OutputBundle, pages: Page[], asked: Plan['asked']): Plan {
  const chunks = new Map(
    Object.values(bundle)
      .filter((output) => output.type === 'chunk')
      .map((chunk) => [chunk.fileName, chunk]),
  )
  const filesOf = (chunk: Rolldown.OutputChunk) =>
    [...withStaticImports(chunk, chunks)].flatMap((c) => [c.fileName, ...(c.viteMetadata?.importedCss ?? [])])
  const chunkWith = (file: string) => [...chunks.values()].find((chunk) => chunk.moduleIds.includes(file))
  const start = new Set([...chunks.values()].filter((chunk) => chunk.isEntry).flatMap(filesOf))

  const files: string[] = []
  const indexes = (chunk: Rolldown.OutputChunk | undefined) => {
    const needed = chunk ? filesOf(chunk).filter((name) => !start.has(name)) : []
    for (const name of needed) if (!files.includes(name)) files.push(name)
    return needed.map((name) => files.indexOf(name))
  }
  const words = ['ru', 'en'].map((language) => {
    const chunk = [...chunks.values()].find(({ name }) => name === `words.${language}`)
    return [language, indexes(chunk)] as const
  })
  const byPath = new Map<string, Set<number>>()
  for (const { path, file } of pages.filter(({ isStaff }) => !isStaff))
    byPath.set(path, (byPath.get(path) ?? new Set()).union(new Set(indexes(chunkWith(file)))))
  // Of several patterns that fit, the longest says most: /collects/new before /collects/:id before /collects.
  const sorted = [...byPath].sort(([a], [b]) => score(b) - score(a))
  return {
    files,
    words: Object.fromEntries(words),
    asked,
    pages: sorted.map(([path, needed]) => [patternOf(path), [...needed]]),
  }
}

const score = (path: string) => path.split('/').length * 100 + path.replace(/:\w+/g, '').length

/** Puts first-paint.js into the page, with what each screen needs; the styles come after what is painted without them. */
export function firstLoad(pages: Page[], asked: Plan['asked']): Plugin {
  return {
    name: 'first-load',
    enforce: 'post',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const plan = bundle ? planOf(bundle, pages, asked) : { files: [], words: {}, pages: [], asked: {} }
        const code = String(paint).replaceAll(/^\s*\/\/.*\n/gm, '')
        const styles = html.match(/<link rel="stylesheet"[^>]*>/g) ?? []
        let page = html.replace(place, () => `<script>(${code})(${JSON.stringify(plan)})</script>`)
        for (const style of styles) page = page.replace(style, '')
        return page.replace('<!-- styles -->', styles.join(''))
      },
    },
  }
}
