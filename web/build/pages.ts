import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A screen of the app: the pattern of its address, the file that draws it, and whether residents never see it. */
export type Page = { path: string; file: string; isStaff: boolean }

/** Every screen, as app.tsx and the index.tsx of the modules declare them. */
export function findPages(sources: string): Page[] {
  const folders = readdirSync(sources, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const lists = ['app.tsx', ...folders.map(({ name }) => `${name}/index.tsx`)]
  return lists.flatMap((list) => {
    const folder = join(sources, list, '..')
    const text = readFileOrNothing(join(sources, list))
    let path = '/'
    return [...text.matchAll(/\bpath: '(\/[^']*)'|\bimport\('(\.[^']+\.tsx)'\)/g)].flatMap(([, address, to]) => {
      if (address) path = address
      if (!to) return []
      return [{ path, file: resolve(folder, to), isStaff: path.startsWith('/admin') }]
    })
  })
}

function readFileOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
