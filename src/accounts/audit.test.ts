import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let admin: string
before(async () => {
  app = await startApp({ TRUST_PROXY: '127.0.0.1' }, { worker: false })
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

const log = async (query: string): Promise<Json[]> => {
  const answer = await app.get(`/api/admin/audit?${query}`, { token: admin })
  assert.equal(answer.status, 200, answer.text)
  return answer.body.results
}

// Guarantee: the log tells who changed what, when, from where and by which request, with the fields before and after.
test('a change stands in the log as it was', async () => {
  const anna = await person(app)
  const begun = new Date().toISOString()
  await app.call('PATCH', `/api/admin/users/${anna.id}`, {
    body: { role: 'operator' },
    token: admin,
    headers: { 'x-forwarded-for': '203.0.113.7' },
  })
  const [entry] = await log(`action=accounts.change_user&subject_id=${anna.id}`)
  const { id: _, at, request_id, user, ...rest } = entry
  assert.deepEqual(rest, {
    action: 'accounts.change_user',
    subject: 'accounts.users',
    subject_id: anna.id,
    before: { role: 'user' },
    after: { role: 'operator' },
    address: '203.0.113.7',
  })
  assert.equal(user.full_name, 'admin')
  assert.ok(at >= begun.replace('Z', '') && at.endsWith('Z'))
  assert.ok(app.logs.some((line) => line.includes(request_id) && line.includes('/api/admin/users/')))
})

// Guarantee: of names, addresses, numbers and passwords the log keeps only that they changed.
test('sensitive fields are masked', async () => {
  const anna = await person(app)
  const change = { first_name: 'Анна', email: `new-${anna.email}`, locale: 'en' }
  await app.patch('/api/profile', change, { token: anna.token })
  await app.post(
    '/api/profile/password',
    { current_password: anna.password, password: 'a-new-long-one' },
    { token: anna.token },
  )
  const [password, profile, registration] = await log(`user=${anna.id}`)
  assert.deepEqual([password.action, password.after], ['accounts.change_password', { password_hash: '***' }])
  assert.deepEqual(profile.before, { first_name: '', email: '***', locale: 'ru' })
  assert.deepEqual(profile.after, { first_name: '***', email: '***', locale: 'en' })
  assert.deepEqual(registration.after, { username: '***', email: '***', invited_by: null })
})

// Guarantee: a change and its entry are one transaction: neither is there without the other.
test('no change without its entry, no entry without its change', async () => {
  const anna = await person(app)
  const roleOf = async () =>
    (await app.get(`/api/admin/users?search=${anna.username}`, { token: admin })).body.results[0].role
  const { pool } = app.platform
  await pool.query(
    `alter table platform.audit_log add constraint full_disk check (action <> 'accounts.change_user') not valid`,
  )
  const failed = await app.patch(`/api/admin/users/${anna.id}`, { role: 'operator' }, { token: admin })
  assert.equal(failed.status, 500)
  assert.equal(await roleOf(), 'user')
  await pool.query('alter table platform.audit_log drop constraint full_disk')
  const before = (await log('action=accounts.change_user')).length
  const { body: me } = await app.get('/api/profile', { token: admin })
  assert.equal((await app.patch(`/api/admin/users/${me.id}`, { role: 'user' }, { token: admin })).status, 409)
  assert.equal((await log('action=accounts.change_user')).length, before)
})

// Guarantee: each kind of change that a person can make in accounts, collects and the organisation leaves an entry.
test('changes of every kind are there', async () => {
  const [anna, boris] = [await person(app), await person(app)]
  const { token } = anna
  const { body: collect } = await app.post(
    '/api/collects',
    { title: 'Скамейки', occasion: 'yard', ends_at: '2027-12-31T18:00:00+03:00' },
    { token },
  )
  await app.patch(`/api/collects/${collect.id}`, { title: 'Лавочки' }, { token })
  const { body: payment } = await app.post('/api/payments', { collect: collect.id, amount: '5.00' }, { token })
  await app.patch(`/api/payments/${payment.id}`, { comment: 'на скамейки' }, { token })
  await app.post(`/api/payments/${payment.id}/refund`, {}, { token })
  await app.post(`/api/collects/${collect.id}/close`, {}, { token })
  const { body: empty } = await app.post(
    '/api/collects',
    { title: 'Пустой', occasion: 'yard', ends_at: '2027-12-31T18:00:00+03:00' },
    { token },
  )
  await app.delete(`/api/collects/${empty.id}`, { token })
  const { body: profile } = await app.get('/api/profile', { token: boris.token })
  await app.patch('/api/profile', { foreign_invite_code: profile.invite_code }, { token })
  await app.post('/auth', { username: anna.username, password: anna.password })
  const { body: tokens } = await app.get('/api/profile/tokens', { token })
  await app.delete(`/api/profile/tokens/${tokens.results[0].id}`, { token })
  const actions = (await log(`user=${anna.id}`)).map((e) => e.action)
  assert.deepEqual(actions, [
    'accounts.revoke_token',
    'accounts.create_token',
    'accounts.change_profile',
    'collects.delete',
    'collects.open',
    'collects.close',
    'collects.refund',
    'collects.change_payment',
    'collects.change',
    'collects.open',
    'accounts.register',
  ])
  const [change] = await log('action=collects.change')
  assert.deepEqual([change.before, change.after], [{ title: 'Скамейки' }, { title: 'Лавочки' }])
  await app.patch('/api/organisation', { name: 'Наш двор' }, { token: admin })
  const [organisation] = await log('subject=platform.installation')
  assert.deepEqual(organisation.after, { name: 'Наш двор' })
})

// Guarantee: the log is filtered by who, what and when, and walked by cursor without a gap or a repeat.
test('the log is filtered and walked', async () => {
  const anna = await person(app)
  const token = anna.token
  for (let i = 0; i < 7; i++) await app.patch('/api/profile', { last_name: `Имя${i}` }, { token })
  const ids: number[] = []
  let next: string | null = `/api/admin/audit?user=${anna.id}&action=accounts.change_profile&page_size=3`
  while (next) {
    const { body }: Json = await app.get(next, { token: admin })
    ids.push(...body.results.map((e: Json) => e.id))
    next = body.next
  }
  assert.equal(ids.length, 7)
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => b - a),
  )
  const all = await log(`user=${anna.id}&ordering=id`)
  const from = all[3]!.at
  assert.equal((await log(`user=${anna.id}&from=${from}`)).length, 5)
  assert.equal((await log(`user=${anna.id}&to=${from}`)).length, 3)
  assert.equal((await app.get('/api/admin/audit?who=1', { token: admin })).status, 400)
})
