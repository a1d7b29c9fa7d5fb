import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
before(async () => {
  app = await startApp()
})
after(() => app[Symbol.asyncDispose]())

// Guarantee: whoever signed up can log in by name or by address, and sees their own profile.
test('a new account logs in by name and by address', async () => {
  const anna = await person(app, { first_name: 'Анна', last_name: 'Соколова', patronymic: 'Игоревна' })
  const byEmail = await app.post('/auth/jwt/create/', { username: anna.email.toUpperCase(), password: anna.password })
  assert.equal(byEmail.status, 200)
  const profile = await app.get('/api/v1/profile/', { token: byEmail.body.access })
  assert.equal(profile.body.full_name, 'Соколова Анна Игоревна')
  assert.match(profile.body.invite_code, /^[A-Z0-9]{6}$/)
  assert.equal(profile.body.password_hash, undefined)
  assert.ok(await logInAdmin(app))
})
