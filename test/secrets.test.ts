import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type Answer, drainJobs, logInAdmin, startApp, type TestApp } from './harness.ts'
import { fakeGateway } from './sms.ts'

/** Every row of every table as text, by table; also those of the queue. */
async function wholeDatabase({ platform }: TestApp): Promise<Map<string, string>> {
  const { rows } = await platform.pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  )
  const tables = new Map<string, string>()
  for (const { name } of rows) {
    const { rows } = await platform.pool.query(`select t::text line from ${name} t`)
    tables.set(name, rows.map((r) => r.line).join('\n'))
  }
  return tables
}

// Guarantee: after people came in by every way, well and badly, no password, code, token or link stands in any table, job
// or log line, and a number only where it must: with its account, its codes and what was sent to it.
test('secrets stand nowhere', async () => {
  await using gateway = await fakeGateway(1)
  await using app = await startApp({
    SMS_URL: gateway.url,
    SMS_CODE_DIGITS: '8',
    LOG_LEVEL: 'trace',
    RATE_LIMITS: 'on',
  })
  const secrets = new Map<string, string>()
  const phones: string[] = []
  const errors: string[] = []
  const keep = (what: string, value: unknown) => {
    assert.ok(typeof value === 'string' && value.length >= 8, `${what}: ${value}`)
    secrets.set(value, what)
    return value
  }
  const send = async (call: Promise<Answer>, status: number): Promise<Answer> => {
    const answer = await call
    assert.equal(answer.status, status, answer.text)
    if (answer.status >= 400) errors.push(answer.text)
    return answer
  }
  const keepSession = ({ body, headers }: Answer) => {
    keep('access token', body.access)
    if (body.refresh) keep('refresh token', body.refresh)
    for (const line of headers.getSetCookie()) keep('cookie', /=([^;]+)/.exec(line)?.[1])
    return body as { access: string; refresh: string }
  }
  const post = (path: string, body: object, status: number, token?: string, headers = {}) =>
    send(app.post(path, body, { token, headers }), status)
  const newPhone = () => {
    const phone = `7915${String(5_550_001 + phones.length)}`
    phones.push(phone)
    return phone
  }
  const linkOf = async (email: string) => {
    await drainJobs(app)
    const folder = join(app.folder, 'emails')
    const letters = readdirSync(folder).map((f) =>
      readFileSync(join(folder, f), 'utf8').replace(/=\n/g, '').replaceAll('=3D', '='),
    )
    const links = letters
      .filter((l) => l.includes(`To: ${email}`))
      .flatMap((l) => /#(\d+\.[\w-]{43})/.exec(l)?.[1] ?? [])
    return links
      .sort()
      .map((link) => keep('link', link))
      .at(-1)!
  }

  // By password, and by mistakes that people make.
  const password = keep('password', 'correct horse 17')
  const email = 'anna@example.org'
  await post('/api/auth/register', { username: 'anna', email, password }, 201)
  await post('/api/auth/register', { username: 'anna', email, password }, 400)
  await post('/api/auth/login', { username: 'anna', password: keep('wrong password', 'battery staple 18') }, 401)
  await post('/api/auth/login', { username: password, password }, 401)
  await post('/api/auth/login', { username: 'anna', password, surplus: password }, 400)
  const first = keepSession(await post('/api/auth/login', { username: 'anna', password }, 200))
  keepSession(
    await post('/api/auth/login', { username: 'anna', password }, 200, undefined, { 'x-dvor-session': 'cookie' }),
  )
  const second = keepSession(await post('/api/auth/refresh', { refresh: first.refresh }, 200))
  const third = keepSession(await post('/api/auth/refresh', { refresh: second.refresh }, 200))
  await post('/api/auth/refresh', { refresh: first.refresh }, 401)
  await post('/api/auth/refresh', { refresh: third.refresh }, 401)
  const machine = keep('machine token', (await post('/auth', { username: 'anna', password }, 200)).body.token)
  await send(app.get('/api/profile', { headers: { authorization: `Token ${machine}` } }), 200)
  await send(app.get('/api/profile', { headers: { authorization: `Bearer ${machine}` } }), 401)
  await send(app.get(`/api/profile?token=${machine}`), 401)
  await post('/api/auth/email/confirm', { token: await linkOf(email) }, 204)
  // The theft above has ended the first login.
  const again = keepSession(await post('/api/auth/login', { username: 'anna', password }, 200))
  const { access } = keepSession(
    await post(
      '/api/profile/password',
      { current_password: password, password: keep('password', 'correct horse 19') },
      200,
      again.access,
    ),
  )
  await post('/api/profile/password', { current_password: password, password: 'correct horse 20' }, 400, access)
  await post('/api/auth/password/reset', { email }, 204)
  const link = await linkOf(email)
  await post('/api/auth/password/reset/confirm', { token: link, password: keep('password', 'correct horse 21') }, 204)
  await post('/api/auth/password/reset/confirm', { token: link, password: 'correct horse 22' }, 400)

  // By SMS, with wrong codes and numbers that are no numbers.
  const phone = newPhone()
  await post('/api/login', { phone }, 200)
  await post('/api/login', { phone }, 429)
  const code = keep('code', await gateway.codeFor(phone))
  await post(
    '/api/verify',
    {
      phone,
      token: keep(
        'wrong code',
        code.replace(/.$/, (d) => String((Number(d) + 1) % 10)),
      ),
    },
    400,
  )
  const sms = keepSession(await post('/api/verify', { phone, token: code }, 200))
  await post('/api/verify', { phone, token: code }, 400)
  await post('/api/verify', { phone: `${phone}000000000`, token: code }, 400)
  // Somebody else's number.
  const { access: other } = keepSession(
    await post('/api/auth/login', { username: 'anna', password: 'correct horse 21' }, 200),
  )
  await app.platform.pool.query('delete from platform.attempts')
  await post('/api/profile/phone', { phone }, 200, other)
  const linking = keep('code', await gateway.codeFor(phone, 1))
  const taken = await post('/api/profile/phone/verify', { phone, token: linking }, 400, other)
  assert.equal(taken.body.errors[0].code, 'accounts.phone_taken')
  const own = newPhone()
  await post('/api/profile/phone', { phone: own }, 200, other)
  await post('/api/profile/phone/verify', { phone: own, token: keep('code', await gateway.codeFor(own)) }, 200, other)

  // What others do with these people: stored answers, roles, the log of changes.
  const collect = { title: 'Скамейки', occasion: 'yard', ends_at: '2027-12-31T18:00:00+03:00' }
  const { body } = await post('/api/collects', collect, 201, other, { 'idempotency-key': 'a-key' })
  await post('/api/payments', { collect: body.id, amount: '5.00' }, 201, sms.access, { 'idempotency-key': 'a-key' })
  const admin = await logInAdmin(app)
  const users = await send(app.get('/api/admin/users?search=7915555', { token: admin }), 200)
  assert.equal(users.body.count, 2)
  const { id } = users.body.results[0]
  await send(app.patch(`/api/admin/users/${id}`, { is_active: false }, { token: admin }), 200)
  await send(app.get('/api/admin/audit', { token: admin }), 200)
  const outbox = await send(app.get('/api/outbox?page_size=100', { token: admin }), 200)
  await drainJobs(app)

  const places = await wholeDatabase(app)
  assert.ok(places.get('accounts.users')?.includes(phone) && places.size > 20, 'the search looks where it should')
  places.set('the log', app.logs.join(''))
  places.set('answers of errors', errors.join('\n'))
  places.set(
    'the outbox, for a gateway of its own',
    outbox.body.results
      .filter((r: { kind: string }) => r.kind === 'sms')
      .map((r: { text: string }) => r.text)
      .join('\n'),
  )
  const { rows } = await app.platform.pool.query('show data_directory')
  places.set('the log of PostgreSQL', readFileSync(join(dirname(rows[0].data_directory), 'postgres.log'), 'utf8'))
  const found: string[] = []
  for (const [place, text] of places) {
    for (const [value, what] of secrets) if (text.includes(value)) found.push(`${what} in ${place}`)
    const mayHoldPhones = ['accounts.users', 'accounts.codes', 'platform.outbox'].includes(place)
    for (const number of phones) {
      const spelled = [number, number.slice(1)].some((n) => text.includes(n))
      if (spelled && !mayHoldPhones) found.push(`a number in ${place}`)
    }
  }
  assert.deepEqual(found, [])
})
