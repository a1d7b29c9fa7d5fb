import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { cloneDatabase, eventually, person, startApp, type TestApp } from '../../test/harness.ts'
import { startStore, withoutStore } from '../../test/stores.ts'
import { createCache, databaseId } from './cache.ts'
import { createPool } from './connections.ts'
import { createLogger } from './log.ts'
import { openStore } from './stores.ts'

let app: TestApp
before(async () => {
  app = await startApp()
})
after(() => app[Symbol.asyncDispose]())

const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }

// Guarantee: no module keeps an answer under a scope that no trigger sets: each scope of a Source, written as a literal
// or a template, is set by a function that platform.watch made.
test('every cached scope is fed by a trigger', async () => {
  const { rows } = await app.platform.pool.query(
    `select string_agg(distinct p.prosrc, '') made from pg_trigger t join pg_proc p on p.oid = t.tgfoid
     where not t.tgisinternal and p.prosrc like '%platform.stamp(%'`,
  )
  const made: string = rows[0].made
  const scopes: string[] = []
  for await (const file of glob('src/**/*.ts')) {
    if (file.endsWith('.test.ts')) continue
    const text = await readFile(file, 'utf8')
    // What a machine token may is called so too.
    if (/MachineToken|scopeOf\(/.test(text)) continue
    for (const [, list] of text.matchAll(/\bscopes: ([^\n]*)/g)) {
      if (/^string\[\]|^Scope/.test(list!)) continue
      const literal = /^\[((?:(?:'[^']*'|`[^`]*`)(?:, )?)+)\]/.exec(list!)
      assert.ok(literal, `${file}: scopes must be written out, so that this test can read them: ${list}`)
      scopes.push(...literal[1]!.split(', ').map((s) => s.slice(1, -1)))
    }
  }
  assert.ok(scopes.length > 5)
  for (const scope of scopes) {
    const detail = /^([a-z_]+:)\$\{/.exec(scope)?.[1]
    const fed = detail ? made.includes(`'${detail}'`) : new RegExp(`'\\{[^']*\\b${scope}\\b[^']*\\}'`).test(made)
    assert.ok(fed, `no trigger sets the scope ${scope}`)
  }
})

// Guarantee: platform.watch makes every kind of change set exactly the stamps of what shows the row: through a look-up,
// before and after a move, for many rows at once, and for a table that is emptied.
test('a watched table stamps what shows its rows', async () => {
  const database = await cloneDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const stamps = async () =>
    new Map((await client.query('select scope, stamp from platform.stamps')).rows.map((r) => [r.scope, r.stamp]))
  /** The scopes that a statement stamps. */
  const stamped = async (text: string) => {
    const was = await stamps()
    await client.query(text)
    return [...(await stamps())].flatMap(([scope, stamp]) => (was.get(scope) === stamp ? [] : [scope])).sort()
  }
  try {
    await client.query(`
      create schema homes;
      create table homes.flats (id int primary key, house int not null);
      create table homes."Meters" (id int primary key, flat int not null, note text);
      insert into homes.flats values (1, 10), (2, 10), (3, 20);
      select platform.watch('homes."Meters"', own => $$'meter:' || changed.id$$, lists => '{meters}', details => array[
        $$(select 'house:' || f.house from homes.flats f where f.id = changed.flat)$$, $$'flat:' || changed.flat$$])`)
    const meters = 'homes."Meters"'
    for (const [text, scopes] of [
      [`insert into ${meters} values (1, 1), (2, 2), (3, 3)`, 'flat:1 flat:2 flat:3 house:10 house:20 meters'],
      [`update ${meters} set note = 'x' where id = 1`, 'flat:1 house:10 meter:1 meters'],
      [`update ${meters} set flat = 3 where id = 1`, 'flat:1 flat:3 house:10 house:20 meter:1 meters'],
      [`update ${meters} set flat = 99 where id = 2`, 'flat:2 flat:99 house:10 meter:2 meters'],
      [`update ${meters} set note = 'y' where id = 0`, ''],
      [
        `insert into ${meters} values (3, 3) on conflict (id) do update set note = 'z'`,
        'flat:3 house:20 meter:3 meters',
      ],
      [`delete from ${meters} where id in (1, 3)`, 'flat:3 house:20 meter:1 meter:3 meters'],
    ] as const)
      assert.deepEqual(await stamped(text), scopes.split(' ').filter(Boolean), text)
    await client.query(`truncate ${meters}`)
    assert.equal((await stamps()).size, 0)

    // Called again it replaces what it made, here with a stamp for one column only.
    await client.query(`select platform.watch('${meters}', lists => '{notes}', columns => '{id,note}')`)
    for (const [text, scopes] of [
      [`insert into ${meters} values (1, 1), (2, 2)`, ''],
      [`update ${meters} set flat = 3`, ''],
      [`update ${meters} set note = 'x' where id = 1`, 'notes'],
      [`update ${meters} set note = case id when 2 then 'x' end`, 'notes'],
      [`delete from ${meters}`, ''],
    ] as const)
      assert.deepEqual(await stamped(text), scopes.split(' ').filter(Boolean), text)
  } finally {
    await client.end()
    await database.drop()
  }
})

// Guarantee: a row that nobody changed is kept too; and when the database loses its newest changes (a lossy failover, a
// restore) or forgets stamps, no answer from before comes back.
test('no old answer comes back without its stamp', async () => {
  const { pool } = app.platform
  const anna = await person(app)
  const { id } = (await app.post('/api/collects', collect, { token: anna.token })).body
  const look = async () => {
    const answer = await app.get(`/api/collects/${id}`)
    return `${answer.headers.get('x-cache')} ${answer.body.title}`
  }
  assert.equal(await look(), 'MISS Ёлка')
  assert.equal(await look(), 'HIT Ёлка')
  // As a restored database would have it: another row of this id, and no trace of the stamps.
  const client = await pool.connect()
  await client.query('begin; set local session_replication_role = replica')
  await client.query('update collects.collects set title = $2 where id = $1', [id, 'Другая'])
  await client.query('delete from platform.stamps')
  await client.query('commit')
  client.release()
  assert.equal(await look(), 'MISS Другая')
  assert.equal(await look(), 'HIT Другая')
  await app.patch(`/api/collects/${id}`, { title: 'Третья' }, { token: anna.token })
  assert.equal(await look(), 'MISS Третья')
  const forget = (keep: string) => pool.query('select platform.forget_stamps($1::interval) n', [keep])
  assert.equal((await forget('1 day')).rows[0].n, 0)
  assert.equal(await look(), 'HIT Третья')
  assert.ok((await forget('0 s')).rows[0].n > 0)
  const left = (await pool.query(`select scope from platform.stamps where scope like '%:%'`)).rows
  assert.deepEqual(left, [])
  assert.equal(await look(), 'MISS Третья')
  assert.equal(await look(), 'HIT Третья')
})

// Guarantee: two databases with the same ids over one store never answer for each other, copies with the same stamps included.
test('databases may share a store', async () => {
  await using stack = new AsyncDisposableStack()
  const store = openStore('memory', 'secret', app.platform.log)
  const stamp = crypto.randomUUID()
  for (const title of ['Первая', 'Вторая']) {
    const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
    const pool = stack.adopt(createPool(database.url, 2, app.platform.log), (p) => p.end())
    await pool.query('update platform.installation set name = $1', [title])
    // As a copy of one database has it.
    await pool.query(`insert into platform.stamps (scope, stamp) values ('organisation:1', $1)`, [stamp])
    const cache = createCache(pool, store, app.platform.log, await databaseId(pool))
    const get = () =>
      cache.get(
        'the organisation',
        {
          scopes: ['organisation:1'],
          read: async (client) => ({ answer: (await client.query('select name from platform.installation')).rows[0] }),
        },
        JSON.stringify,
      )
    for (const hit of [false, true]) {
      const answer = await get()
      assert.deepEqual([answer.hit, JSON.parse(String(answer.body))], [hit, { name: title }])
    }
  }
})

// Guarantee: an answer is kept no longer than its source says, by the database's clock, though nothing changes.
test('a kept answer dies of age', async () => {
  const { id } = (await app.post('/api/collects', collect, { token: (await person(app)).token })).body
  let reads = 0
  const source = {
    scopes: [`collect:${id}`],
    maxAgeSeconds: 1,
    read: async () => ({ answer: { read: ++reads } }),
  }
  const get = () => app.platform.cache.get('aging', source, JSON.stringify)
  await eventually('it is kept', async () => (await get()).hit)
  const before = reads
  await eventually('it dies', async () => !(await get()).hit)
  assert.equal(reads, before + 1)
})

// Guarantee: a store that answered while this process stood still is not taken for a slow one.
test('a stalled process does not blame its store', { skip: withoutStore('redis') }, async () => {
  await using stack = new AsyncDisposableStack()
  const server = stack.adopt(await startStore('redis'), (s) => s.stop())
  const store = stack.adopt(openStore(server.url, 'secret', app.platform.log), (s) => s.close())
  const answer = { body: Buffer.from('{}'), etag: `"${'e'.repeat(22)}"`, validUntil: Number.POSITIVE_INFINITY }
  await eventually('the store is there', async () => {
    await store.set('key', answer)
    return (await store.get('key'))?.body.length === 2
  })
  for (let i = 0; i < 20; i++) {
    const found = store.get('key')
    // The question is out; its answer comes while we stand still.
    await new Promise((done) => setImmediate(done))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60)
    assert.equal((await found)?.body.length, 2)
  }
})

// Guarantee: a store that takes calls and never answers holds no more of them than 5,000: the rest fail at once.
test('a store that stands still fills no memory', async () => {
  let answering = true
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    // Each call is one array of the protocol.
    socket.on('data', (data) => {
      if (answering) socket.write('+OK\r\n'.repeat(data.toString('latin1').match(/^\*\d+\r\n/gm)?.length ?? 0))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const log = createLogger({ LOG_LEVEL: 'silent', LOG_FORMAT: 'json' })
  const store = openStore(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`, 'secret', log)
  try {
    await eventually('it is ready', () =>
      store.set('key', { body: Buffer.from('{}'), etag: '"'.padEnd(23, 'x').concat('"'), validUntil: 1 }).then(
        () => true,
        () => false,
      ),
    )
    answering = false
    const calls = await Promise.allSettled(Array.from({ length: 6000 }, () => store.get('key')))
    const full = calls.filter((call) => call.status === 'rejected' && /queue is full/.test(call.reason.message))
    assert.equal(full.length, 1000)
  } finally {
    await store.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})
