import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const best = (text: Buffer) =>
  brotliCompressSync(text, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
  })

/** Writes beside every file of text that is smaller by it a `.br` and a `.gz`, which the server gives to who takes them. */
export function precompress(): Plugin {
  let folder = ''
  return {
    name: 'precompress',
    apply: 'build',
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir)
    },
    closeBundle: () => {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue
        const path = join(folder, name)
        const text = readFileSync(path)
        for (const [ending, small] of [['br', best(text)] as const, ['gz', gzipSync(text, { level: 9 })] as const])
          if (small.length < text.length * 0.9) writeFileSync(`${path}.${ending}`, small)
      }
    },
  }
}
