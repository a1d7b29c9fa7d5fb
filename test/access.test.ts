import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { modules } from '../src/app.ts'
import { createDescribed } from '../src/http/describe.ts'
import { type Caller, callersOf, permission, type Role } from '../src/platform/access.ts'
import type { Module } from '../src/platform/module.ts'
import { billingOf } from './billing.ts'
import { adminPassword, drainJobs, logIn, logInAdmin, type Person, person, startApp, type TestApp } from './harness.ts'

let app: TestApp
let owner: Person
const tokens: Partial<Record<Caller, string>> = {}
let image: Buffer
before(async () => {
  app = await startApp()
  image = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  tokens.admin = await logInAdmin(app)
  owner = await person(app)
  tokens.owner = owner.token
  tokens.stranger = (await person(app)).token
  for (const role of app.platform.roles.filter((r) => !['user', 'admin'].includes(r)) as Exclude<
    Role,
    'user' | 'admin'
  >[]) {
    const who = await person(app)
    await app.patch(`/api/admin/users/${who.id}`, { role }, { token: tokens.admin })
    tokens[role] = (await logIn(app, who.username, who.password)).token
  }
})
after(() => app[Symbol.asyncDispose]())

const created = async (path: string, body: object, token = tokens.owner): Promise<number> => {
  const answer = await app.post(path, body, { token })
  assert.equal(answer.status, 201, `${path}: ${answer.text}`)
  return answer.body.id
}
const aCollect = () =>
  created('/api/collects', { title: 'Скамейки', occasion: 'yard', ends_at: '2027-12-31T18:00:00+03:00' })
const aProduct = () =>
  created('/api/products', { name: 'Чайник', price: '10.00', stock: 5, category: 'home' }, tokens.admin)
const anOrder = async () => {
  const id = await created('/api/orders', { items: [{ product: await aProduct(), quantity: 1 }] })
  await drainJobs(app)
  return id
}

/** A collect of the owner, and a part of it. */
const withPart = async (part: string, body: object) => {
  const id = await aCollect()
  return [id, await created(`/api/collects/${id}/${part}`, body)]
}

let flats = 0
const aHouse = () => created('/api/houses', { address: `Садовая, ${++flats}` }, tokens.admin)
const anApartment = async () => {
  const body = { number: '1', area: 40, account: `A-${++flats}`, residents: [owner.id] }
  return created(`/api/houses/${await aHouse()}/apartments`, body, tokens.admin)
}
const aMeter = async () => {
  const body = { kind: 'cold_water', serial: `S-${++flats}`, installed_on: '2020-01-01' }
  return created(`/api/apartments/${await anApartment()}/meters`, body, tokens.admin)
}
const thisMonth = new Date().toISOString().slice(0, 7)
const aReading = async () => created(`/api/meters/${await aMeter()}/readings`, { month: thisMonth, value: 1 })
/** A house in which the owner has a flat. */
const aHome = async () =>
  (await app.get(`/api/apartments/${await anApartment()}`, { token: tokens.admin })).body.house as number

/** A published run, with its PDF, of a house in which the owner has a flat; nobody can change it, so one is enough. */
let published: Promise<number> | undefined
async function publish(): Promise<number> {
  const billing = billingOf(app, tokens.admin!)
  const { id } = await billing.publish(await billing.bill(await aHome(), thisMonth))
  await app.post(`/api/billing-runs/${id}/pdf`, undefined, { token: tokens.admin })
  await drainJobs(app)
  return id
}
const aRun = () => {
  published ??= publish()
  return published
}
const aBill = async () => {
  const bills = app.platform.db
    .selectFrom('housing.bills')
    .select('id')
    .where('run_id', '=', await aRun())
  return (await bills.executeTakeFirstOrThrow()).id
}

const aTariff = async () =>
  created(
    '/api/tariffs',
    { service: 'cold_water', price: 1, valid_from: '2020-01', house: await aHome() },
    tokens.admin,
  )

let numbers = 0
const aPhone = () => `7999${String(++numbers).padStart(7, '0')}`
const aStop = async () => {
  const phone = aPhone()
  await app.post('/api/clients/stops', { phone }, { token: tokens.admin })
  return phone
}

const aMailing = () =>
  created(
    '/api/mailings',
    { text: 'Собрание', starts_at: '2098-01-01T09:00:00Z', ends_at: '2098-01-01T18:00:00Z' },
    tokens.admin,
  )

