import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Answer,
  drainJobs,
  logIn,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { size } from '../../test/size.ts'

let app: TestApp
before(async () => {
  app = await startApp()
})
after(() => app[Symbol.asyncDispose]())

const sql = (text: string, values: unknown[] = []) => app.platform.pool.query(text, values)
/** What stands behind the # of the newest letter to an address. */
async function linkFor(email: string, admin: string): Promise<string> {
  await drainJobs(app)
  const { body } = await app.get('/api/outbox?kind=email&page_size=100', { token: admin })
  const letter = body.results.find((l: { to: string; text: string }) => l.to === email && l.text.includes('#'))
  return /#(\S+)/.exec(letter.text)![1]!
}
const write = (token: string) => app.patch('/api/profile', { first_name: 'Вор' }, { token })
const refresh = (token: string) => app.post('/api/auth/refresh', { refresh: token })

/** Logs in by a password in every way, again and again until `until` is done; answers the logins that worked. */
async function keepLoggingIn({ username }: Person, password: string, until: Promise<unknown>) {
  const tries: Promise<Answer>[] = []
  let over = false
  void until.finally(() => {
    over = true
  })
  while (!over) {
    tries.push(app.post('/api/auth/login', { username, password }), app.post('/auth', { username, password }))
    // As many as are answered, and a few more, are under way at any time.
    if (tries.length > 8) await tries[tries.length - 8]
  }
  return (await Promise.all(tries)).filter((a) => a.status === 200).map((a) => a.body)
}

/** Fails if anything that was begun by the old password still writes, reads or is refreshed. */
async function allAreDead(logins: { access?: string; refresh?: string; token?: string }[]) {
  for (const login of logins) {
    const headers = { authorization: `Token ${login.token}` }
    if (login.token) assert.equal((await app.get('/api/profile', { headers })).status, 401, 'a machine token lives')
    if (login.refresh) assert.equal((await refresh(login.refresh)).status, 401, 'a login is refreshed')
    if (login.access) assert.equal((await write(login.access)).status, 401, 'an access token writes')
  }
}

// Guarantee: whatever begins with the old password while it is changed or set anew is dead once that is done.
test('no login outlives its password, however they race', async () => {
  const admin = await logInAdmin(app)
  for (let round = 0; round < size(3, 30); round++) {
    const anna = await person(app)
    const change = app.post(
      '/api/profile/password',
      { current_password: anna.password, password: 'blue-sparrow-43' },
      { token: anna.token },
    )
    const changed = await keepLoggingIn(anna, anna.password, change)
    assert.equal((await change).status, 200, (await change).text)
    await allAreDead([...changed, { access: anna.token, refresh: anna.refresh }])
    assert.equal((await write((await change).body.access)).status, 200)

    await app.post('/api/auth/password/reset', { email: anna.email })
    const token = await linkFor(anna.email, admin)
    const reset = app.post('/api/auth/password/reset/confirm', { token, password: 'green-sparrow-44' })
    const thieves = await keepLoggingIn(anna, 'blue-sparrow-43', reset)
    assert.equal((await reset).status, 204, (await reset).text)
    await allAreDead([...thieves, (await change).body])
    await logIn(app, anna.username, 'green-sparrow-44')
  }
})

// Guarantee: after a reset an access token of before changes nothing, so that nobody takes the account back by it.
test('a stolen access token does not outlive a reset', async () => {
  const admin = await logInAdmin(app)
  const anna = await person(app)
  await app.post('/api/auth/password/reset', { email: anna.email })
  const token = await linkFor(anna.email, admin)
  const set = await app.post('/api/auth/password/reset/confirm', { token, password: 'green-sparrow-44' })
  assert.equal(set.status, 204)
  const theft = await app.patch('/api/profile', { email: 'thief@example.org' }, { token: anna.token })
  assert.deepEqual([theft.status, theft.body.code], [401, 'accounts.token_refused'])
  assert.equal((await app.post('/api/profile/phone', { phone: '+79120000001' }, { token: anna.token })).status, 401)
})

// Guarantee: who gets or loses a role, or is blocked, does and reads as staff by it at once, and by no older token.
test('a change of role or a block ends older access tokens', async () => {
  const admin = await logInAdmin(app)
  const boris = await person(app)
  const set = (change: object) => app.patch(`/api/admin/users/${boris.id}`, change, { token: admin })
  const users = (token: string) => app.get('/api/admin/users', { token })
  assert.equal((await set({ role: 'auditor' })).status, 200)
  assert.equal((await users(boris.token)).status, 401)
  const auditor = (await refresh(boris.refresh)).body
  assert.equal((await users(auditor.access)).status, 200)
  assert.equal((await set({ role: 'user' })).status, 200)
  assert.equal((await users(auditor.access)).status, 401)
  // What staff reads by a route of everybody is refused too.
  assert.equal((await app.get('/api/payments', { token: auditor.access })).status, 401)
  const user = (await refresh(auditor.refresh)).body
  assert.equal((await users(user.access)).status, 403)
  assert.equal((await write(user.access)).status, 200)
  assert.equal((await set({ is_active: false })).status, 200)
  assert.equal((await write(user.access)).status, 401)
  assert.equal((await set({ is_active: true })).status, 200)
  assert.equal((await write(user.access)).status, 401)
  // By hand in the database it is the same.
  const again = await logIn(app, boris.username, boris.password)
  await sql(`update accounts.users set role = 'operator' where id = $1`, [boris.id])
  assert.equal((await write(again.token)).status, 401)
})

