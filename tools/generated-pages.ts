import { readFileSync } from 'node:fs'
import { modules } from '../src/app.ts'
import { createDescribed } from '../src/http/describe.ts'
import { callersOf, permission } from '../src/platform/access.ts'
import type { DeclaredRoute } from '../src/platform/fastify.ts'
import { broughtBy } from '../src/platform/module.ts'

const words = { yes: '✓', own: 'own', no: '·', login: '401' } as const

/** The table of routes and callers, as the routes declare it. */
function matrix(routes: DeclaredRoute[]): string {
  const callers = callersOf(broughtBy(modules).roles)
  const rows = routes
    .map(({ method, url, access }) => ({ method, url, access, key: `${url} ${method}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ method, url, access }) => {
      const cells = callers.map((caller) => words[permission(access, method, url, caller)])
      return `| \`${method} ${url}\` | ${cells.join(' | ')} |`
    })
  return [`| route | ${callers.join(' | ')} |`, `|---|${callers.map(() => ':-:').join('|')}|`, ...rows].join('\n')
}

/** The page with what stands between its two marks replaced. */
function fill(file: string, mark: string, content: string): { file: string; content: string } {
  const [begin, end] = [`<!-- ${mark}: npm run generate -->`, `<!-- /${mark} -->`]
  const page = readFileSync(file, 'utf8')
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} lacks the marks of ${mark}`)
  return { file, content: `${page.slice(0, from)}${begin}\n${content}\n${page.slice(to)}` }
}

/** Files that are made from the routes: their content must be the same on every machine. */
export async function generatedPages(): Promise<{ file: string; content: string }[]> {
  const app = await createDescribed(modules)
  const routes = app.declared
  await app.close()
  return [fill('docs/accounts.md', 'matrix', matrix(routes))]
}
