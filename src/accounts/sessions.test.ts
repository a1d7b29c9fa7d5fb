import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
before(async () => {
  app = await startApp()
})
after(() => app[Symbol.asyncDispose]())

const browser = { 'x-dvor-session': 'cookie' }
const cookiesOf = (answer: Answer) =>
  Object.fromEntries(
    answer.headers.getSetCookie().map((line) => {
      const [pair = '', ...attributes] = line.split('; ')
      const [name = '', value = ''] = pair.split('=')
      return [name, { value, attributes }]
    }),
  )
/** Logs in as a browser; returns the access token and the two cookies as a header would carry them. */
async function browserLogin(names = {}) {
  const who = await person(app, names)
  const answer = await app.post(
    '/api/auth/login',
    { username: who.username, password: who.password },
    { headers: browser },
  )
  assert.equal(answer.status, 200, answer.text)
  const { refresh, view } = cookiesOf(answer)
  return {
    who,
    answer,
    access: answer.body.access as string,
    refresh: `refresh=${refresh!.value}`,
    view: `view=${view!.value}`,
  }
}
const refresh = (headers: Record<string, string>, body: object = {}) => app.post('/api/auth/refresh', body, { headers })

// Guarantee: a browser never sees its refresh token, and no script of a page can read its cookies.
test('a browser gets its session in two cookies', async () => {
  const { answer } = await browserLogin()
  assert.deepEqual(Object.keys(answer.body).sort(), ['access', 'expires_in'])
  const { refresh: kept, view } = cookiesOf(answer)
  for (const cookie of [kept!, view!]) {
    assert.ok(cookie.attributes.includes('HttpOnly') && cookie.attributes.includes('SameSite=Strict'))
    assert.ok(cookie.attributes.includes(`Max-Age=${30 * 86_400}`))
    assert.ok(!cookie.attributes.includes('Secure'))
  }
  assert.ok(kept!.attributes.includes('Path=/api/auth') && view!.attributes.includes('Path=/api'))
})

// Guarantee: on https the cookies never travel in clear.
test('cookies are Secure where the address is https', async () => {
  await using safe = await startApp({ PUBLIC_URL: 'https://dvor.example.org' }, { worker: false })
  const who = await person(safe)
  const answer = await safe.post(
    '/api/auth/login',
    { username: who.username, password: who.password },
    { headers: browser },
  )
  for (const cookie of Object.values(cookiesOf(answer))) assert.ok(cookie.attributes.includes('Secure'))
})

// Guarantee: a page of another site can neither renew nor end a browser's session; the browser's own page can.
test('refresh and logout by cookie check the origin', async () => {
  const one = await browserLogin()
  const foreign = { ...browser, cookie: one.refresh, origin: 'https://evil.example.org' }
  assert.equal((await refresh(foreign)).status, 403)
  assert.equal((await refresh({ ...foreign, origin: 'null' })).status, 403)
  assert.equal((await app.post('/api/auth/logout', {}, { headers: foreign })).status, 403)
  const own = await app.call('POST', '/api/auth/refresh', {
    headers: { ...browser, cookie: one.refresh, origin: app.url },
  })
  assert.equal(own.status, 200, own.text)
  assert.equal(own.body.refresh, undefined)
  const next = cookiesOf(own).refresh!.value
  assert.notEqual(`refresh=${next}`, one.refresh)
  // What came by cookie never comes back in a body, also where the header is missing.
  const silent = await refresh({ cookie: `refresh=${next}` })
  assert.equal(silent.status, 200)
  assert.equal(silent.body.refresh, undefined)
  const last = `refresh=${cookiesOf(silent).refresh!.value}`
  const out = await app.call('POST', '/api/auth/logout', { headers: { ...browser, cookie: last, origin: app.url } })
  assert.equal(out.status, 204, out.text)
  assert.deepEqual(
    Object.values(cookiesOf(out)).map((c) => c.value),
    ['', ''],
  )
  assert.equal((await refresh({ ...browser, cookie: last })).status, 401)
})

