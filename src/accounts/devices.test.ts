import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Answer,
  drainJobs,
  eventually,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { deviceName } from './devices.ts'

let app: TestApp
let admin: string
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const enter = (who: Person, headers: Record<string, string> = {}) =>
  app.post('/api/auth/login', { username: who.username, password: who.password }, { headers })
const browser = (more: Record<string, string> = {}) => ({ 'x-dvor-session': 'cookie', 'user-agent': firefox, ...more })
const deviceOf = (answer: Answer) =>
  answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('device='))!
    .split(';')[0]!
const sessions = async (token: string): Promise<Json[]> =>
  (await app.get('/api/profile/sessions', { token })).body.results
const lettersTo = async (who: Person): Promise<Json[]> =>
  (await app.get('/api/outbox?kind=email&page_size=100', { token: admin })).body.results.filter(
    (letter: Json) => letter.to === who.email && letter.subject === 'Вход с нового устройства',
  )

// Guarantee: a person sees each login that holds, with its device, address and last use, and which of them asks.
test('logins are listed with device, address and last use', async () => {
  const who = await person(app)
  const { body } = await enter(who, browser())
  const [second, first, ...others] = await sessions(body.access)
  assert.deepEqual(others, [])
  assert.deepEqual([first.device, first.current], ['node', false])
  assert.deepEqual([second.device, second.address, second.current], ['Firefox, Windows', '127.0.0.1', true])
  await app.platform.pool.query(`update accounts.logins set last_used_at = now() - interval '1 day' where id = $1`, [
    first.id,
  ])
  assert.equal((await app.post('/api/auth/refresh', { refresh: who.refresh })).status, 200)
  const used = (await sessions(body.access)).find((login) => login.id === first.id)
  assert.ok(Date.now() - Date.parse(used.last_used_at) < 3_600_000)
  const stranger = await person(app)
  assert.ok((await sessions(stranger.token)).every((login) => ![first.id, second.id].includes(login.id)))
})

// Guarantee: an ended login neither refreshes nor writes any more; nobody ends another's.
test('one login is ended, or all but this', async () => {
  const who = await person(app)
  const [{ id }] = await sessions(who.token)
  const stranger = await person(app)
  assert.equal((await app.delete(`/api/profile/sessions/${id}`, { token: stranger.token })).status, 404)
  const here = (await enter(who)).body
  assert.equal((await app.delete(`/api/profile/sessions/${id}`, { token: here.access })).status, 204)
  assert.equal((await app.delete(`/api/profile/sessions/${id}`, { token: here.access })).status, 404)
  assert.equal((await app.post('/api/auth/refresh', { refresh: who.refresh })).status, 401)
  assert.equal((await app.patch('/api/profile', { first_name: 'Пётр' }, { token: who.token })).status, 401)

  const others = [(await enter(who)).body, (await enter(who)).body]
  assert.equal((await app.delete('/api/profile/sessions', { token: here.access })).status, 204)
  for (const { refresh, access } of others) {
    assert.equal((await app.post('/api/auth/refresh', { refresh })).status, 401)
    assert.equal((await app.patch('/api/profile', {}, { token: access })).status, 401)
  }
  assert.equal((await app.patch('/api/profile', {}, { token: here.access })).status, 200)
  assert.equal((await app.post('/api/auth/refresh', { refresh: here.refresh })).status, 200)
  const log = await app.get(`/api/admin/audit?user=${who.id}`, { token: admin })
  const actions = log.body.results.map((entry: Json) => entry.action)
  assert.ok(actions.includes('accounts.end_login') && actions.includes('accounts.end_other_logins'))
})

// Guarantee: the owner hears of a login from a device that the account has not used, and of no other: not of the first, and
// not of a browser that comes back with its cookie, from wherever it comes.
test('a login from a new device is told', async () => {
  const who = await person(app)
  assert.equal((await enter(who)).status, 200)
  const first = await enter(who, browser())
  const letter = await eventually('the letter is there', async () => (await lettersTo(who))[0])
  assert.match(letter.text, /Firefox, Windows, адрес 127\.0\.0\.1, \d\d\.\d\d\.\d{4} \d\d:\d\d/)
  const again = await enter(who, browser({ cookie: deviceOf(first) }))
  assert.equal(deviceOf(again), deviceOf(first))
  // A cookie of another account's device says nothing for this one.
  const thief = await enter(await person(app), browser())
  await enter(who, browser({ cookie: deviceOf(thief) }))
  await drainJobs(app)
  assert.equal((await lettersTo(who)).length, 2)
  await app.audit()
})

// Guarantee: devices are called as people call them, and whatever a client calls itself fits.
test('devices have names', () => {
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0'
  for (const [agent, name] of [
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} YaBrowser/25.8 Safari/537.36`, 'Yandex Browser, Windows'],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/140.0.0.0`, 'Edge, Windows'],
    [`Mozilla/5.0 (Linux; Android 16; K) ${chrome} Mobile Safari/537.36`, 'Chrome, Android'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
      'Safari, iPhone',
    ],
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${chrome} Safari/537.36`, 'Chrome, ChromeOS'],
    ['curl/8.5.0', 'curl'],
    ['node', 'node'],
    ['', null],
    [undefined, null],
    ['<b>'.repeat(1000), null],
    ['x'.repeat(1000), 'x'.repeat(60)],
  ] as const)
    assert.equal(deviceName(agent), name)
})