// Guarantee: address, number and password are changed only within 10 minutes of a login, which refreshing does not renew,
// and by no machine token; the rest of the profile at any time.
test('what others could take an account over by needs a recent login', async () => {
  const anna = await person(app)
  await sql(`update accounts.logins set proved_at = proved_at - interval '11 minutes' where user_id = $1`, [anna.id])
  const { access, refresh: next } = (await refresh(anna.refresh)).body
  const machine = (await app.post('/auth', { username: anna.username, password: anna.password })).body.token
  const elsewhere = { email: `elsewhere-${anna.id}@example.org` }
  for (const by of [{ token: access }, { headers: { authorization: `Token ${machine}` } }]) {
    const changes = [
      app.patch('/api/profile', elsewhere, by),
      app.post('/api/profile/password', { current_password: anna.password, password: 'blue-sparrow-43' }, by),
      app.post('/api/profile/phone', { phone: '+79120000002' }, by),
      app.post('/api/profile/phone/verify', { phone: '+79120000002', token: '111111' }, by),
    ]
    for (const answer of await Promise.all(changes))
      assert.deepEqual([answer.status, answer.body.code], [403, 'accounts.login_again'], answer.text)
    // The same address is no change.
    assert.equal((await app.patch('/api/profile', { first_name: 'Анна', email: anna.email }, by)).status, 200)
  }
  const again = (await refresh(next)).body.access
  assert.equal((await app.patch('/api/profile', elsewhere, { token: again })).status, 403)
  const { token } = await logIn(app, anna.username, anna.password)
  assert.equal((await app.patch('/api/profile', elsewhere, { token })).status, 200)
})

// Guarantee: of another address, number or password hears whoever was reached before it, once, by letter and by SMS.
test('the old address and number hear of a change', async () => {
  const admin = await logInAdmin(app)
  const anna = await person(app)
  const sent = async () => {
    await drainJobs(app)
    const { body } = await app.get('/api/outbox?page_size=100', { token: admin })
    const notices = body.results.filter((l: { text: string; subject: string | null }) => !/#|•/.test(l.text))
    return notices.map((l: { to: string; kind: string; state: string }) => `${l.kind} ${l.to} ${l.state}`)
  }
  const before = (await sent()).length
  const own = { token: anna.token }
  const link = async (phone: string) => {
    await app.post('/api/profile/phone', { phone }, own)
    await drainJobs(app)
    const { body } = await app.get('/api/outbox?kind=sms', { token: admin })
    const token = /#(\d+)$/.exec(body.results[0].text)![1]
    assert.equal((await app.post('/api/profile/phone/verify', { phone, token }, own)).status, 200)
  }
  await link('79120000011')
  await link('79120000012')
  assert.equal((await app.patch('/api/profile', { email: 'moved@example.org' }, own)).status, 200)
  assert.equal((await app.patch('/api/profile', { email: 'moved@example.org', first_name: 'А' }, own)).status, 200)
  const password = { current_password: anna.password, password: 'blue-sparrow-43' }
  assert.equal((await app.post('/api/profile/password', password, own)).status, 200)
  const notices = (await sent()).slice(0, -before || undefined)
  assert.deepEqual(notices.sort(), [
    'email moved@example.org sent',
    ...Array(3).fill(`email ${anna.email} sent`),
    'sms 79120000011 sent',
  ])
})

// Guarantee: a change of the password that is answered 401, for its user is blocked by the time it is written, changes nothing.
test('a password is not changed for somebody who is blocked meanwhile', async () => {
  const anna = await person(app)
  const state = async () =>
    (await sql('select password_hash, is_active, token_version from accounts.users where id = $1', [anna.id])).rows[0]
  const before = await state()
  await sql(`
    create function public.block() returns trigger language plpgsql as $$ begin new.is_active := false; return new; end $$;
    create trigger block before update of password_hash on accounts.users for each row execute function public.block()`)
  try {
    const answer = await app.post(
      '/api/profile/password',
      { current_password: anna.password, password: 'green-heron-77' },
      { token: anna.token },
    )
    assert.deepEqual([answer.status, answer.body.code], [401, 'accounts.token_refused'], answer.text)
  } finally {
    await sql('drop trigger block on accounts.users; drop function public.block()')
  }
  assert.deepEqual(await state(), before)
  assert.equal((await write(anna.token)).status, 200)
})
