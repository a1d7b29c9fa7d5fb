import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Answer,
  type Client,
  drainJobs,
  eventually,
  logIn,
  logInAdmin,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { fakeGateway } from '../../test/sms.ts'

let gateway: Awaited<ReturnType<typeof fakeGateway>>
let app: TestApp
before(async () => {
  gateway = await fakeGateway()
  app = await startApp({ SMS_URL: gateway.url })
})
after(async () => {
  await app[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

let numbers = 0
const newNumber = () => `7912${String(1_000_000 + ++numbers)}`
const ask = (phone: string, to: Client = app) => to.post('/api/login', { phone })
const verify = (phone: string, token: string | number, to: Client = app) => to.post('/api/verify', { phone, token })
async function logInBySms(phone: string): Promise<Answer> {
  const before = gateway.sent.filter((s) => String(s.body.phone) === phone).length
  assert.equal((await ask(phone)).status, 200)
  const answer = await verify(phone, await gateway.codeFor(phone, before))
  assert.equal(answer.status, 200, answer.text)
  return answer
}
/** Makes the calls while a statement's locks are held, and undoes the statement once so many of them wait. */
async function whileHeld(text: string, values: unknown[], waiters: number, calls: () => Promise<Answer>[]) {
  const { pool } = app.platform
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(text, values)
    const answers = Promise.all(calls())
    await eventually(`${waiters} calls wait`, async () => {
      const { rows } = await pool.query(
        `select count(*)::int n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rows[0].n === waiters
    })
    await client.query('rollback')
    return await answers
  } finally {
    client.release()
  }
}
const statuses = (answers: Answer[]) => answers.map((a) => a.status)
const wrongOf = (code: string) => String(code === '999999' ? 999_998 : 999_999)

// Guarantee: a code that came by SMS logs in, the first time into a new account, and later into the same one.
test('a number logs in by a code', async () => {
  const phone = newNumber()
  const asked = await ask(`8 (${phone.slice(1, 4)}) ${phone.slice(4, 7)}-${phone.slice(7)}`)
  assert.deepEqual([asked.status, asked.body], [200, { phone, retry_after: 60 }])
  const code = await gateway.codeFor(phone)
  assert.match(code, /^[1-9]\d{5}$/)
  const { path, body } = gateway.sent.find((s) => String(s.body.phone) === phone)!
  assert.equal(path, `/v1/send/${body.id}`)
  assert.match(body.text, /\n\n@127\.0\.0\.1 #\d{6}$/)
  const first = await verify(`+${phone}`, Number(code))
  assert.equal(first.status, 200, first.text)
  assert.deepEqual(Object.keys(first.body).sort(), ['access', 'created', 'expires_in', 'refresh'])
  assert.equal(first.body.created, true)
  const profile = await app.get('/api/profile', { token: first.body.access })
  assert.equal(profile.body.phone, phone)
  assert.equal(JSON.stringify(profile.body).replace(`"phone":"${phone}"`, '').includes(phone), false)
  const second = await logInBySms(phone)
  assert.equal(second.body.created, false)
  const again = await app.get('/api/profile', { token: second.body.access })
  assert.equal(again.body.id, profile.body.id)
})

// Guarantee: every usual spelling is the same number, and what is no number is said to be none.
test('a number may be spelled as people spell it', async () => {
  const spellings = [
    '8 (912) 000-00-01',
    '+7 912 000 00 01',
    '79120000001',
    '9120000001',
    '8-912-000-00-01',
    79120000001,
  ]
  const answers = await Promise.all(spellings.map((phone) => app.post('/api/login', { phone })))
  assert.deepEqual(new Set(answers.map((a) => a.body.phone)), new Set(['79120000001']))
  for (const phone of ['', 'abc', '12', '+7999', `8912${'0'.repeat(30)}`, 'tel', null]) {
    const refused = await app.post('/api/login', { phone })
    assert.deepEqual([refused.status, refused.body.errors[0].path], [400, '/phone'], String(phone))
  }
})

// Guarantee: of 200 guesses sent together at most five are compared, and then not even the right code serves.
test('a code dies after five tries, however they race', async () => {
  const phone = newNumber()
  await ask(phone)
  const code = await gateway.codeFor(phone)
  const compared = async () =>
    Number(/^dvor_code_comparisons_total (\d+)/m.exec((await app.get('/metrics')).text)?.[1] ?? 0)
  const before = await compared()
  const guesses = await Promise.all(Array.from({ length: 200 }, () => verify(phone, wrongOf(code))))
  assert.deepEqual(new Set(statuses(guesses)), new Set([400]))
  assert.equal((await compared()) - before, 5)
  assert.equal((await verify(phone, code)).status, 400)
  // A new code begins anew, and the old one stays dead.
  await logInBySms(phone)
})

// Guarantee: a code serves for five minutes and until the next one, and never for somebody who is blocked.
test('an old code is dead', async () => {
  const phone = newNumber()
  await ask(phone)
  const first = await gateway.codeFor(phone)
  await ask(phone)
  const second = await gateway.codeFor(phone, 1)
  assert.notEqual(first, second)
  assert.equal((await verify(phone, first)).status, 400)
  const { body } = await verify(phone, second)
  const late = async (seconds: number) => {
    const sent = gateway.sent.filter((s) => String(s.body.phone) === phone).length
    await ask(phone)
    const code = await gateway.codeFor(phone, sent)
    await app.platform.pool.query(
      `update accounts.codes set expires_at = expires_at - make_interval(secs => $2) where phone = $1 and used_at is null`,
      [phone, seconds],
    )
    return (await verify(phone, code)).status
  }
  assert.equal(await late(301), 400)
  assert.equal(await late(270), 200)
  const { body: profile } = await app.get('/api/profile', { token: body.access })
  await app.patch(`/api/admin/users/${profile.id}`, { is_active: false }, { token: await logInAdmin(app) })
  assert.equal(await late(0), 403)
})

// Guarantee: a code serves once, and a race of two who both know it makes one account.
test('of parallel verifications one logs in', async () => {
  const phone = newNumber()
  await ask(phone)
  const code = await gateway.codeFor(phone)
  // All five have the right code and are past the count of tries before the first can use it.
  const answers = await whileHeld('select from accounts.codes where phone = $1 for update', [phone], 5, () =>
    Array.from({ length: 5 }, () => verify(phone, code)),
  )
  assert.deepEqual(statuses(answers).sort(), [200, 400, 400, 400, 400])
  assert.equal((await verify(phone, code)).status, 400)
  const { rows } = await app.platform.pool.query('select count(*)::int n from accounts.users where phone = $1', [phone])
  assert.equal(rows[0].n, 1)
})

// Guarantee: one number never has two accounts, also when somebody logs in by it while others join it to theirs.
test('a number gets one owner under every race', async () => {
  const phone = newNumber()
  const people = await Promise.all([1, 2, 3].map(() => person(app)))
  const tokens: string[] = []
  for (const [i, one] of people.entries()) {
    assert.equal((await app.post('/api/profile/phone', { phone }, { token: one.token })).status, 200)
    tokens.push(await gateway.codeFor(phone, i))
  }
  await ask(phone)
  const code = await gateway.codeFor(phone, people.length)
  // Somebody else who takes the number and thinks better of it lets all of them go at one moment.
  const [login, ...links] = await whileHeld(
    `insert into accounts.users (username, phone, invite_code) values ('fleeting', $1, 'AAAAAA')`,
    [phone],
    1 + people.length,
    () => [
      verify(phone, code),
      ...people.map((p, i) => app.post('/api/profile/phone/verify', { phone, token: tokens[i] }, { token: p.token })),
    ],
  )
  const { rows } = await app.platform.pool.query('select id from accounts.users where phone = $1', [phone])
  assert.equal(rows.length, 1)
  assert.equal(login!.status, 200)
  const won = links.filter((a) => a.status === 200)
  assert.equal(won.length, login!.body.created ? 0 : 1)
  for (const lost of links.filter((a) => a.status !== 200)) {
    assert.deepEqual([lost.status, lost.body.errors[0].code], [400, 'accounts.phone_taken'])
  }
})

// Guarantee: a code for joining a number serves its account alone, and a code for logging in joins nothing.
test('codes serve what they were asked for', async () => {
  const phone = newNumber()
  const [one, other] = [await person(app), await person(app)]
  await app.post('/api/profile/phone', { phone }, { token: one.token })
  const code = await gateway.codeFor(phone)
  assert.equal((await verify(phone, code)).status, 400)
  const link = (token: string) => app.post('/api/profile/phone/verify', { phone, token: code }, { token })
  assert.equal((await link(other.token)).status, 400)
  assert.equal((await link(one.token)).body.phone, phone)
})

// Guarantee: whoever came by SMS adds an address and a password, and then comes by either way into one account.
test('a person of a number adds an address and a password', async () => {
  const phone = newNumber()
  const { body } = await logInBySms(phone)
  const email = `n${phone}@example.org`
  const { email: taken } = await person(app)
  const patch = (address: string) => app.patch('/api/profile', { email: address }, { token: body.access })
  const refused = await patch(taken.toUpperCase())
  assert.deepEqual([refused.status, refused.body.errors[0].path], [400, '/email'])
  assert.equal((await patch(email)).status, 200)
  const set = await app.post('/api/profile/password', { password: 'a-new-long-one' }, { token: body.access })
  assert.equal(set.status, 200, set.text)
  const login = await app.post('/api/auth/login', { email, password: 'a-new-long-one' })
  assert.equal((await app.get('/api/profile', { token: login.body.access })).body.phone, phone)
})

// Guarantee: codes are limited for a number to one a minute, five an hour and ten a day, whichever process is asked.
test('codes are limited for a number', async () => {
  await using one = await startApp({ RATE_LIMITS: 'on', SMS_URL: gateway.url }, { worker: false })
  await using other = await startApp({ RATE_LIMITS: 'on' }, { worker: false, databaseUrl: one.databaseUrl })
  const phone = newNumber()
  const minutesLater = (n: number) =>
    one.platform.pool.query(`update platform.attempts set at = at - make_interval(mins => $1)`, [n])
  const burst = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(phone, i % 2 ? one : other)))
  assert.deepEqual(statuses(burst).sort(), [200, ...Array(9).fill(429)])
  const refused = burst.find((a) => a.status === 429)!
  const wait = Number(refused.headers.get('retry-after'))
  assert.ok(wait > 50 && wait <= 60, `retry-after ${wait}`)
  assert.match(refused.body.detail, new RegExp(`${wait}`))
  for (let i = 2; i <= 5; i++) {
    await minutesLater(1)
    assert.equal((await ask(phone, one)).status, 200, `code ${i}`)
  }
  await minutesLater(1)
  const sixth = await ask(phone, other)
  assert.equal(sixth.status, 429)
  assert.ok(Number(sixth.headers.get('retry-after')) > 54 * 60)
  await minutesLater(60)
  for (let i = 6; i <= 10; i++) {
    assert.equal((await ask(phone, one)).status, 200, `code ${i}`)
    await minutesLater(13)
  }
  assert.equal((await ask(phone, one)).status, 429)
})

// Guarantee: nobody has codes sent to number after number: an address has thirty an hour, a block of numbers a hundred,
// and all together 5,000 a day.
test('codes are limited for an address and for a block of numbers', async () => {
  await using limited = await startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }, { worker: false })
  const from = (address: string, n: number) =>
    limited.post('/api/login', { phone: `7913000${String(1000 + n)}` }, { headers: { 'x-forwarded-for': address } })
  const many = await Promise.all(Array.from({ length: 33 }, (_, n) => from('203.0.113.7', n)))
  assert.equal(statuses(many).filter((s) => s === 200).length, 30)
  // One subscriber of IPv6 has a whole /64.
  const six = await Promise.all(Array.from({ length: 33 }, (_, n) => from(`2001:db8:0:1::${n + 1}`, 100 + n)))
  assert.equal(statuses(six).filter((s) => s === 200).length, 30)
  const spread = await Promise.all(Array.from({ length: 60 }, (_, n) => from(`198.51.100.${n}`, 200 + n)))
  assert.equal(statuses(spread).filter((s) => s === 200).length, 40)
  assert.equal(
    (await limited.post('/api/login', { phone: '79140001000' }, { headers: { 'x-forwarded-for': '192.0.2.1' } }))
      .status,
    200,
  )
  // And whoever has many addresses and many blocks meets the limit of the day for all.
  await limited.platform.pool.query(`update platform.attempts set count = 5000 where subject ~ '^sms \\S+$'`)
  const last = await limited.post(
    '/api/login',
    { phone: '79150001000' },
    { headers: { 'x-forwarded-for': '192.0.2.2' } },
  )
  assert.equal(last.status, 429)
  assert.ok(Number(last.headers.get('retry-after')) > 86_000)
})

// Guarantee: a gateway that fails is asked again with the same id, and the code that arrives is one code.
test('a gateway that fails is asked again', async () => {
  await using failing = await fakeGateway(2)
  await using other = await startApp({ SMS_URL: `${failing.url}/` })
  const phone = newNumber()
  await ask(phone, other)
  const code = await failing.codeFor(phone)
  assert.equal((await verify(phone, code, other)).status, 200)
  assert.equal(failing.sent.length, 1)
})

// Guarantee: without an SMS contract an administrator sees the code in the outbox until it is used; an auditor never does.
test('the outbox shows a code until it is used', async () => {
  await using plain = await startApp()
  const admin = await logInAdmin(plain)
  const auditor = await person(plain)
  await plain.patch(`/api/admin/users/${auditor.id}`, { role: 'auditor' }, { token: admin })
  auditor.token = (await logIn(plain, auditor.username, auditor.password)).token
  const phone = newNumber()
  await ask(phone, plain)
  const shown = async (token: string): Promise<{ id: number; text: string; state: string } | undefined> =>
    (await plain.get('/api/outbox?kind=sms', { token })).body.results[0]
  const { text, id } = await eventually('the code is in the outbox', () => shown(admin))
  const code = /#(\d{6})$/.exec(text)![1]!
  assert.match((await shown(auditor.token))!.text, /#•+$/)
  await drainJobs(plain)
  assert.equal((await shown(admin))!.state, 'sent')
  assert.ok(
    plain.logs.some((line) => line.includes(code)),
    'the log is the sender',
  )
  assert.equal((await verify(phone, code, plain)).status, 200)
  assert.match((await shown(admin))!.text, /#•+$/)
  assert.ok(!(await plain.get(`/api/outbox/${id}`, { token: admin })).text.includes(code))
})

// Guarantee: a code dies by five wrong tries of the network that asked for it; those of strangers use up none of them, and
// all strangers together have five.
test('a stranger does not use up the tries of a code', async () => {
  await using proxied = await startApp({ SMS_URL: gateway.url, TRUST_PROXY: '127.0.0.1' })
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
  const compared = async () =>
    Number(/dvor_code_comparisons_total (\d+)/.exec((await proxied.get('/metrics')).text)![1])
  const begin = async () => {
    const phone = newNumber()
    await proxied.post('/api/login', { phone }, from('203.0.113.7'))
    return { phone, code: await gateway.codeFor(phone) }
  }
  const { phone, code } = await begin()
  const tryAs = (address: string, token: string, of = phone) =>
    proxied.post('/api/verify', { phone: of, token }, from(address))
  const before = await compared()
  const strangers = Array.from({ length: 30 }, (_, i) => tryAs(`198.51.100.${i}`, wrongOf(code)))
  assert.deepEqual([...new Set(statuses(await Promise.all(strangers)))], [400])
  assert.equal((await compared()) - before, 5)
  // Not even with the right code, which they may have guessed.
  assert.equal((await tryAs('198.51.100.99', code)).status, 400)
  for (let i = 0; i < 4; i++) assert.equal((await tryAs('203.0.113.7', wrongOf(code))).status, 400)
  assert.equal((await tryAs('203.0.113.7', code)).status, 200)

  const other = await begin()
  for (let i = 0; i < 5; i++) assert.equal((await tryAs('203.0.113.7', wrongOf(other.code), other.phone)).status, 400)
  assert.equal((await tryAs('203.0.113.7', other.code, other.phone)).status, 400)
  assert.equal((await tryAs('198.51.100.1', other.code, other.phone)).status, 400)
  await proxied.audit()
})
