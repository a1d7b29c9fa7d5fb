import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Answer,
  drainJobs,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'

let app: TestApp
let anna: Person
let admin: string
before(async () => {
  app = await startApp()
  anna = await person(app)
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
const isProblem = (answer: Answer, status: number, what: string) => {
  assert.equal(answer.status, status, `${what}: ${answer.text}`)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, what)
}

// Guarantee: what the database could not read is refused before it gets there, and is never the server's fault.
test('odd text and odd times are the caller’s fault', async () => {
  const login = (body: Json) => app.post('/api/auth/login', body)
  isProblem(await login({ username: 'a\u0000b', password: 'x' }), 400, 'zero byte in a name')
  isProblem(await login({ username: 'a', password: '\ud800' }), 400, 'lone surrogate in a password')
  isProblem(
    await app.patch('/api/profile', { foreign_invite_code: 'a\u0000' }, { token: anna.token }),
    400,
    'zero byte in a code',
  )
  isProblem(await app.post('/api/login', { phone: '+49 30 1234567890123' }), 400, 'a number of 17 digits')
  for (const requisites of [{ payee: 'a\u0000b' }, { bank_name: '\ud800' }]) {
    isProblem(await app.patch('/api/organisation', { requisites }, { token: admin }), 400, 'odd requisites')
  }
  for (const ends_at of [
    '2027-12-31T18:00:00+16:00',
    '9999-12-31T23:59:59-12:00',
    '9999-12-31T23:59:59-23:59',
    '2020-06-30T23:59:60Z',
    '2020-01-01T00:00:00+03',
    '2027-02-30',
    '2027-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
  ]) {
    const answer = await app.post('/api/collects', { ...collect, ends_at }, { token: anna.token })
    isProblem(answer, 400, ends_at)
    assert.equal(answer.body.errors?.[0]?.path, '/ends_at', ends_at)
  }
  for (const query of ['created_to=2026-01-01T00:00:00%2B23:59', 'created_from=0000-01-01T00:00:00Z']) {
    isProblem(await app.get(`/api/admin/orders?${query}`, { token: admin }), 400, query)
  }
  await drainJobs(app)
})

// Guarantee: a row has one address; an id that is spelt otherwise is no id.
test('an id has one spelling', async () => {
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  assert.equal((await app.get(`/api/collects/${id}`)).status, 200)
  for (const odd of [`%20${id}`, `${id}e0`, `0x${id}`, `${id}.0`, `0${id}`, `-${id}`, '1'.repeat(400), '%ff', '%']) {
    const answer = await app.get(`/api/collects/${odd}`)
    isProblem(answer, odd.startsWith('%f') || odd === '%' ? 400 : 404, odd)
  }
  isProblem(await app.get('/api/collects?page=1e1'), 400, 'page=1e1')
})

// Guarantee: multipart that is cut, mixed up or empty is refused with words.
test('broken multipart is the caller’s fault', async () => {
  const send = (raw: string, type = 'multipart/form-data; boundary=b') =>
    app.post('/api/collects', undefined, { raw, headers: { 'content-type': type }, token: anna.token })
  const field = (name: string, value: string) =>
    `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const file = (name: string, filename: string, content: string) =>
    `--b\r\ncontent-disposition: form-data; name="${name}"; filename="${filename}"\r\ncontent-type: image/png\r\n\r\n${content}`
  const fields = Object.entries(collect)
    .map(([name, value]) => field(name, value))
    .join('')
  isProblem(await send('junk', 'multipart/form-data'), 400, 'no boundary')
  isProblem(await send('junk'), 400, 'junk')
  isProblem(await send(fields), 400, 'cut before the end')
  isProblem(await send(`${fields}${file('cover', 'a.png', 'half')}`), 400, 'cut inside the file')
  isProblem(await send(`${fields}${file('cover', 'a.png', '')}\r\n--b--\r\n`), 400, 'an empty picture')
  isProblem(await send(`${fields}${file('target_amount', 'a.png', 'x')}\r\n--b--\r\n`), 400, 'a file for a field')
  const none = await send(`${fields}${file('cover', '', '')}\r\n--b--\r\n`)
  assert.equal(none.status, 201, 'a form without a chosen file')
})

// Guarantee: neither the spelling of an address nor the order of fields nor the passing of time spoils a safe retry.
test('a retry is known by what it asks for', async () => {
  const headers = { 'idempotency-key': 'same' }
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  const first = await app.post(
    '/api/payments',
    { collect: id, amount: '5.00', comment: 'a' },
    { token: anna.token, headers },
  )
  for (const path of ['/api/payments/', '/api/v1/payments']) {
    const again = await app.post(path, { comment: 'a', amount: '5.00', collect: id }, { token: anna.token, headers })
    assert.deepEqual([again.status, again.text], [201, first.text])
  }
  const soon = { ...collect, ends_at: '' }
  const late = () =>
    app.post('/api/collects', soon, { token: anna.token, headers: { 'idempotency-key': `late-${soon.ends_at}` } })
  let made: Answer | undefined
  // A slow machine needs longer than a quick one to be there before the end.
  for (let ms = 600; made?.status !== 201; ms *= 2) {
    soon.ends_at = new Date(Date.now() + ms).toISOString()
    made = await late()
    assert.ok(ms < 60_000, made.text)
  }
  while (Date.now() <= Date.parse(soon.ends_at)) await app.get('/health/live')
  assert.equal((await late()).text, made.text)
})

// Guarantee: a list that names no ordering of its own takes created_at and id, either way.
test('plain lists go both ways', async () => {
  for (const path of ['/api/admin/users', '/api/outbox', '/api/admin/jobs', '/api/profile/tokens']) {
    const ids = async (ordering: string) => {
      const answer = await app.get(`${path}?ordering=${ordering}`, { token: admin })
      assert.equal(answer.status, 200, `${path} ${answer.text}`)
      return answer.body.results.map((r: Json) => r.id)
    }
    assert.deepEqual(await ids('created_at'), (await ids('-id')).reverse())
    isProblem(await app.get(`${path}?ordering=name`, { token: admin }), 400, path)
  }
})

// Guarantee: an empty PATCH is 200 and changes nothing, also without a body; one's own address as a name may be any address.
test('small mercies of PATCH', async () => {
  const empty = await app.call('PATCH', '/api/profile', { token: anna.token })
  assert.equal(empty.status, 200, empty.text)
  const registered = await app.post('/api/auth/register', {
    username: 'mail@example.org',
    email: 'mail@example.org',
    password: 'password-of-mail',
  })
  assert.equal(registered.status, 201)
  const { access } = (await app.post('/api/auth/login', { username: 'mail@example.org', password: 'password-of-mail' }))
    .body
  const moved = await app.patch('/api/profile', { email: "o'hara@example.org" }, { token: access })
  assert.equal(moved.status, 200, moved.text)
  assert.equal(moved.body.email, "o'hara@example.org")
})

// Guarantee: who resets the password of an address that was never proved gets the account alone.
test('a squatter loses every way in to a proved address', async () => {
  const victim = 'victim@example.org'
  await app.post('/api/auth/register', { username: 'squatter', email: victim, password: 'password-of-squatter' })
  await app.platform.pool.query(`update accounts.users set phone = '79991234567' where email = $1`, [victim])
  await app.post('/api/auth/password/reset', { email: victim })
  await drainJobs(app)
  const letters = (await app.get('/api/outbox?kind=email', { token: admin })).body.results
  const reset = letters.find((l: Json) => l.to === victim && /#/.test(l.text) && /reset-password/.test(l.text))
  const token = /#([\w.-]+)/.exec(reset.text)![1]
  const confirmed = await app.post('/api/auth/password/reset/confirm', { token, password: 'password-of-victim' })
  assert.equal(confirmed.status, 204, confirmed.text)
  const { rows } = await app.platform.pool.query(
    'select phone, email_confirmed_at from accounts.users where email = $1',
    [victim],
  )
  assert.equal(rows[0].phone, null)
  assert.ok(rows[0].email_confirmed_at)
})
