import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Plugin } from 'vite'

const name = 'virtual:mantine.css'
const library = resolve(import.meta.dirname, '../../node_modules/@mantine')
const styles = join(library, 'core/styles')
const everywhere = ['baseline.css', 'default-css-variables.css', 'global.css']

const read = (path: string) => readFileSync(path, 'utf8')
const filesIn = (folder: string, ending: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => ending.test(path))
    .map((path) => join(folder, path))
const classesIn = (text: string) => new Set(text.match(/\bm_[0-9a-f]+\b/g))

/** What these files import from a package, by name. */
function importsFrom(from: string, files: string[]): Set<string> {
  const statement = new RegExp(`import (?:type )?\\{([^}]*)\\} from ["']${from}["']`, 'g')
  const lists = files.flatMap((path) => [...read(path).matchAll(statement)].map(([, list]) => list!))
  return new Set(lists.flatMap((list) => list.split(',').map((word) => word.trim().split(/\s+as\s+/)[0]!)))
}

/** Every file that these import, directly or through others. */
function withImports(files: string[]): Set<string> {
  const seen = new Set<string>()
  for (const left = [...files]; left.length; ) {
    const path = left.pop()!
    if (seen.has(path)) continue
    seen.add(path)
    for (const [, to] of read(path).matchAll(/from "(\.[^"]+)"/g)) left.push(resolve(dirname(path), to!))
  }
  return seen
}

/** The styles of the Mantine components that the app uses, also inside of others, in the order that Mantine asks for. */
export function stylesInUse(sources: string): string {
  const index = join(library, 'core/esm/index.mjs')
  const used = importsFrom('@mantine/core', [
    ...filesIn(sources, /\.tsx?$/),
    ...filesIn(join(library, 'notifications/esm'), /\.mjs$/),
  ])
  const roots = [...read(index).matchAll(/import \{([^}]*)\} from "(\.[^"]+)"/g)]
    .filter(([, list]) => list!.split(',').some((word) => used.has(word.trim())))
    .map(([, , to]) => resolve(dirname(index), to!))
  const modules = [...withImports(roots)].filter((path) => path.endsWith('.module.mjs'))
  const classes = classesIn(modules.map(read).join())

  const whole = read(join(library, 'core/styles.css'))
  const placeOf = (text: string) => Math.min(...[...classesIn(text)].map((name) => whole.indexOf(name)))
  const ofComponents = filesIn(styles, /^[A-Z]\w+\.css$/)
    .map(read)
    .filter((text) => !classesIn(text).isDisjointFrom(classes))
    .sort((a, b) => placeOf(a) - placeOf(b))
  const base = everywhere.map((file) => read(join(styles, file)))
  return [...base, ...ofComponents, read(join(library, 'notifications/styles.css'))].join('\n').replaceAll(unused, '')
}

/** Colours of Mantine's palette that nothing of ours has. */
const unused = /^\s*--mantine-color-(pink|grape|violet|indigo|cyan|teal|lime)-[\w-]+:[^;]*;\n/gm

/** Gives `virtual:mantine.css`. */
export function mantineStyles(sources: string): Plugin {
  return {
    name: 'mantine-styles',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load: (id) => (id === `\0${name}` ? stylesInUse(sources) : undefined),
  }
}
