import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Plugin } from 'vite'
import { serve } from './service-worker.js'

const mark = readFileSync(join(import.meta.dirname, '../public/favicon.svg'))
const green = '#235f3b'
const drawn = (size: number) => sharp(mark, { density: 72 * (size / 32) }).resize(size, size)
/** With room around the mark, for what a phone cuts off. */
const withRoom = async (size: number) =>
  sharp({ create: { width: size, height: size, channels: 4, background: green } }).composite([
    {
      input: await drawn(Math.round(size * 0.72))
        .png()
        .toBuffer(),
    },
  ])

/** What makes the app one that a phone installs: its icons, drawn from the mark, and its service worker. */
export function installable(): Plugin {
  return {
    name: 'installable',
    apply: 'build',
    // After Vite has taken out what is left empty.
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const icons = {
          'icon-192.png': drawn(192),
          'icon-512.png': drawn(512),
          'icon-maskable-512.png': await withRoom(512),
          'apple-touch-icon.png': await withRoom(180),
        }
        for (const [fileName, icon] of Object.entries(icons))
          this.emitFile({ type: 'asset', fileName, source: await icon.png({ palette: true }).toBuffer() })
        // The typeface of rare letters comes when a page has any; the staff work at a desk.
        const files = Object.keys(bundle)
          .filter((name) => /^assets\//.test(name) && !/staff|golos-text-/.test(name))
          .map((name) => `/${name}`)
          .sort()
        const version = createHash('sha256').update(files.join()).digest('base64url').slice(0, 12)
        const code = String(serve).replaceAll(/^\s*\/\/.*\n/gm, '')
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: `(${code})(${JSON.stringify(version)}, ${JSON.stringify(files)})\n`,
        })
      },
    },
  }
}
