import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import Provider from 'oidc-provider'
import { words } from '../web/src/messages.ts'
import { browserTest, faultsOf, openBrowser, signIn } from './browser.ts'
import { freePort, person, startApp, type TestApp } from './harness.ts'

const { accounts: ru } = words.ru
let app: TestApp
let browser: Awaited<ReturnType<typeof openBrowser>>
before(async () => {
  app = await startApp()
  browser = await openBrowser(app.url)
})
after(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

// Guarantee: a person sees where they are signed in and ends what they don't know; the browser that asks stays signed in.
browserTest('a login elsewhere is ended in the profile', async () => {
  const who = await person(app)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, who.username, who.password)
  await page.goto('/profile')
  await page.getByText(ru.sessions.current).waitFor()
  assert.deepEqual(await faultsOf(page), [])
  await page.getByRole('button', { name: ru.sessions.end_of.replace('{{device}}', 'node') }).click()
  await page.getByText(ru.sessions.ended).waitFor()
  await page.getByText('Chrome, Linux').waitFor()
  assert.equal((await app.post('/api/auth/refresh', { refresh: who.refresh })).status, 401)
  await page.reload()
  await page.getByText(ru.sessions.current).waitFor()
})

// Guarantee: a person signs in by a full provider of OpenID Connect, from the button to the page they were going to; and one
// whom the provider turns away is told so.
browserTest('a person signs in by an outside provider', async () => {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  await using other = await startApp({
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'dvor',
    OIDC_CLIENT_SECRET: 'a secret of the provider',
    OIDC_NAME: 'Дом',
    OIDC_ALLOW: 'everyone',
  })
  other.config.PUBLIC_URL = other.url
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'dvor',
        client_secret: 'a secret of the provider',
        redirect_uris: [`${other.url}/api/auth/oidc/callback`],
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['given_name', 'family_name'] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        email: `${sub}@mail.example`,
        email_verified: true,
        given_name: 'Анна',
        family_name: 'Соколова',
      }),
    }),
    cookies: { keys: ['for tests'] },
  })
  const server = provider.listen(port, '127.0.0.1')
  try {
    await using visitor = await browser.visit({ url: other.url })
    const { page } = visitor
    // The pages of the provider ask for a font of another site.
    await page.route('https://fonts.googleapis.com/**', (route) => route.abort())
    const button = page.getByRole('link', { name: ru.sign_in.by_service.replace('{{name}}', 'Дом') })
    await page.goto('/sign-in?next=/profile')
    await button.waitFor()
    assert.deepEqual(await faultsOf(page), [])
    await button.click()
    await page.getByRole('link', { name: /cancel/i }).click()
    await page.getByText(ru.refused.oidc_failed).waitFor()
    await page.goto('/sign-in?next=/profile')
    await button.click()
    await page.getByPlaceholder('Enter any login').fill('anna')
    await page.getByPlaceholder('and password').fill('anything')
    await page.getByRole('button').click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL('**/profile')
    await page.getByRole('heading', { name: 'Соколова Анна' }).waitFor()
    assert.ok(!/code|state|token/.test(page.url()))
    await page.reload()
    await page.getByRole('heading', { name: 'Соколова Анна' }).waitFor()
  } finally {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
})

// Guarantee: a person makes a token in the profile, which is shown once, may what was ticked and nothing else, and is revoked.
browserTest('a token is made and revoked in the profile', async () => {
  const who = await person(app)
  await using visitor = await browser.visit()
  const { page } = visitor
  await signIn(page, who.username, who.password)
  await page.goto('/profile')
  await page.getByRole('button', { name: ru.tokens.make }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(ru.tokens.name).fill('Табло в подъезде')
  await dialog.getByLabel(ru.tokens.addresses).fill('nowhere')
  await dialog.getByLabel(`${ru.tokens.module.collects}: ${ru.tokens.read}`).click()
  await dialog.getByRole('button', { name: ru.tokens.make }).click()
  await page.getByText('203.0.113.0/24.').waitFor()
  await dialog.getByLabel(ru.tokens.addresses).fill('127.0.0.0/8')
  await dialog.getByRole('button', { name: ru.tokens.make }).click()
  await dialog.getByText(ru.tokens.once).waitFor()
  const headers = { authorization: `Token ${await dialog.locator('pre').textContent()}` }
  await dialog.getByRole('button', { name: ru.tokens.kept }).click()
  assert.equal((await app.get('/api/payments', { headers })).status, 200)
  assert.equal((await app.get('/api/profile', { headers })).status, 403)
  await page.getByText('collects:read · 127.0.0.0/8').waitFor()
  await page.getByRole('button', { name: ru.profile.revoke }).click()
  await dialog.getByRole('button', { name: ru.profile.revoke }).click()
  await page.getByText(ru.profile.no_tokens).waitFor()
  assert.equal((await app.get('/api/payments', { headers })).status, 401)
})
