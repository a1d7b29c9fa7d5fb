// What the browser runs beside the app: it keeps the app and what a person has looked at, for when there is no network.
// The build puts it into sw.js and calls it with the files of this version.
export function serve(version, files) {
  const worker = globalThis
  const app = `app-${version}`
  // What was told to somebody who is signed in goes when they do; what everybody may read stays.
  const personal = 'answers-personal'
  const open = 'answers-open'
  const mostAnswers = 200
  let logins = 0

  worker.addEventListener('install', (event) => {
    event.waitUntil(
      caches.open(app).then(async (cache) => {
        await cache.put('/', await fetch('/', { headers: { accept: 'text/html' }, cache: 'reload' }))
        await cache.addAll(files)
      }),
    )
  })
  worker.addEventListener('activate', (event) => {
    const isOld = (name) => name.startsWith('app-') && name !== app
    event.waitUntil(
      caches
        .keys()
        .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
        .then(() => worker.clients.claim()),
    )
  })
  worker.addEventListener('message', (event) => {
    if (event.data === 'take over') void worker.skipWaiting()
    if (event.data !== 'forget') return
    // What is still on its way was asked for by who has left.
    logins++
    event.waitUntil(caches.delete(personal))
  })

  async function answerOf(request) {
    const login = logins
    try {
      const response = await fetch(request)
      const isJson = response.headers.get('content-type')?.startsWith('application/json')
      if (response.ok && isJson && login === logins) {
        const cache = await caches.open(request.headers.has('authorization') ? personal : open)
        await cache.put(request.url, response.clone())
        const kept = await cache.keys()
        await Promise.all(kept.slice(0, Math.max(0, kept.length - mostAnswers)).map((old) => cache.delete(old)))
        if (login !== logins) await caches.delete(personal)
      }
      return response
    } catch (error) {
      const names = login === logins ? [personal, open] : [open]
      for (const name of names) {
        const kept = await (await caches.open(name)).match(request.url)
        if (kept) return kept
      }
      throw error
    }
  }

  async function fileOf(request, name) {
    const kept = await caches.match(request)
    if (kept) return kept
    const response = await fetch(request)
    if (response.ok) await (await caches.open(name)).put(request, response.clone())
    return response
  }

  const pageOf = (request) =>
    fetch(request).catch(async (error) => {
      const kept = await caches.match('/', { cacheName: app })
      if (kept) return kept
      throw error
    })

  worker.addEventListener('fetch', (event) => {
    const { request } = event
    const { origin, pathname } = new URL(request.url)
    if (request.method !== 'GET' || origin !== location.origin) return
    if (request.mode === 'navigate') {
      if (!/^\/(api|auth|docs|health|metrics|files)(\/|$)/.test(pathname)) event.respondWith(pageOf(request))
    } else if (pathname.startsWith('/assets/')) event.respondWith(fileOf(request, app))
    else if (pathname.startsWith('/files/covers/')) event.respondWith(fileOf(request, open))
    else if (
      /^\/api\//.test(pathname) &&
      !/^\/api\/(auth|admin|outbox|profile\/|schema)|\/events$|\.csv$|\/pdf$|\/export$/.test(pathname)
    )
      event.respondWith(answerOf(request))
  })
}