// Guarantee: the view cookie reads whatever its owner may read, writes nothing, and ends with the login or a block.
test('the view cookie reads and never writes', async () => {
  const one = await browserLogin()
  const headers = { cookie: one.view }
  const profile = await app.get('/api/profile', { headers })
  assert.equal(profile.body.username, one.who.username)
  assert.equal((await app.call('HEAD', '/api/profile', { headers })).status, 200)
  assert.equal((await app.get('/api/admin/users', { headers })).status, 403)
  assert.equal((await app.patch('/api/profile', { first_name: 'Пётр' }, { headers })).status, 401)
  assert.equal((await app.post('/api/auth/logout', {}, { headers: { ...browser, ...headers } })).status, 401)
  const forged = one.view.replace(/\d+/, (login) => String(Number(login) - 1))
  assert.equal((await app.get('/api/profile', { headers: { cookie: forged } })).status, 401)
  assert.equal((await app.get('/api/collects', { headers: { cookie: forged } })).status, 200)
  await app.post('/api/auth/logout', {}, { headers: { ...browser, cookie: one.refresh } })
  assert.equal((await app.get('/api/profile', { headers })).status, 401)

  const two = await browserLogin()
  const admin = await logInAdmin(app)
  await app.patch(`/api/admin/users/${two.who.id}`, { is_active: false }, { token: admin })
  assert.equal((await app.get('/api/profile', { headers: { cookie: two.view } })).status, 401)
  assert.equal((await refresh({ ...browser, cookie: two.refresh })).status, 401)
})

// Guarantee: a lost answer or a second tab costs nothing, and a stolen refresh token ends the family of its victim.
test('two refreshes of one token get one successor, an older one ends the family', async () => {
  const { refresh: first } = await person(app)
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh({}, { refresh: first })))
  assert.deepEqual(
    answers.map((a) => a.status),
    Array(8).fill(200),
  )
  assert.equal(new Set(answers.map((a) => a.body.refresh)).size, 1)
  const second = answers[0]!.body.refresh
  const third = (await refresh({}, { refresh: second })).body.refresh
  assert.equal((await refresh({}, { refresh: first })).status, 401)
  assert.equal((await refresh({}, { refresh: third })).status, 401)
})

// Guarantee: the direct parent serves again for 30 seconds and not a moment longer.
test('a parent spent long ago ends the family', async () => {
  const { id, refresh: first } = await person(app)
  const second = (await refresh({}, { refresh: first })).body.refresh
  await app.platform.pool.query(
    `update accounts.refresh_tokens t set spent_at = now() - interval '31 seconds'
     from accounts.logins l where l.id = t.login_id and l.user_id = $1 and spent_at is not null`,
    [id],
  )
  assert.equal((await refresh({}, { refresh: first })).status, 401)
  assert.equal((await refresh({}, { refresh: second })).status, 401)
})

// Guarantee: a browser that logs in again, as the dialog of the web app has it do, leaves no login behind that nobody holds;
// a login elsewhere stays.
test('a login in place of another ends it', async () => {
  const { who, access, refresh: before } = await browserLogin()
  const log = (headers: Record<string, string>) =>
    app.post('/api/auth/login', { username: who.username, password: who.password }, { headers })
  const elsewhere = await log({})
  const again = await log({ ...browser, cookie: before })
  assert.equal(again.status, 200, again.text)
  assert.equal((await refresh({ ...browser, cookie: before })).status, 401)
  assert.equal((await app.patch('/api/profile', { first_name: 'Анна' }, { token: access })).status, 401)
  const now = cookiesOf(again).refresh!.value
  assert.equal((await refresh({ ...browser, cookie: `refresh=${now}` })).status, 200)
  assert.equal((await refresh({}, { refresh: elsewhere.body.refresh })).status, 200)
})
