import assert from 'node:assert/strict'
import { test } from 'node:test'
import { person, startApp } from './harness.ts'

// Guarantee: a page of the web app answers whoever asks, whatever they accept; a collect's says its title, its sum and its
// cover to programs that run no scripts, and nothing that a person typed becomes a tag.
test('a link to a collect shows what it is', async () => {
  await using app = await startApp({ PUBLIC_URL: 'https://dvor.example' }, { worker: false })
  const { token } = await person(app)
  const title = '"><script>alert(1)</script> & $& скамейки'
  const ends_at = '2027-12-31T00:00:00Z'
  const { body } = await app.post('/api/collects', { title, occasion: 'yard', target_amount: 1000, ends_at }, { token })
  for (const accept of ['*/*', 'application/json', 'text/html', '']) {
    const headers: Record<string, string> = accept ? { accept } : {}
    const page = await app.get(`/collects/${body.id}`, { headers })
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-type')!, /text\/html/)
    assert.match(page.text, /<meta property="og:description" content="Собрано 0,00\s₽ из 1\s000,00\s₽/)
    assert.match(page.text, new RegExp(`<meta property="og:url" content="https://dvor.example/collects/${body.id}">`))
    assert.ok(
      page.text.includes(
        'og:title" content="&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62; &#38; $&#38; скамейки"',
      ),
    )
    assert.ok(!page.text.includes('<script>alert'))
    assert.match(page.headers.get('content-security-policy')!, /script-src 'self'/)
  }
  const head = await app.call('HEAD', `/collects/${body.id}`)
  assert.deepEqual([head.status, head.text], [200, ''])
  for (const path of ['/', '/collects/999999', '/collects', '/nowhere']) {
    const page = await app.get(path, { headers: { accept: '*/*' } })
    assert.deepEqual([page.status, page.text.includes('og:title')], [200, false], path)
  }
  for (const path of ['/api/nowhere', '/files/nowhere', '/assets/nowhere.js', '/auth/nowhere'])
    assert.equal((await app.get(path, { headers: { accept: 'text/html' } })).status, 404, path)
})
