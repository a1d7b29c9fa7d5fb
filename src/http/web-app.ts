import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { App } from '../platform/fastify.ts'

/** Serves the built web app; returns its page, which stands for every address that the app itself knows. */
export async function webApp(app: App): Promise<Buffer | undefined> {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  if (!existsSync(join(folder, 'index.html'))) return undefined
  // Names in assets bear a hash of their content; the rest is asked for each time.
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: false,
    globIgnore: ['index.html', '.built'],
    setHeaders: (reply, path) =>
      void reply.header(
        'cache-control',
        path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ),
  })
  return readFileSync(join(folder, 'index.html'))
}
