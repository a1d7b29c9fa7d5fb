import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import subset from 'subset-font'
import type { Plugin } from 'vite'

const name = 'virtual:golos-text.css'
const files = resolve(import.meta.dirname, '../../node_modules/@fontsource-variable/golos-text/files')

/** The letters of nearly every page, by the file they stand in; the rest of a file is loaded when a page has any of it. */
const common: Record<string, string> = {
  cyrillic: 'U+0401,U+0410-044F,U+0451,U+2116',
  latin:
    'U+0020-007E,U+00A0,U+00A7,U+00A9,U+00AB,U+00B0-00B3,U+00B7,U+00BB,U+00D7,U+2009,U+202F,' +
    'U+2013,U+2014,U+2018,U+2019,U+201C-201E,U+2026,U+2212',
  'latin-ext': 'U+20BD',
}
const rest: Record<string, string> = {
  'cyrillic-ext': 'U+0460-052F,U+1C80-1C8A,U+20B4,U+2DE0-2DFF,U+A640-A69F,U+FE2E-FE2F',
  cyrillic: 'U+0301,U+0400,U+0402-040F,U+0450,U+0452-045F,U+0490-0491,U+04B0-04B1',
  'latin-ext':
    'U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+1E00-1E9F,U+20A0-20AB,U+20AD-20BC,U+20BE-20C0',
  latin:
    'U+00A1-00A6,U+00A8,U+00AA,U+00AC-00AF,U+00B4-00B6,U+00B8-00BA,U+00BC-00D6,U+00D8-00FF,U+0131,U+0152-0153,U+2020-2025,U+20AC,U+2122,U+2191,U+2193',
}

/** Every letter of a unicode-range. */
const lettersOf = (ranges: string) =>
  [...ranges.matchAll(/U\+([0-9A-F]+)(?:-([0-9A-F]+))?/g)]
    .map(([, first, last = first]) => [first!, last!].map((hex) => Number.parseInt(hex, 16)) as [number, number])
    .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i)))
    .join('')

const face = (url: string, range: string) => `@font-face {
  font-family: 'Golos Text Variable'; font-style: normal; font-display: swap; font-weight: 400 700;
  src: url(${url}) format('woff2-variations'); unicode-range: ${range};
}`
const fileOf = (part: string) => join(files, `golos-text-${part}-wght-normal.woff2`)

/**
 * Gives `virtual:golos-text.css`: the typeface in small files with the letters that pages are made of, and its own for all
 * others.
 */
export function fonts(): Plugin {
  return {
    name: 'fonts',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    async load(id) {
      if (id !== `\0${name}`) return undefined
      const faces = Object.entries(rest).map(([part, range]) => face(fileOf(part), range))
      if (this.environment.mode !== 'build') return `@import '@fontsource-variable/golos-text'`
      for (const [part, range] of Object.entries(common)) {
        const small = await subset(readFileSync(fileOf(part)), lettersOf(range), {
          targetFormat: 'woff2',
          noLayoutClosure: true,
          variationAxes: { wght: { min: 400, max: 700, default: 400 } },
        })
        const file = this.emitFile({ type: 'asset', name: `golos-${part}.woff2`, source: small })
        faces.push(face(`__VITE_ASSET__${file}__`, range))
      }
      return faces.join('\n')
    },
  }
}
