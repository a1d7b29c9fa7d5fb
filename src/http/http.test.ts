import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { compileSchema } from './validation.ts'

let app: TestApp
let anna: Person
before(async () => {
  app = await startApp()
  anna = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }

// Guarantee: every refusal is an RFC 9457 problem in the caller's language, with a stable code and the request's id.
test('refusals are problems', async () => {
  const cases: [string, string, RequestInit, number, string][] = [
    ['GET', '/api/nowhere', {}, 404, 'request.not_found'],
    ['GET', '/api/profile', {}, 401, 'request.not_logged_in'],
    ['GET', '/api/profile', { headers: { authorization: 'Bearer x.y.z' } }, 401, 'accounts.token_refused'],
    ['GET', '/api/admin/users', { headers: { authorization: `Bearer ${anna.token}` } }, 403, 'request.forbidden'],
    ['PUT', '/api/collects', {}, 405, 'request.no_method'],
    [
      'POST',
      '/api/auth/login',
      { body: '{"username":', headers: { 'content-type': 'application/json' } },
      400,
      'request.malformed',
    ],
    [
      'POST',
      '/api/auth/login',
      { body: '', headers: { 'content-type': 'application/json' } },
      400,
      'request.malformed',
    ],
    [
      'POST',
      '/api/auth/login',
      { body: '{"__proto__":{}}', headers: { 'content-type': 'application/json' } },
      400,
      'request.malformed',
    ],
    ['POST', '/api/auth/login', { body: '<x/>', headers: { 'content-type': 'text/xml' } }, 415, 'request.media_type'],
    [
      'POST',
      '/api/auth/login',
      { body: `{"username":"${'x'.repeat(1 << 20)}"}`, headers: { 'content-type': 'application/json' } },
      413,
      'request.too_large',
    ],
  ]
  for (const [method, path, init, status, code] of cases) {
    for (const [language, letters] of [
      ['ru', /[а-яё]/i],
      ['en', /[a-z]/i],
    ] as const) {
      const answer = await fetch(app.url + path, {
        method,
        ...init,
        headers: { ...init.headers, 'accept-language': language },
      })
      const problem = (await answer.json()) as Record<string, string>
      assert.deepEqual([answer.status, problem.status, problem.code], [status, status, code], path)
      assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
      assert.match(problem.detail!, letters)
      assert.match(problem.instance!, /^[0-9a-f-]{36}$/)
      assert.doesNotMatch(JSON.stringify(problem), /node_modules|select |stack/)
    }
  }
  assert.equal((await fetch(`${app.url}/api/collects`, { method: 'PUT' })).headers.get('allow'), 'GET, HEAD, POST')
})

// Guarantee: /api/v1 answers as /api, and a trailing slash never matters.
test('old addresses answer the same', async () => {
  const bodies = await Promise.all(
    ['/api/collects', '/api/collects/', '/api/v1/collects', '/api/v1/collects/?page=1'].map((p) => app.get(p)),
  )
  assert.deepEqual(new Set(bodies.map((b) => b.text)), new Set([bodies[0]!.text]))
})

// Guarantee: a cached answer bears an ETag, and a caller who has it gets 304 until something changes.
test('what has not changed is not sent again', async () => {
  const first = await app.get('/api/collects')
  const etag = first.headers.get('etag')!
  const again = await app.get('/api/collects', { headers: { 'if-none-match': etag } })
  assert.deepEqual([again.status, again.text], [304, ''])
  await app.post('/api/collects', collect, { token: anna.token })
  assert.equal((await app.get('/api/collects', { headers: { 'if-none-match': etag } })).status, 200)
})

// Guarantee: a hand edit in the database is in the next answer too.
test('a hand edit counts', async () => {
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  await app.get(`/api/collects/${id}`)
  assert.equal((await app.get(`/api/collects/${id}`)).headers.get('x-cache'), 'HIT')
  await app.platform.pool.query(`update collects.collects set title = 'Рукой' where id = $1`, [id])
  assert.equal((await app.get(`/api/collects/${id}`)).body.title, 'Рукой')
  assert.equal((await app.get('/api/collects')).body.results[0].title, 'Рукой')
})

// Guarantee: creating calls with one key, however many at once, make one row; while the first runs the others wait.
test('a key makes any creating call safe', async () => {
  const create = (key: string, body: object) =>
    app.post('/api/collects', body, { token: anna.token, headers: { 'idempotency-key': key } })
  const { count } = (await app.get('/api/collects')).body
  const many = await Promise.all(Array.from({ length: 8 }, () => create('c-1', collect)))
  assert.equal(new Set(many.map((m) => m.text)).size, 1)
  assert.equal((await app.get('/api/collects')).body.count, count + 1)
  assert.equal((await create('c-1', { ...collect, title: 'Иная' })).status, 422)
  assert.equal((await create('c-2', { ...collect, title: '' })).status, 400)
  assert.equal((await create('c-2', collect)).status, 201)
})

// Guarantee: a locked row neither fails nor holds the payments of its neighbours.
test('a locked collect holds nobody else up', async () => {
  const [a, b] = [
    (await app.post('/api/collects', collect, { token: anna.token })).body.id,
    (await app.post('/api/collects', collect, { token: anna.token })).body.id,
  ]
  const pay = (id: number) => app.post('/api/payments', { collect: id, amount: 1 }, { token: anna.token })
  const holder = await app.platform.pool.connect()
  let released = false
  try {
    await holder.query('begin')
    await holder.query('select 1 from collects.collects where id = $1 for update', [a])
    const held = pay(a).finally(() => assert.ok(released, 'the payment did not wait for the lock'))
    const free = await Promise.all(Array.from({ length: 5 }, () => pay(b)))
    assert.deepEqual([...new Set(free.map((f) => f.status))], [201])
    released = true
    await holder.query('commit')
    assert.equal((await held).status, 201)
    await holder.query('begin')
    await holder.query('select 1 from collects.collects where id = $1 for update', [a])
    const refused = await pay(a)
    assert.deepEqual([refused.status, refused.body.code], [503, 'request.busy'])
    await holder.query('rollback')
  } finally {
    holder.release()
  }
  assert.equal((await pay(a)).status, 201)
  await app.audit()
})

// Guarantee: a head or a body that does not arrive is cut off with 408 instead of holding a connection; so is a refused file
// that goes on coming.
test('a stalled request is cut off', { timeout: 40_000 }, async (t) => {
  const talk = (text: string, more = '') =>
    new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.write(text))
      const trickle = setInterval(() => more && socket.write(more), 500)
      let answer = ''
      socket.on('data', (part) => (answer += part))
      socket.on('close', () => {
        clearInterval(trickle)
        resolve(answer)
      })
      socket.on('error', () => {})
      t.signal.addEventListener('abort', () => socket.destroy())
    })
  const form =
    `Authorization: Bearer ${await logInAdmin(app)}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 999\r\n\r\n` +
    '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nЁл'
  const [head, body, part, file] = await Promise.all([
    talk('GET /api/collects HTTP/1.1\r\nHost: x\r\n'),
    talk('POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'),
    talk(`POST /api/collects HTTP/1.1\r\nHost: x\r\n${form}`),
    talk(
      'POST /api/houses/1/import HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 9999\r\n\r\na',
      'b',
    ),
  ])
  assert.match(head, /^HTTP\/1\.1 408/)
  assert.match(head, /problem\+json[\s\S]*request\.too_slow/i)
  assert.match(body, /^HTTP\/1\.1 408/)
  assert.match(part, /^HTTP\/1\.1 408/)
  assert.match(file, /^HTTP\/1\.1 401/)
})

