import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { drainJobs, logIn, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { size } from '../../test/size.ts'
import { usernamePattern } from '../platform/access.ts'

let app: TestApp
let admin: string
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const profileOf = async (who: { token: string }) => (await app.get('/api/profile', { token: who.token })).body
const activate = (who: Person, code: string) =>
  app.patch('/api/profile', { foreign_invite_code: code }, { token: who.token })
/** What stands behind the # of the newest link that an administrator sees in the outbox for an address. */
async function linkFor(email: string): Promise<string> {
  await drainJobs(app)
  const { body } = await app.get('/api/outbox?kind=email&page_size=100', { token: admin })
  const letter = body.results.find((l: { to: string; text: string }) => l.to === email && l.text.includes('#'))
  return /#(\S+)/.exec(letter?.text ?? '')?.[1] ?? ''
}

// Guarantee: whoever signed up can log in by name or by address, and sees their own profile.
test('a new account logs in by name and by address', async () => {
  const anna = await person(app, { first_name: 'Анна', last_name: 'Соколова', patronymic: 'Игоревна' })
  const byEmail = await app.post('/auth/jwt/create/', { username: anna.email.toUpperCase(), password: anna.password })
  assert.equal(byEmail.status, 200)
  const profile = await app.get('/api/v1/profile/', { token: byEmail.body.access })
  assert.equal(profile.body.full_name, 'Соколова Анна Игоревна')
  assert.match(profile.body.invite_code, /^[ACDEFGHJKMNPQRTUVWXY34679]{6}$/)
  assert.equal(profile.body.password_hash, undefined)
})

// Guarantee: a taken name or address is refused on its field, in words, in either spelling and under a race.
test('a name and an address have one owner', async () => {
  const anna = await person(app)
  const sign = (username: string, email: string) =>
    app.post('/api/auth/register', { username, email, password: 'red-sparrow-42' })
  const name = await sign(anna.username.toUpperCase(), 'free@example.org')
  assert.deepEqual([name.status, name.body.errors[0].path], [400, '/username'])
  const address = await sign('free-name', anna.email.toUpperCase())
  assert.deepEqual([address.status, address.body.errors[0].path], [400, '/email'])
  const race = await Promise.all(Array.from({ length: 5 }, (_, i) => sign(`racer${i}`, 'racers@example.org')))
  assert.deepEqual(race.map((a) => a.status).sort(), [201, 400, 400, 400, 400])
  // Otherwise somebody's address could be taken as a name, and one field would mean two people.
  assert.equal((await sign('racers@example.org', 'other@example.org')).status, 400)
})

// Guarantee: an invite serves once ever, never one's own, and never back; the profile names who used mine.
test('an invite is taken once', async () => {
  const [anna, boris, vera] = [await person(app), await person(app), await person(app)]
  const codeOf = async (who: Person) => (await profileOf(who)).invite_code
  const refusal = async (answer: Promise<{ status: number; body: { code: string; errors?: { code: string }[] } }>) => {
    const { status, body } = await answer
    return [status, body.errors?.[0]?.code ?? body.code]
  }
  assert.deepEqual(await refusal(activate(boris, await codeOf(boris))), [400, 'accounts.invite_own'])
  assert.deepEqual(await refusal(activate(boris, '000000')), [400, 'accounts.invite_unknown'])
  const activated = await activate(boris, ` ${(await codeOf(anna)).toLowerCase()} `)
  assert.equal(activated.body.foreign_invite_code, await codeOf(anna))
  assert.deepEqual(await refusal(activate(boris, await codeOf(vera))), [409, 'accounts.invite_used'])
  assert.deepEqual(await refusal(activate(boris, await codeOf(anna))), [409, 'accounts.invite_used'])
  assert.deepEqual(await refusal(activate(anna, await codeOf(boris))), [400, 'accounts.invite_mutual'])
  assert.deepEqual((await profileOf(anna)).activated_your_code, [boris.username])
  const guest = await person(app, { invite_code: await codeOf(anna) })
  assert.deepEqual((await profileOf(anna)).activated_your_code, [boris.username, guest.username])
  const unknown = { username: 'nobodys-guest', email: 'guest@example.org', password: 'red-sparrow-42' }
  const refused = await app.post('/api/auth/register', { ...unknown, invite_code: '000000' })
  assert.deepEqual([refused.status, refused.body.errors[0].path], [400, '/invite_code'])
})

// Guarantee: of two activations sent together one succeeds, and of two people who take each other's codes one.
test('invites hold under parallel calls', async () => {
  for (let round = 0; round < 5; round++) {
    const [anna, boris, vera] = await Promise.all([person(app), person(app), person(app)])
    const [a, b, v] = (await Promise.all([anna, boris, vera].map(profileOf))).map((p) => p.invite_code)
    const twice = await Promise.all([activate(vera, a), activate(vera, b)])
    assert.deepEqual(twice.map((r) => r.status).sort(), [200, 409])
    const each = await Promise.all([activate(anna, b), activate(boris, a)])
    assert.deepEqual(each.map((r) => r.status).sort(), [200, 400])
    assert.equal((await profileOf(vera)).invite_code, v)
  }
  await app.audit()
})

// Guarantee: an address is confirmed by the link of its letter, once, and only while it is the account's.
test('an address is confirmed by its letter', async () => {
  const anna = await person(app)
  const confirm = (token: string) => app.post('/api/auth/email/confirm', { token })
  assert.equal((await profileOf(anna)).email_confirmed, false)
  const first = await linkFor(anna.email)
  assert.equal((await confirm(first.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')))).status, 400)
  assert.equal((await confirm(first)).status, 204)
  assert.equal((await profileOf(anna)).email_confirmed, true)
  assert.equal((await confirm(first)).status, 400)
  const again = () => app.post('/api/profile/email/confirm', {}, { token: anna.token })
  assert.equal((await again()).status, 409)
  const moved = `moved-${anna.email}`
  await app.patch('/api/profile', { email: moved }, { token: anna.token })
  assert.equal((await profileOf(anna)).email_confirmed, false)
  const second = await linkFor(moved)
  await app.patch('/api/profile', { email: anna.email }, { token: anna.token })
  assert.equal((await confirm(second)).status, 400)
  assert.equal((await again()).status, 204)
  assert.equal((await confirm(await linkFor(anna.email))).status, 204)
})

// Guarantee: a forgotten password is set by a link that serves once, for an hour, and ends every login there was.
test('a forgotten password is set anew', async () => {
  const anna = await person(app)
  const machine = (await app.post('/auth/', { username: anna.username, password: anna.password })).body.token
  const ask = (email: string) => app.post('/api/auth/password/reset', { email })
  const set = (token: string, password: string) => app.post('/api/auth/password/reset/confirm', { token, password })
  const [known, unknown] = [await ask(anna.email), await ask('nobody@example.org')]
  assert.deepEqual([known.status, known.text], [unknown.status, unknown.text])
  const first = await linkFor(anna.email)
  await ask(anna.email)
  const link = await linkFor(anna.email)
  assert.notEqual(link, first)
  assert.equal((await set(link, 'password')).status, 400)
  assert.equal((await set(link, anna.username)).status, 400)
  const race = await Promise.all([set(link, 'the-new-one-1'), set(link, 'the-new-one-2'), set(first, 'the-new-one-3')])
  assert.deepEqual(race.map((r) => r.status).sort(), [204, 400, 400])
  const won = `the-new-one-${race.findIndex((r) => r.status === 204) + 1}`
  assert.equal((await app.post('/api/auth/login', anna)).status, 400)
  const login = (password: string) => app.post('/api/auth/login', { username: anna.username, password })
  assert.equal((await login(anna.password)).status, 401)
  assert.equal((await login(won)).status, 200)
  assert.equal((await app.post('/api/auth/refresh', { refresh: anna.refresh })).status, 401)
  assert.equal((await app.get('/api/profile', { headers: { authorization: `Token ${machine}` } })).status, 401)
  assert.equal((await profileOf(await logIn(app, anna.username, won))).email_confirmed, true)
  const letters = await app.platform.pool.query('select 1 from platform.outbox where "to" = $1', ['nobody@example.org'])
  assert.equal(letters.rows.length, 0)

  await ask(anna.email)
  const late = await linkFor(anna.email)
  await app.platform.pool.query(`update accounts.codes set expires_at = now() where kind = 'reset'`)
  assert.equal((await set(late, 'the-late-one-4')).status, 400)
})

// Guarantee: one's own password changes only with the old one, and every other login ends.
test('a password is changed with the old one', async () => {
  const anna = await person(app)
  const change = (body: object) => app.post('/api/profile/password', body, { token: anna.token })
  for (const current_password of [undefined, '', 'a-wrong-one']) {
    const refused = await change({ current_password, password: 'a-new-long-one' })
    assert.deepEqual([refused.status, refused.body.errors[0].path], [400, '/current_password'])
  }
  const race = await Promise.all(
    ['one', 'two'].map((n) => change({ current_password: anna.password, password: `a-new-long-${n}` })),
  )
  assert.deepEqual(race.map((r) => r.status).sort(), [200, 400])
  const session = race.find((r) => r.status === 200)!.body
  assert.equal((await app.post('/api/auth/refresh', { refresh: anna.refresh })).status, 401)
  assert.equal((await app.post('/api/auth/refresh', { refresh: session.refresh })).status, 200)
})

// Guarantee: a blocked user is out at once on routes for roles, keeps no login, and can't come in by any way.
test('a block ends access', async () => {
  const anna = await person(app)
  const patch = (body: object) => app.patch(`/api/admin/users/${anna.id}`, body, { token: admin })
  assert.equal((await patch({ role: 'operator' })).status, 200)
  await patch({ role: 'admin' })
  const { token } = await logIn(app, anna.username, anna.password)
  assert.equal((await app.get('/api/admin/users', { token })).status, 200)
  assert.equal((await app.post('/auth', { username: anna.username, password: anna.password })).status, 200)
  await patch({ role: 'user' })
  assert.equal((await app.get('/api/admin/users', { token })).status, 401)
  await patch({ is_active: false })
  assert.equal((await app.get('/api/admin/users', { token })).status, 401)
  assert.equal((await app.post('/api/auth/refresh', { refresh: anna.refresh })).status, 401)
  const login = await app.post('/api/auth/login', { username: anna.username, password: anna.password })
  assert.deepEqual([login.status, login.body.code], [401, 'accounts.wrong_password'])
  await patch({ is_active: true })
  assert.equal((await app.post('/api/auth/login', { username: anna.username, password: anna.password })).status, 200)
})

// Guarantee: two administrators who step down together leave one.
test('somebody stays administrator', async () => {
  const anna = await person(app)
  await app.patch(`/api/admin/users/${anna.id}`, { role: 'admin' }, { token: admin })
  const { body: me } = await app.get('/api/profile', { token: admin })
  const down = (id: number) => app.patch(`/api/admin/users/${id}`, { role: 'user' }, { token: admin })
  const answers = await Promise.all([down(anna.id), down(me.id)])
  assert.ok(answers.some((a) => a.status === 200))
  const { rows } = await app.platform.pool.query(`select id from accounts.users where role = 'admin' and is_active`)
  assert.ok(rows.length >= 1)
  await app.platform.pool.query(`update accounts.users set role = 'admin' where id = $1`, [me.id])
})

// Guarantee: a password is guessed at most 20 times in 15 minutes from one place, and the right one is never counted.
test('guesses at a password are limited', async () => {
  await using limited = await startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }, { worker: false })
  await using other = await startApp(
    { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' },
    { worker: false, databaseUrl: limited.databaseUrl },
  )
  const anna = await person(limited)
  const login = (password: string, to = limited, address = '203.0.113.7') =>
    to.post('/api/auth/login', { username: anna.username, password }, { headers: { 'x-forwarded-for': address } })
  for (let i = 0; i < 3; i++) assert.equal((await login(anna.password)).status, 200)
  const guesses = await Promise.all(Array.from({ length: 30 }, (_, i) => login('wrong', i % 2 ? limited : other)))
  assert.deepEqual(guesses.filter((a) => a.status === 401).length, 20)
  const refused = guesses.find((a) => a.status === 429)!
  assert.ok(Number(refused.headers.get('retry-after')) > 800)
  assert.equal((await login(anna.password)).status, 429)
  // Elsewhere the owner still comes in.
  assert.equal((await login(anna.password, limited, '198.51.100.1')).status, 200)
})

// Guarantee: nobody learns from an answer or from its time whether a name is known (medians of 200 tries, ratio 0.9–1.1).
test('known and unknown names answer alike and as fast', async () => {
  const anna = await person(app)
  const bodies = new Set<string>()
  const timeOf = async (username: string) => {
    const begun = performance.now()
    const answer = await app.post('/api/auth/login', { username, password: 'a-wrong-password' })
    const { instance: _, ...body } = answer.body
    bodies.add(`${answer.status} ${JSON.stringify(body)}`)
    return performance.now() - begun
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length / 2]!
  const ratios: number[] = []
  // Without a hash to compare with an answer takes a fifth of the time; how near the two are is measured by the proof.
  const near = size(2, 1.1)
  const isNear = (ratio: number) => ratio > 1 / near && ratio < near
  // A busy machine may spoil a round; names that are told apart spoil every one.
  while (ratios.length < 3 && !ratios.some(isNear)) {
    const known: number[] = []
    const unknown: number[] = []
    // In turn, so that whatever else slows the machine slows both.
    for (let i = 0; i < size(20, 200); i++) {
      known.push(await timeOf(anna.username))
      unknown.push(await timeOf(`nobody${i}`))
    }
    ratios.push(median(known) / median(unknown))
  }
  assert.ok(isNear(ratios.at(-1)!), `the ratios are ${ratios}`)
  assert.equal(bodies.size, 1)
})

// Guarantee: guesses at one account are counted together, by whichever of its names and in whichever case they are made.
test('an account is guessed at by all of its names together', async () => {
  await using limited = await startApp({ RATE_LIMITS: 'on' }, { worker: false })
  const anna = await person(limited)
  const names = [anna.username, anna.username.toUpperCase(), anna.email, anna.email.toUpperCase()]
  const guess = (i: number) =>
    limited.post('/api/auth/login', { username: names[i % names.length], password: 'a-wrong-password' })
  const guesses = await Promise.all(Array.from({ length: 30 }, (_, i) => guess(i)))
  assert.equal(guesses.filter((a) => a.status === 401).length, 20)
  assert.equal(guesses.filter((a) => a.status === 429).length, 10)
})

// Guarantee: an account changes its address a few times an hour, each with one letter; no address is flooded by others.
test('letters that confirm an address are counted', async () => {
  await using limited = await startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' })
  const admin = await logInAdmin(limited)
  const sent = async (to: string) => {
    await drainJobs(limited)
    const { body } = await limited.get('/api/outbox?kind=email&page_size=100', { token: admin })
    return body.results.filter((l: { to: string; text: string }) => l.to.includes(to) && l.text.includes('#')).length
  }
  const anna = await person(limited)
  const move = (n: number, who = anna, to = `anna-${n}@example.org`) =>
    limited.patch('/api/profile', { email: to }, { token: who.token, headers: { 'x-forwarded-for': `203.0.113.${n}` } })
  const moves = []
  for (let n = 0; n < 30; n++) moves.push((await move(n)).status)
  assert.deepEqual(moves, [200, 200, 200, 200, ...Array(26).fill(429)], 'the letter of the registration is the fifth')
  assert.equal(await sent('anna-'), 4)
  // By many accounts, one after the other, to one address.
  const victims: number[] = []
  for (let n = 0; n < 8; n++) {
    const thief = await person(limited)
    victims.push((await move(100 + n, thief, 'victim@example.org')).status)
    // A letter goes to an address that is still the account's.
    await drainJobs(limited)
    await move(100 + n, thief, `thief-${n}@example.org`)
  }
  assert.deepEqual(victims, [200, 200, 200, 200, 200, 429, 429, 429])
  assert.equal(await sent('victim@'), 5)
})

// Guarantee: blanks alone are no password, of whichever kind they are.
test('a password is not blanks only', async () => {
  for (const password of [
    '          ',
    '\u00a0\u2003\u3000\t        ',
    '\u200b\u2060\u200d\ufeff'.repeat(3),
    '\u3164\u115f\u2800\u00ad\u2800\u180e\u0001\u2800 ',
  ]) {
    const answer = await app.post('/api/auth/register', { username: 'blank', email: 'blank@example.org', password })
    assert.deepEqual([answer.status, answer.body.errors[0].code], [400, 'accounts.password_blank'], answer.text)
  }
})

// Guarantee: a username is of letters and decimal digits of any script and of @.+-_, and whatever the server takes the
// database takes, over all of Unicode; what the database alone decides, it decides alike in every locale.
test('usernames have one alphabet', async () => {
  const sign = (username: string, n: number) =>
    app.post('/api/auth/register', { username, email: `alphabet${n}@example.org`, password: 'red-sparrow-42' })
  const good = ['Анна_2', '王小明', 'علي٠١٢', 'ѣжик-7', 'a.b+c-d']
  for (const [n, name] of good.entries()) assert.equal((await sign(name, n)).status, 201, name)
  for (const name of ['²³¹', '½¼¾', 'a b c', 'e\u0301e\u0301e\u0301', 'ⅣⅣⅣ', '①②③', 'a\u200bbc', 'a#bc', 'a\u007fbc'])
    assert.deepEqual([(await sign(name, 99)).status, name], [400, name])
  // Names that look like others: а Cyrillic letter, a wide one, a ligature, a Greek one, digits of two kinds or another script.
  for (const name of ['\u0430dmin', 'иванovich', '\uff41dmin', 'o\ufb03ce', 'αdmin', 'علي٠12', 'anna-\u09ea'])
    assert.deepEqual([(await sign(name, 99)).status, name], [400, name])
  const points = Array.from({ length: 0x32_000 }, (_, i) => i + 1).filter((n) => n < 0xd800 || n > 0xdfff)
  const [taken, refused] = [true, false].map((is) =>
    points.filter((n) => usernamePattern.test(`ab${String.fromCodePoint(n)}`) === is),
  )
  assert.ok(taken!.length > 100_000)
  const broken = async (of: number[], is: boolean) => {
    const { rows } = await app.platform.pool.query(
      `select array_agg(n) n from unnest($1::int[]) n, (select pg_get_constraintdef(oid) text from pg_constraint
         where conrelid = 'accounts.users'::regclass and conname = 'users_username_check') c
       where (('ab' || chr(n)) ~ (regexp_match(c.text, $$'(.*)'::text$$))[1]) = $2`,
      [of, is],
    )
    return rows[0].n ?? []
  }
  assert.deepEqual(await broken(taken!, false), [])
  // Of the rest of Unicode the server alone decides, for databases differ on what a letter is.
  assert.deepEqual(
    await broken(
      refused!.filter((n) => n < 128),
      true,
    ),
    [],
  )
})