/** One that is over, for the events of any other go on. */
const aCancelledMailing = async () => {
  const id = await aMailing()
  await app.post(`/api/mailings/${id}/cancel`, undefined, { token: tokens.admin })
  return id
}
const aMessage = async () => {
  const { rows } = await app.platform.pool.query(
    `with made as (insert into mailings.messages (mailing_id, phone, operator_code, status, due_at)
       values ($1, $2, '999', 'expired', now()) returning id, mailing_id),
     counted as (insert into mailings.counters (mailing_id, operator_code, total, expired) select mailing_id, '999', 1, 1 from made)
     select id from made`,
    [await aMailing(), aPhone()],
  )
  return rows[0].id as number
}

/** Makes a row that belongs to the owner and may be spoilt by the call; by the beginning of the address. */
const specimens: [prefix: string, make: () => Promise<number | string | (number | string)[]>][] = [
  ['/api/collects/:id/updates/:update', async () => withPart('updates', { text: 'Поставили!' })],
  [
    '/api/collects/:id/expenses/:expense',
    async () => withPart('expenses', { amount: 5, what: 'Доски', spent_on: '2026-01-01' }),
  ],
  ['/api/collects/:id/organisers/:user', async () => withPart('organisers', { user: (await person(app)).id })],
  [
    '/api/products/:id/pictures/:picture',
    async () => {
      const id = await aProduct()
      const raw = new Uint8Array(image)
      const headers = { 'content-type': 'image/png' }
      const { body } = await app.call('POST', `/api/products/${id}/pictures`, { raw, headers, token: tokens.admin! })
      return [id, body.pictures[0].id]
    },
  ],
  ['/api/collects/:id', aCollect],
  ['/api/payments/:id', async () => created('/api/payments', { collect: await aCollect(), amount: '5.00' })],
  ['/api/orders/:id', anOrder],
  ['/api/admin/orders/:id', anOrder],
  ['/api/products/:id', aProduct],
  ['/api/houses/:id', aHome],
  ['/api/apartments/:id', anApartment],
  ['/api/meters/:id', aMeter],
  ['/api/readings/:id', aReading],
  ['/api/tariffs/:id', aTariff],
  ['/api/billing-runs/:id', aRun],
  ['/api/bills/:id', aBill],
  ['/api/clients/stops/:phone', aStop],
  ['/api/clients/:id', () => created('/api/clients', { phone: aPhone() }, tokens.admin)],
  ['/api/mailings/:id/events', aCancelledMailing],
  ['/api/mailings/:id', aMailing],
  ['/api/messages/:id', aMessage],
  ['/api/admin/users/:id', async () => (await person(app)).id],
  ['/api/outbox/:id', async () => (await app.get('/api/outbox', { token: tokens.admin })).body.results[0].id],
  [
    '/api/profile/sessions/:id',
    async () => {
      const { token } = await logIn(app, owner.username, owner.password)
      return (await app.get('/api/profile/sessions', { token })).body.results[0].id
    },
  ],
  [
    '/api/profile/tokens/:id',
    async () => {
      await app.post('/auth', { username: owner.username, password: owner.password })
      return (await app.get('/api/profile/tokens', { token: owner.token })).body.results[0].id
    },
  ],
]
/** Rows of nobody: what is not there is 404 to those who may. */
const nowhere: [prefix: string, name: string][] = [
  ['/api/admin/jobs/:id', '00000000-0000-4000-8000-000000000000'],
  ['/files/updates/:name', `${'0'.repeat(32)}-${'0'.repeat(8)}.jpg`],
  ['/files/receipts/:name', `${'0'.repeat(32)}-${'0'.repeat(8)}.jpg`],
  ['/files/products/:name', `${'0'.repeat(32)}-${'0'.repeat(8)}.jpg`],
  ['/files/covers/:name', `${'0'.repeat(32)}-${'0'.repeat(8)}.jpg`],
]
/** Bodies without which a call would fail before anybody asks whose the row is. */
const bodies: Record<string, unknown> = {
  'PATCH /api/collects/:id': { title: 'Лавочки' },
  'PATCH /api/payments/:id': { comment: 'спасибо' },
  'PATCH /api/orders/:id': { status: 'cancelled' },
  'POST /api/meters/:id/readings': { month: thisMonth, value: 5 },
  'POST /api/collects/:id/organisers': { user: 'admin' },
  'POST /api/collects/:id/updates': { text: 'Поставили!' },
  'POST /api/collects/:id/expenses': { amount: 5, what: 'Доски', spent_on: '2026-01-01' },
  'POST /api/auth/logout': { refresh: 'none' },
}