// What the page fills in for a field: its first example, also of a branch that may be null.
const exampleOf = (field: Json): unknown[] =>
  (field.examples ?? field.anyOf?.flatMap(exampleOf) ?? field.enum ?? []).slice(0, 1)

// Guarantee: the OpenAPI document names every route with summary, tags and its refusals, and its examples hold against its schemas.
test('every operation is described', async () => {
  const document = (await app.get('/api/schema')).body
  assert.equal(document.openapi, '3.1.0')
  let operations = 0
  const unfit: string[] = []
  for (const [path, methods] of Object.entries(document.paths) as [string, Record<string, Json>][]) {
    for (const [method, operation] of Object.entries(methods)) {
      operations++
      assert.ok(operation.summary && operation.tags?.length, `${method} ${path}`)
      assert.ok(operation.responses['503'], `${method} ${path} does not name 503`)
      if (operation.requestBody) assert.ok(operation.responses['400'], `${method} ${path} does not name 400`)
      if (operation.security?.length) assert.ok(operation.responses['401'], `${method} ${path} does not name 401`)
      if (path.includes('{')) assert.ok(operation.responses['404'], `${method} ${path} does not name 404`)
      const body = operation.requestBody?.content?.['application/json']?.schema
      if (!body?.properties) continue
      const fields = Object.entries(body.properties) as [string, Json][]
      const example =
        body.examples?.[0] ??
        Object.fromEntries(fields.flatMap(([name, f]) => exampleOf(f).map((e: unknown) => [name, e])))
      const validate = compileSchema({ schema: body, httpPart: 'body' })
      if (!validate(example))
        unfit.push(`${method} ${path} ${JSON.stringify(validate.errors?.map((e) => e.instancePath + e.message))}`)
    }
  }
  assert.deepEqual(unfit, [])
  assert.ok(operations > 30)
  assert.equal((await app.get('/api/schema/swagger-ui/')).headers.get('location'), '/docs')
  assert.equal((await app.get('/docs')).status < 400, true)
})

// Guarantee: requisites with a wrong control digit are refused at their field; only administrators see them.
test('requisites are checked', async () => {
  const token = await logInAdmin(app)
  const good = {
    payee: 'ТСЖ «Двор»',
    inn: '7707083893',
    bic: '044525225',
    account: '40702810938000000001',
    correspondent_account: '30101810400000000225',
  }
  assert.equal((await app.get('/api/organisation')).body.requisites, undefined)
  assert.equal((await app.patch('/api/organisation', { requisites: good }, { token: anna.token })).status, 403)
  for (const [field, value] of [
    ['inn', '7707083894'],
    ['correspondent_account', '30101810500000000225'],
  ]) {
    const answer = await app.patch('/api/organisation', { requisites: { ...good, [field!]: value } }, { token })
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, `/requisites/${field}`])
  }
  const bad = await app.patch(
    '/api/organisation',
    { requisites: { ...good, account: '40702810938000000002' } },
    { token },
  )
  assert.equal(bad.body.errors[0].path, '/requisites/account')
})
