import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { OAuth2Server } from 'oauth2-mock-server'
import { type Answer, eventually, type Json, logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'
import { confirmedPerson } from '../../test/people.ts'

const provider = new OAuth2Server()
let app: TestApp
before(async () => {
  await provider.issuer.keys.generate('RS256')
  await provider.start(0, '127.0.0.1')
  provider.issuer.url = `http://127.0.0.1:${provider.address().port}`
  app = await startApp({
    OIDC_ISSUER: provider.issuer.url,
    OIDC_CLIENT_ID: 'dvor',
    OIDC_CLIENT_SECRET: 'a secret of the provider',
    OIDC_ADMINS: 'boss@example.org, chair@example.org',
    OIDC_ALLOW: 'everyone',
  })
})
after(async () => {
  await app[Symbol.asyncDispose]()
  await provider.stop()
})

type Claims = Record<string, unknown>
const cookieOf = (answer: Answer, name: string) => {
  const line = answer.headers.getSetCookie().find((c) => c.startsWith(`${name}=`))
  return line?.split(';')[0] ?? ''
}

/** Leaves for the provider; where it leads back to, and what the browser keeps. */
async function leave(query = '', on: TestApp = app) {
  const begun = await on.get(`/api/auth/oidc/login${query}`)
  assert.equal(begun.status, 303, begun.text)
  const there = await fetch(begun.headers.get('location')!, { redirect: 'manual' })
  const back = new URL(there.headers.get('location')!)
  return {
    back: back.pathname + back.search,
    cookie: cookieOf(begun, 'oidc'),
    asked: new URL(begun.headers.get('location')!),
  }
}
/** Comes back as whom the provider knows by these claims. */
async function arrive(claims: Claims, { back, cookie }: { back: string; cookie: string }, on: TestApp = app) {
  knows(claims)
  return on.get(back, { headers: { cookie } })
}
/** Whom the provider takes everybody for, from now on. */
function knows(claims: Claims) {
  provider.service.removeAllListeners()
  provider.service.on('beforeTokenSigning', (token: Json) => Object.assign(token.payload, claims))
  provider.service.on('beforeUserinfo', (answer: Json) => Object.assign(answer.body, { sub: claims.sub }))
}
const come = async (claims: Claims, query = '', on: TestApp = app) => arrive(claims, await leave(query, on), on)
/** The access token of the session whose cookies an answer set. */
async function entered(answer: Answer, on: TestApp = app): Promise<string> {
  const refreshed = await on.post(
    '/api/auth/refresh',
    {},
    { headers: { cookie: cookieOf(answer, 'refresh'), 'x-dvor-session': 'cookie' } },
  )
  assert.equal(refreshed.status, 200, refreshed.text)
  return refreshed.body.access
}
const whoIs = async (token: string) => (await app.get('/api/profile', { token })).body
const refusal = (answer: Answer) => {
  assert.equal(answer.status, 303, answer.text)
  assert.equal(cookieOf(answer, 'refresh'), '')
  return new URL(answer.headers.get('location')!, app.url).searchParams.get('refused')
}

// Guarantee: who comes by the provider gets an account and a browser's session, the same account each time, and no token
// stands in an address.
test('a person comes by the provider', async () => {
  const claims = {
    sub: 'anna',
    email: 'anna@mail.example',
    email_verified: true,
    given_name: 'Анна',
    family_name: 'Соколова',
  }
  const trip = await leave('?next=/collects')
  assert.equal(trip.asked.searchParams.get('code_challenge_method'), 'S256')
  assert.ok(trip.asked.searchParams.get('nonce') && trip.asked.searchParams.get('state'))
  const first = await arrive(claims, trip)
  assert.deepEqual([first.status, first.headers.get('location')], [303, '/collects'])
  const who = await whoIs(await entered(first))
  assert.deepEqual(
    [who.email, who.email_confirmed, who.full_name, who.role],
    ['anna@mail.example', true, 'Соколова Анна', 'user'],
  )
  // The subject is who they are; the address may change there.
  const again = await come({ ...claims, email: 'anna@elsewhere.example' })
  const same = await whoIs(await entered(again))
  assert.deepEqual([same.id, same.email], [who.id, 'anna@mail.example'])
  assert.equal((await come({ ...claims, sub: 'a namesake', email: undefined })).headers.get('location'), '/')
  await app.audit()
})

// Guarantee: a code that this browser did not ask for, a second use of one, and a changed state or nonce are refused.
test('what this browser did not ask for is refused', async () => {
  const claims = { sub: 'thief' }
  const [mine, other] = [await leave(), await leave()]
  assert.equal(refusal(await arrive(claims, { back: mine.back, cookie: '' })), 'oidc_failed')
  assert.equal(refusal(await arrive(claims, { back: mine.back, cookie: other.cookie })), 'oidc_failed')
  assert.equal(
    refusal(await arrive(claims, { ...mine, back: mine.back.replace(/state=[^&]+/, 'state=forged') })),
    'oidc_failed',
  )
  assert.equal(refusal(await arrive(claims, { ...mine, cookie: 'oidc=nonsense' })), 'oidc_failed')
  const errand = JSON.parse(Buffer.from(other.cookie.slice(5), 'base64url').toString())
  const forged = `oidc=${Buffer.from(JSON.stringify({ ...errand, nonce: 'another' })).toString('base64url')}`
  assert.equal(refusal(await arrive(claims, { ...other, cookie: forged })), 'oidc_failed')
  const wrongVerifier = await leave()
  const kept = JSON.parse(Buffer.from(wrongVerifier.cookie.slice(5), 'base64url').toString())
  const cookie = `oidc=${Buffer.from(JSON.stringify({ ...kept, verifier: 'x'.repeat(43) })).toString('base64url')}`
  assert.equal(refusal(await arrive(claims, { ...wrongVerifier, cookie })), 'oidc_failed')
  const whole = await leave()
  assert.equal((await arrive(claims, whole)).headers.get('location'), '/')
  assert.equal(refusal(await arrive(claims, { ...whole, cookie: '' })), 'oidc_failed')
  const denied = await leave()
  const state = new URL(denied.back, app.url).searchParams.get('state')
  assert.equal(
    refusal(
      await app.get(`/api/auth/oidc/callback?error=access_denied&state=${state}`, {
        headers: { cookie: denied.cookie },
      }),
    ),
    'oidc_failed',
  )
})

// Guarantee: after the login nobody is led to another site.
test('the way back stays here', async () => {
  for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', 'evil'])
    assert.equal((await app.get(`/api/auth/oidc/login?next=${encodeURIComponent(next)}`)).status, 400, next)
})

// Guarantee: an address joins an identity to an account only if both sides confirmed it; else nobody gets into it that way.
test('an address joins when both sides confirmed it', async () => {
  const confirmed = await confirmedPerson(app)
  const joined = await come({ sub: 'of confirmed', email: confirmed.email.toUpperCase(), email_verified: true })
  assert.equal((await whoIs(await entered(joined))).id, confirmed.id)

  const careless = await confirmedPerson(app)
  const stranger = await whoIs(
    await entered(await come({ sub: 'claims it', email: careless.email, email_verified: false })),
  )
  assert.notEqual(stranger.id, careless.id)
  assert.equal(stranger.email, null)

  const squatter = await person(app)
  assert.equal(refusal(await come({ sub: 'owner', email: squatter.email, email_verified: true })), 'oidc_not_confirmed')
  await app.audit()
})

// Guarantee: one identity that comes many times at once gets one account.
test('an identity gets one account', async () => {
  const trips = await Promise.all(Array.from({ length: 8 }, () => leave()))
  knows({ sub: 'many tabs' })
  const answers = await Promise.all(trips.map(({ back, cookie }) => app.get(back, { headers: { cookie } })))
  const ids = await Promise.all(answers.map(async (answer) => (await whoIs(await entered(answer))).id))
  assert.equal(new Set(ids).size, 1)
})

// Guarantee: a verified address on OIDC_ADMINS makes an administrator, one that is not verified does not.
test('who is on the list becomes an administrator', async () => {
  const unproved = await come({ sub: 'liar', email: 'boss@example.org', email_verified: false })
  assert.equal((await whoIs(await entered(unproved))).role, 'user')
  const boss = await come({ sub: 'boss', email: 'Boss@example.org', email_verified: true })
  const token = await entered(boss)
  assert.equal((await app.get('/api/admin/users', { token })).status, 200)
  const admin = await logInAdmin(app)
  const log = await app.get('/api/admin/audit?action=accounts.become_admin', { token: admin })
  assert.equal(log.body.count, 1)
})

// Guarantee: unless everyone is allowed, only administrators come that way; a blocked person never.
test('who may come is a setting', async () => {
  await using closed = await startApp(
    { OIDC_ISSUER: provider.issuer.url!, OIDC_CLIENT_ID: 'dvor', OIDC_ADMINS: 'boss@example.org' },
    { worker: false },
  )
  assert.equal(
    refusal(await come({ sub: 'anna', email: 'anna@mail.example', email_verified: true }, '', closed)),
    'oidc_closed',
  )
  const boss = await come({ sub: 'boss', email: 'boss@example.org', email_verified: true }, '', closed)
  const { body } = await closed.get('/api/profile', { token: await entered(boss, closed) })
  assert.equal(body.role, 'admin')
  const admin = await logInAdmin(closed)
  await closed.patch(`/api/admin/users/${body.id}`, { is_active: false }, { token: admin })
  assert.equal(
    refusal(await come({ sub: 'boss', email: 'boss@example.org', email_verified: true }, '', closed)),
    'blocked',
  )
  const ways = await closed.get('/api/auth/ways')
  assert.deepEqual(ways.body, { oidc: { name: '127.0.0.1' } })
})

// Guarantee: a login counts from when the provider asked for the password, and `again` has it asked anew.
test('an old login at the provider is no recent one here', async () => {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: 'sleepy', email: 'sleepy@mail.example', email_verified: true }
  const old = await entered(await come({ ...claims, auth_time: now - 3600 }))
  const change = { email: 'other@mail.example' }
  assert.equal((await app.patch('/api/profile', change, { token: old })).body.code, 'accounts.login_again')
  const trip = await leave('?again=true')
  assert.equal(trip.asked.searchParams.get('max_age'), '0')
  assert.equal(refusal(await arrive({ ...claims, auth_time: now - 3600 }, trip)), 'oidc_failed')
  const fresh = await entered(await arrive({ ...claims, auth_time: now }, await leave('?again=true')))
  assert.equal((await app.patch('/api/profile', change, { token: fresh })).status, 200)
})

// Guarantee: a provider that is away costs those who come by it a word, and is found again when it is back.
test('a provider that is away', async () => {
  const late = new OAuth2Server()
  await late.issuer.keys.generate('RS256')
  await late.start(0, '127.0.0.1')
  const { port } = late.address()
  await late.stop()
  const OIDC_ISSUER = `http://127.0.0.1:${port}`
  await using lonely = await startApp({ OIDC_ISSUER, OIDC_CLIENT_ID: 'dvor' }, { worker: false })
  assert.equal(refusal(await lonely.get('/api/auth/oidc/login')), 'oidc_away')
  await late.start(port, '127.0.0.1')
  late.issuer.url = OIDC_ISSUER
  await eventually('it is found', async () =>
    (await lonely.get('/api/auth/oidc/login')).headers.get('location')?.startsWith(OIDC_ISSUER),
  )
  await late.stop()
  await using none = await startApp({}, { worker: false })
  assert.equal((await none.get('/api/auth/oidc/login')).status, 404)
})
