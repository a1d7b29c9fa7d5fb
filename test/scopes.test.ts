import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { logIn, logInAdmin, person, startApp, type TestApp } from './harness.ts'

let app: TestApp
let admin: string
before(async () => {
  app = await startApp({ TRUST_PROXY: '127.0.0.1' }, { worker: false })
})
// One of the calls of the matrix ends all other logins.
beforeEach(async () => {
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const make = (body: object, token = admin) => app.post('/api/profile/tokens', { name: 'a machine', ...body }, { token })
async function tokenOf(scopes: string[], more: object = {}): Promise<string> {
  const answer = await make({ scopes, ...more })
  assert.equal(answer.status, 201, answer.text)
  return answer.body.token
}

/** Status and code of a call by a token; an event stream is left as soon as it begins. */
async function call(method: string, url: string, token?: string) {
  const leave = new AbortController()
  const response = await fetch(app.url + url.replace(/:\w+/g, '999999999'), {
    method,
    redirect: 'manual',
    signal: leave.signal,
    headers: {
      ...(token ? { authorization: `Token ${token}` } : {}),
      ...(method === 'GET' || method === 'HEAD' ? {} : { 'content-type': 'application/json' }),
    },
    ...(method === 'GET' || method === 'HEAD' ? {} : { body: '{"no such field":1}' }),
  })
  const isProblem = response.headers.get('content-type')?.includes('problem') && method !== 'HEAD'
  const code = isProblem ? ((await response.json()) as { code: string }).code : undefined
  leave.abort()
  return { status: response.status, code }
}

// Guarantee: on every route a token is refused that does not name its scope, whatever else it names, and the one that names
// nothing but it gets through; where anybody may call, a token that may not is nobody.
test('a token may what its scopes name, on every route', async () => {
  const { scopes } = app.platform
  const only = new Map<string, string>()
  const butFor = new Map<string, string>()
  for (const scope of scopes) {
    only.set(scope, await tokenOf([scope]))
    butFor.set(scope, await tokenOf(scopes.filter((other) => other !== scope)))
  }
  const wrong: string[] = []
  const used = new Set<string>()
  const routes = app.app.declared.filter((route) => route.scope)
  for (const { method, url, access, scope } of routes) {
    used.add(scope!)
    for (const verb of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
      const without = await call(verb, url, butFor.get(scope!))
      const within = await call(verb, url, only.get(scope!))
      const refused = without.status === 403 && (verb === 'HEAD' || without.code === 'request.out_of_scope')
      const asNobody = access === 'anyone' && without.status === (await call(verb, url)).status
      if (access === 'anyone' ? !asNobody : !refused)
        wrong.push(`${verb} ${url} without ${scope}: ${without.status} ${without.code}`)
      if (within.code === 'request.out_of_scope' || within.status === 401)
        wrong.push(`${verb} ${url} with ${scope}: ${within.status} ${within.code}`)
    }
  }
  assert.deepEqual(wrong, [])
  assert.deepEqual([...used].sort(), scopes.toSorted(), 'every scope opens something')
  assert.ok(routes.length > 100)
})

// Guarantee: of a route that anybody may call, a token of other scopes sees what a stranger sees.
test('outside its scopes a token is nobody', async () => {
  const token = await tokenOf(['collects:read'])
  const asToken = { headers: { authorization: `Token ${token}` } }
  assert.equal((await app.get('/api/organisation', asToken)).body.requisites, undefined)
  const whole = await tokenOf(['installation:read'])
  const seen = await app.get('/api/organisation', { headers: { authorization: `Token ${whole}` } })
  assert.ok(seen.body.requisites)
})

// Guarantee: a token ends when it expires, and is taken from its networks alone; it is shown once and stored hashed.
test('a token has an end and networks', async () => {
  const at = (token: string, from = '203.0.113.7') =>
    app.get('/api/payments', { headers: { authorization: `Token ${token}`, 'x-forwarded-for': from } })
  const bound = await tokenOf(['collects:read'], { addresses: ['203.0.113.0/24', '2001:db8::/32'] })
  assert.equal((await at(bound)).status, 200)
  assert.equal((await at(bound, '::ffff:203.0.113.9')).status, 200)
  assert.equal((await at(bound, '2001:db8:1::1')).status, 200)
  for (const from of ['203.0.114.7', '2001:db9::1', '127.0.0.1'])
    assert.equal((await at(bound, from)).status, 401, from)

  const short = await make({ scopes: ['collects:read'], expires_at: '2090-01-01T00:00:00Z' })
  assert.equal((await at(short.body.token)).status, 200)
  await app.platform.pool.query(`update accounts.tokens set expires_at = now() where id = $1`, [short.body.id])
  assert.equal((await at(short.body.token)).status, 401)

  const { body } = await app.get('/api/profile/tokens?page_size=100', { token: admin })
  const ids = body.results.map((token: { id: number }) => token.id)
  assert.ok(!ids.includes(short.body.id))
  assert.ok(body.results.every((token: object) => !('token' in token)))
  const used = body.results.find((token: { addresses: unknown }) => token.addresses)
  assert.deepEqual(
    [used.name, used.scopes, used.addresses],
    ['a machine', ['collects:read'], ['203.0.113.0/24', '2001:db8::/32']],
  )
  assert.ok(used.last_used_at)
  const { rows } = await app.platform.pool.query('select t::text from accounts.tokens t')
  assert.ok(rows.every(({ t }) => !t.includes(bound)))
})

// Guarantee: a token is made soon after a login only, never by a token, and what makes no sense is told at its field.
test('how a token is made', async () => {
  const whole = await app.post('/auth', { username: 'admin', password: 'the-admin-of-tests' })
  const byToken = await app.post(
    '/api/profile/tokens',
    { name: 'more', scopes: ['collects:read'] },
    { headers: { authorization: `Token ${whole.body.token}` } },
  )
  assert.deepEqual([byToken.status, byToken.body.code], [403, 'accounts.login_again'])
  for (const [body, path] of [
    [{ scopes: [] }, '/scopes'],
    [{ scopes: ['collects:read', 'collects:read'] }, '/scopes'],
    [{ scopes: ['collects:everything'] }, '/scopes/0'],
    [{ scopes: ['collects:read'], name: ' ' }, '/name'],
    [{ scopes: ['collects:read'], expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
    [{ scopes: ['collects:read'], addresses: ['203.0.113.0/24', '203.0.113.0/33'] }, '/addresses/1'],
    [{ scopes: ['collects:read'], addresses: ['example.org'] }, '/addresses/0'],
    [{ scopes: ['collects:read'], addresses: ['fe80::1%eth0'] }, '/addresses/0'],
  ] as const) {
    const answer = await make(body)
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, path], answer.text)
  }
  // Scopes give nothing that the user may not.
  const who = await person(app)
  const { token } = await logIn(app, who.username, who.password)
  const made = await make({ scopes: ['accounts:read'] }, token)
  const headers = { authorization: `Token ${made.body.token}` }
  assert.equal((await app.get('/api/profile', { headers })).status, 200)
  assert.deepEqual((await app.get('/api/admin/users', { headers })).body.code, 'request.forbidden')
})