async function call(method: string, url: string, caller: Caller): Promise<{ status: number; exists: boolean }> {
  const starts = ([prefix]: [string, unknown]) => url === prefix || url.startsWith(`${prefix}/`)
  const made = specimens.find(starts)
  const name = made ? await made[1]() : nowhere.find(starts)?.[1]
  if (/:/.test(url) && name === undefined)
    throw new Error(`${method} ${url}: say above what row of the owner to call it on`)
  const names = [name].flat()
  const path = url.replace(/:\w+/g, () => String(names.length > 1 ? names.shift() : names[0]))
  const token = tokens[caller]
  const options =
    (url.endsWith('/cover') && method === 'PUT') || (url.endsWith('/pictures') && method === 'POST')
      ? { raw: new Uint8Array(image), headers: { 'content-type': 'image/png' } }
      : { body: method === 'GET' || method === 'HEAD' ? undefined : (bodies[`${method} ${url}`] ?? {}) }
  const { status } = await app.call(method, path, { ...options, token })
  return { status, exists: made !== undefined }
}

// Guarantee: every route answers an anonymous caller, a stranger, the owner and each role as docs/accounts.md says.
test('every route answers every caller as the matrix says', async () => {
  const wrong: string[] = []
  for (const { method, url, access } of app.app.declared) {
    for (const caller of callersOf(app.platform.roles)) {
      for (const verb of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
        const expected = permission(access, verb, url, caller)
        const { status, exists } = await call(verb, url, caller)
        const byOwner = access === 'self' || (Array.isArray(access) && access.includes('owner'))
        const right = {
          login: status === 401,
          no: status === 403 || (status === 404 && byOwner),
          own: status < 300 || status === 400,
          yes: status < 500 && ![401, 403, 405].includes(status) && !(status === 404 && exists),
        }[expected]
        if (!right) wrong.push(`${verb} ${url} as ${caller}: ${status}, and the matrix says ${expected}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(app.app.declared.length > 60)
  assert.ok((await logIn(app, 'admin', adminPassword)).token)
  await app.audit()
})

// Guarantee: an auditor reads all that administrators read, and no route for roles lets them change anything.
test('an auditor reads all and changes nothing', () => {
  for (const { method, url, access } of app.app.declared) {
    const admin = permission(access, method, url, 'admin')
    const auditor = permission(access, method, url, 'auditor')
    if (method === 'GET') assert.equal(auditor, admin, `GET ${url}`)
    else if (access !== 'anyone' && access !== 'self') assert.equal(auditor, 'no', `${method} ${url}`)
  }
})

// Guarantee: the database knows exactly the roles and the kinds of letters that the modules bring, and takes no other.
test('roles and kinds are those of the modules', async () => {
  const { pool, roles, outboxKinds } = app.platform
  const names = async (table: string) => (await pool.query(`select name from ${table}`)).rows.map((row) => row.name)
  assert.deepEqual((await names('platform.roles')).sort(), roles.toSorted())
  assert.deepEqual((await names('platform.outbox_kinds')).sort(), outboxKinds.toSorted())
  await assert.rejects(
    pool.query(`update accounts.users set role = 'king' where id = $1`, [owner.id]),
    /users_role_fkey/,
  )
  const answer = await app.patch(`/api/admin/users/${owner.id}`, { role: 'king' }, { token: tokens.admin })
  assert.deepEqual([answer.status, answer.body.errors[0].code], [400, 'validation.enum'])
})

// Guarantee: the server does not start with a route that does not say who may call it.
test('a route that declares nothing stops the start', async () => {
  const silent: Module = {
    name: 'silent',
    messages: { ru: {}, en: {} },
    invariants: [],
    routes: (app) => void app.get('/api/silent', async () => 'who asks?'),
  }
  await assert.rejects(createDescribed([silent]), /GET \/api\/silent does not say who may call it/)
  await (await createDescribed(modules)).close()
})
