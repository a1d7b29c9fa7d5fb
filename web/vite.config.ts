import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig, type InlineConfig, type UserConfig } from 'vite'
import { firstLoad } from './build/first-load.ts'
import { fonts } from './build/fonts.ts'
import { installable } from './build/installable.ts'
import { mantineStyles } from './build/mantine-styles.ts'
import { findPages } from './build/pages.ts'
import { precompress } from './build/precompress.ts'
import { learnChunks } from './build/sections.ts'

const server = 'http://127.0.0.1:8000'
const sources = join(import.meta.dirname, 'src')
const pages = findPages(sources)

const common = {
  root: import.meta.dirname,
  plugins: [react(), mantineStyles(sources), fonts()],
  // Pictures and fonts stay files: the server's Content-Security-Policy and its long caching are made for them.
  build: { outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022' },
} satisfies InlineConfig

/** Where people come in: what these screens need is kept apart from what others do. */
const first = ['/', '/collects']
/** What everybody is told there. It is asked for by the page, before the app is there (a test holds it against the app). */
const asked = { '/collects': ['/api/collects?page=1&status=active&page_size=12'] }

const staff = new Set(pages.filter((page) => page.isStaff).map((page) => page.file))
/** What residents never load says so in its name. */
const nameOf = ({ name, facadeModuleId }: { name: string; facadeModuleId?: string | null }) =>
  staff.has(facadeModuleId ?? '') || /\bstaff\b/.test(name)
    ? 'assets/staff-[name]-[hash].js'
    : 'assets/[name]-[hash].js'

export default defineConfig(async ({ command }): Promise<UserConfig> => {
  const codeSplitting = command === 'build' ? await learnChunks(common, pages, first) : undefined
  return {
    ...common,
    plugins: [...common.plugins, firstLoad(pages, asked), installable(), precompress()],
    server: {
      proxy: Object.fromEntries(['/api', '/auth', '/docs', '/files', '/health'].map((path) => [path, server])),
    },
    build: {
      ...common.build,
      chunkSizeWarningLimit: 600,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        preserveEntrySignatures: 'allow-extension',
        output: { codeSplitting, chunkFileNames: nameOf },
      },
    },
  }
})
