import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedEncoding, type Encoding, vary } from '../platform/compression.ts'
import { etagOf } from '../platform/etags.ts'
import type { App } from '../platform/fastify.ts'
import type { Preview } from '../platform/module.ts'

const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
const endings: Record<Encoding, string> = { br: '.br', gzip: '.gz' }

/** The page of the built web app, which stands for every address that the app itself knows; undefined where it is not built. */
export function readPage() {
  const file = join(folder, 'index.html')
  if (!existsSync(file)) return undefined
  const plain = readFileSync(file)
  const small = (encoding: Encoding) => {
    const path = file + endings[encoding]
    return existsSync(path) ? readFileSync(path) : undefined
  }
  const forms = { br: small('br'), gzip: small('gzip') }
  const etag = `W/${etagOf(plain, {})}`
  const scripts = [...plain.toString().matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code!)
  return {
    /** What the Content-Security-Policy says of the scripts that stand in the page itself. */
    scriptHashes: scripts.map((code) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`),
    /** Sends the page; with a preview it says in its head what it is, to whoever runs no scripts. */
    send(req: FastifyRequest, reply: FastifyReply, preview?: Preview & { url: string; site: string }) {
      if (preview) {
        const body = plain.toString().replace(/<title>.*?<\/title>/, () => headOf(preview))
        return reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(body)
      }
      vary(reply)
      reply.header('cache-control', 'no-cache').header('etag', etag)
      if (req.headers['if-none-match'] === etag) return reply.code(304).send()
      const encoding = acceptedEncoding(req.headers['accept-encoding'])
      const body = encoding && forms[encoding]
      if (body) reply.header('content-encoding', encoding)
      return reply.type('text/html; charset=utf-8').send(body ?? plain)
    },
  }
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** The title and the Open Graph tags of a page; every word is a person's and escaped. */
function headOf({ title, description, image, url, site }: Preview & { url: string; site: string }): string {
  const tags = {
    'og:type': 'website',
    'og:site_name': site,
    'og:title': title,
    'og:description': description,
    'og:url': url,
    'twitter:card': image ? 'summary_large_image' : 'summary',
    ...(image ? { 'og:image': image } : {}),
  }
  return [
    `<title>${escaped(title)}</title>`,
    `<meta name="description" content="${escaped(description)}">`,
    ...Object.entries(tags).map(([name, content]) => `<meta property="${name}" content="${escaped(content)}">`),
  ].join('\n    ')
}

/** Serves the files of the built web app, compressed where the build has made them smaller by that. */
export async function serveFiles(app: App): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: false,
    globIgnore: ['index.html', '.built', '**/*.br', '**/*.gz'],
    preCompressed: true,
    // Names in assets bear a hash of their content; the rest is asked for each time.
    setHeaders: (reply, path) => {
      if (!path.includes('/assets/')) return void reply.header('cache-control', 'no-cache')
      reply.header('cache-control', 'public, max-age=31536000, immutable')
      // Nobody asks again for what never changes.
      reply.removeHeader('etag').removeHeader('last-modified').removeHeader('accept-ranges')
    },
  })
}
