import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { countsOf, type Deed, type FakeGateway, makeMailing, startGateway } from '../../test/gateway.ts'
import { eventually, freePort, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import { without } from '../../test/programs.ts'

const concurrency = 32
let app: TestApp
let gateway: FakeGateway
let token: string
before(async () => {
  gateway = await startGateway()
  app = await startApp({
    GATEWAY_URL: `${gateway.url}/base/`,
    GATEWAY_TOKEN: 'gateway-token',
    GATEWAY_TIMEOUT_MS: '1500',
    GATEWAY_CONCURRENCY: String(concurrency),
  })
  token = await logInAdmin(app)
})
after(async () => {
  await app[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})
beforeEach(() => {
  gateway.seen.length = 0
  gateway.follow(() => 'ok')
})

const pool = () => app.platform.pool
const rowsOf = async (mailing: number) =>
  (await pool().query('select * from mailings.messages where mailing_id = $1 order by id', [mailing])).rows
const settled = (mailing: number) =>
  eventually('nothing is under way', async () => {
    const counts = await countsOf(pool(), mailing)
    return counts.processing === 0 && counts
  })

// Guarantee: each message of a running mailing reaches the gateway as the contract says, once, with the text of its person.
test('messages are sent', async () => {
  const mailing = await makeMailing(pool(), 300, { text: 'Ваш номер {phone}, метка {tag}' })
  const counts = await settled(mailing)
  assert.deepEqual(counts, { total: 300, sent: 300, error: 0, expired: 0, attempts: 300, processing: 0 })
  assert.equal(gateway.seen.length, 300)
  const phones = new Map((await rowsOf(mailing)).map((m) => [m.id, m.phone]))
  for (const one of gateway.seen) {
    assert.equal(one.path, `/base/v1/send/${one.id}`)
    assert.equal(one.authorization, 'Bearer gateway-token')
    assert.equal(one.phone, phones.get(one.id))
    assert.match(one.text, new RegExp(`^Ваш номер ${one.phone}, метка tag\\d$`))
  }
  assert.equal(new Set(gateway.seen.map((s) => s.id)).size, 300)
  await app.audit()
})

// Guarantee: whatever a gateway does instead of answering, each message gets there in the end under its own id and number, and
// none is acknowledged twice; never are more calls under way than allowed.
test('a gateway that fails in every way', async () => {
  const bad: Deed[] = [
    '500',
    '429',
    'hang',
    'garbage',
    'html',
    'drip',
    'reset before',
    'reset after',
    'long',
    'redirect',
  ]
  gateway.follow(({ id, ofThis }) =>
    ofThis <= 1 + (id % 2) && id % 4 === 0 ? bad[(id / 4 + ofThis) % bad.length]! : 'ok',
  )
  const mailing = await makeMailing(pool(), 400)
  const counts = await settled(mailing)
  assert.deepEqual([counts.sent, counts.error, counts.expired], [400, 0, 0])
  const phones = new Map((await rowsOf(mailing)).map((m) => [m.id, m.phone]))
  for (const one of gateway.seen) if (one.phone) assert.equal(one.phone, phones.get(one.id))
  const acknowledged = gateway.seen.filter((s) => s.acknowledged).map((s) => s.id)
  assert.equal(acknowledged.length, 400)
  assert.equal(new Set(acknowledged).size, 400)
  assert.ok(gateway.most() <= concurrency, `${gateway.most()} calls at once`)
  await app.audit()
})

// Guarantee: 4xx and another code end a message after three tries with what the gateway said; 429 is not asked again before
// its Retry-After.
test('refusals', async () => {
  const kinds: Deed[] = ['400', 'code', '429']
  gateway.follow(({ id, ofThis }) => (id % 3 < 2 ? kinds[id % 3]! : ofThis === 1 ? '429' : 'ok'))
  const mailing = await makeMailing(pool(), 30)
  const counts = await settled(mailing)
  assert.deepEqual([counts.sent, counts.error, counts.expired], [10, 20, 0])
  for (const m of await rowsOf(mailing)) {
    const tries = gateway.seen.filter((s) => s.id === m.id).map((s) => s.at)
    if (m.id % 3 === 2) {
      assert.equal(m.status, 'sent')
      assert.ok(tries[1]! - tries[0]! >= 1000, `again after ${tries[1]! - tries[0]!} ms`)
    } else {
      assert.equal(m.last_error, m.id % 3 ? 'code 7 no money' : 'status 400')
      assert.deepEqual([tries.length, m.attempts, m.refusals], [3, 3, 3])
    }
  }
  await app.audit()
})

// Guarantee: when over half of the last 200 answers are errors the mailing pauses by itself and says why, nothing more is sent,
// and after `resume` it goes on.
test('a mailing pauses by itself', async () => {
  gateway.follow(() => '400')
  const mailing = await makeMailing(pool(), 500)
  const path = `/api/mailings/${mailing}`
  const paused = await eventually('it pauses', async () => {
    const { body } = await app.get(path, { token })
    return body.paused_at && body
  })
  assert.equal(paused.status, 'running')
  assert.match(paused.pause_reason, /^Ошибок среди последних 200 ответов шлюза: (1\d\d|200)\. Последняя: /)
  const { rows } = await pool().query('select pause_reason from mailings.mailings where id = $1', [mailing])
  assert.match(rows[0].pause_reason, /^errors (1\d\d|200) status 400$/)
  await eventually('the calls under way are over', async () => !(await rowsOf(mailing)).some((m) => m.claimed))
  const asked = gateway.seen.length
  assert.ok(asked > 100 && asked < 500, `${asked} requests`)
  gateway.follow(() => 'ok')
  assert.equal((await app.post(`${path}/resume`, undefined, { token })).status, 200)
  const counts = await settled(mailing)
  assert.deepEqual([counts.sent, counts.error], [500, 0])
  await app.audit()
})

// Guarantee: several mailings share the gateway: a short one beside a long one waits for its share and not for the long one's end.
test('mailings share fairly', async () => {
  gateway.follow(async () => {
    await sleep(20)
    return 'ok' as const
  })
  const long = await makeMailing(pool(), 4000)
  await eventually('the long one goes', () => gateway.seen.length > 50)
  const short = await makeMailing(pool(), 100)
  await settled(short)
  const ofShort = new Set((await rowsOf(short)).map((m) => m.id))
  const places = gateway.seen.flatMap((s, i) => (ofShort.has(s.id) ? [i] : []))
  const among = places.at(-1)! - places[0]!
  assert.ok(among < 600, `100 messages among ${among}`)
  assert.ok(places.at(-1)! < 3600, `the short one came after ${places.at(-1)}`)
  await settled(long)
})

// Guarantee: the claim itself tests who may be written to now, whatever held when the message was made.
test('who must not be written to', async () => {
  const mailing = await makeMailing(pool(), 4, { due: '1 day' })
  const [stopped, removed, , last] = await rowsOf(mailing)
  await pool().query(`insert into mailings.stops (phone, reason) values ($1, '')`, [stopped.phone])
  await pool().query('delete from mailings.clients where id = $1', [removed.client_id])
  await pool().query(`update mailings.messages set due_at = now() where mailing_id = $1`, [mailing])
  await settled(mailing)
  assert.deepEqual(
    (await rowsOf(mailing)).map((m) => [m.status, m.last_error, m.attempts]),
    [
      ['expired', 'stopped', 0],
      ['expired', 'removed', 0],
      ['sent', null, 1],
      ['sent', null, 1],
    ],
  )
  assert.equal(gateway.seen.length, 2)
  assert.ok(last)

  const hour = (shift: number) => new Date(Date.now() + shift * 3_600_000).toISOString().slice(11, 16)
  const later = await makeMailing(pool(), 2, { timezone: 'UTC', window: [hour(2), hour(3)], ends: '1 day' })
  const never = await makeMailing(pool(), 2, { timezone: 'UTC', window: [hour(2), hour(3)], ends: '1 hour' })
  await settled(never)
  assert.deepEqual(
    (await rowsOf(never)).map((m) => [m.status, m.last_error]),
    [
      ['expired', 'window'],
      ['expired', 'window'],
    ],
  )
  await eventually('they wait for their window', async () => {
    const { rows } = await pool().query(
      `select from mailings.messages where mailing_id = $1 and attempts = 0 and due_at > now() + interval '50 minutes'`,
      [later],
    )
    return rows.length === 2
  })
  assert.equal(gateway.seen.length, 2)
  await app.audit()
  await pool().query(`update mailings.mailings set paused_at = now() where id = $1`, [later])
})

// Guarantee: no request begins at or after the end, what is under way is cut off then and expired, and an end that is moved
// forward holds for calls under way too.
test('the end is hard', async () => {
  gateway.follow(() => 'hang')
  const moved = await makeMailing(pool(), 100, { ends: '1 hour' })
  await eventually('it is under way', () => gateway.seen.length >= concurrency)
  await pool().query(`update mailings.mailings set ends_at = clock_timestamp() + interval '400 ms' where id = $1`, [
    moved,
  ])
  await pool().query(`select pg_notify('dvor', $1)`, [`mailing ${moved}`])
  const over = (id: number) =>
    eventually('it is over', async () => {
      const { rows } = await pool().query(
        `select ends_at from mailings.mailings m where id = $1 and ends_at < clock_timestamp()
         and not exists (select from mailings.messages where mailing_id = m.id and claimed)`,
        [id],
      )
      return rows[0] && Date.parse(rows[0].ends_at)
    })
  const first = await over(moved)
  const mailing = await makeMailing(pool(), 200, { ends: '3 s' })
  const ends = new Map([
    [moved, first],
    [mailing, await over(mailing)],
  ])
  const ofId = new Map([...(await rowsOf(mailing)), ...(await rowsOf(moved))].map((m) => [m.id, m]))
  for (const one of gateway.seen) {
    const end = ends.get(ofId.get(one.id).mailing_id)!
    assert.ok(one.at < end, `a request ${one.at - end} ms after the end`)
  }
  const cut = (await rowsOf(moved)).filter((m) => m.last_error === 'cut_off')
  assert.ok(cut.length > 0 && cut.every((m) => m.status === 'expired'))
})

// Guarantee: a gateway that cannot be reached burns a few attempts, not one of each message; when it is back, all go out.
test('a dead gateway burns no attempts', async () => {
  const port = await freePort()
  const few = 8
  await using own = await startApp({ GATEWAY_URL: `http://127.0.0.1:${port}`, GATEWAY_CONCURRENCY: String(few) })
  const mailing = await makeMailing(own.platform.pool, 300)
  const admin = await logInAdmin(own)
  const state = () => own.get('/api/mailings/gateway', { token: admin })
  await eventually('the breaker opens', async () => (await state()).body.breaker !== 'closed')
  await eventually('it was tried again', async () => {
    const { rows } = await own.platform.pool.query('select sum(attempts)::int n from mailings.messages')
    return rows[0].n > 12
  })
  const { rows } = await own.platform.pool.query('select sum(attempts)::int n from mailings.messages')
  assert.ok(rows[0].n < 40, `${rows[0].n} attempts`)
  await using back = await startGateway(undefined, port)
  const counts = await eventually('all are sent', async () => {
    const counts = await countsOf(own.platform.pool, mailing)
    return counts.sent === 300 && counts
  })
  assert.ok(counts.attempts < 360, `${counts.attempts} attempts`)
  assert.equal(back.seen.length, 300)
  await eventually('the breaker closes', async () => (await state()).body.breaker === 'closed')
  await own.audit()
})

// Guarantee: a test goes out at once under an id of its own, tells what the gateway said, is written to no stopped number, and
// counts nowhere.
test('a message to try it', async () => {
  const { body: mailing } = await app.post(
    '/api/mailings',
    { text: 'Номер {phone}, {tag}', starts_at: '2098-01-01T09:00:00Z', ends_at: '2098-01-02T09:00:00Z' },
    { token },
  )
  const send = (phone: string, headers = {}) =>
    app.post(`/api/mailings/${mailing.id}/test`, { phone }, { token, headers })
  const sent = await send('8 (912) 000-00-01', { 'idempotency-key': 'one-test' })
  assert.equal(sent.status, 200, sent.text)
  assert.deepEqual([sent.body.status, sent.body.text], ['sent', 'Номер 79120000001, метка'])
  assert.deepEqual(
    gateway.seen.map((s) => [s.id, s.phone, s.text]),
    [[sent.body.id, '79120000001', 'Номер 79120000001, метка']],
  )
  assert.equal((await send('8 (912) 000-00-01', { 'idempotency-key': 'one-test' })).body.id, sent.body.id)
  assert.equal(gateway.seen.length, 1)
  gateway.follow(() => 'code')
  const refused = await send('79120000002')
  assert.deepEqual([refused.body.status, refused.body.last_error], ['error', 'Шлюз отказал с кодом 7 no money'])
  await app.post('/api/clients/stops', { phone: '79120000003' }, { token })
  assert.equal((await send('79120000003')).status, 409)
  assert.equal(gateway.seen.length, 2)
  gateway.follow(() => 'ok')
  const draft = (text: string) => app.post('/api/mailings/test', { phone: '79120000004', text }, { token })
  const tried = await draft('Ещё не рассылка, {tag}')
  assert.deepEqual(
    [tried.body.status, tried.body.mailing, tried.body.text],
    ['sent', null, 'Ещё не рассылка, метка'],
    tried.text,
  )
  const wrong = await draft('{sum}')
  assert.deepEqual([wrong.status, wrong.body.errors[0].path], [400, '/text'])
  assert.equal(gateway.seen.length, 3)
  const { body } = await app.get(`/api/mailings/${mailing.id}`, { token })
  assert.equal(body.counts.total, 0)
  const { body: state } = await app.get('/api/mailings/gateway', { token })
  assert.deepEqual([state.sandbox, state.breaker, state.concurrency, state.rate], [false, 'closed', concurrency, null])
})

// Guarantee: the commands of the documentation find in a log everything about a mailing, a message and a client.
test('the story of a message', { skip: without('jq', 'grep') }, async () => {
  const mailing = await makeMailing(pool(), 20)
  await settled(mailing)
  const [message] = await rowsOf(mailing)
  const folder = mkdtempSync(join(tmpdir(), 'dvor-log-'))
  try {
    await eventually(
      'the log has all',
      () => app.logs.filter((l) => l.includes(`"mailing_id":${mailing},`)).length >= 20,
    )
    writeFileSync(join(folder, 'dvor.log'), app.logs.join(''))
    const commands = readFileSync('docs/mailings.md', 'utf8').matchAll(/(jq -c '|grep -E ')[^`\n]*dvor\.log/g)
    const found = [...commands].map(([command]) => {
      const [, name] = command.match(/(\w+_id)/)!
      const id = name === 'mailing_id' ? mailing : name === 'message_id' ? message.id : message.client_id
      const lines = execFileSync('sh', ['-c', command.replace('42', id)], { cwd: folder, encoding: 'utf8' })
      return [command.slice(0, 2), name, lines.trim().split('\n').length]
    })
    assert.deepEqual(found, [
      ['jq', 'mailing_id', 20],
      ['jq', 'message_id', 1],
      ['jq', 'client_id', 1],
      ['gr', 'message_id', 1],
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

// Guarantee: the metrics say how many messages stand where, how late the latest is, and what calls came to.
test('metrics', async () => {
  const values = async () => {
    const { text } = await app.get('/metrics')
    const lines = text.matchAll(/^(dvor_(?:mailing|outgoing_breaker)[^ ]*) (.+)$/gm)
    return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)])) as Record<string, number>
  }
  gateway.follow(() => '500')
  const before = await values()
  const late = await makeMailing(pool(), 3, { due: '-1 hour' }, true)
  assert.equal(
    (await values())['dvor_mailing_messages{status="processing"}'],
    before['dvor_mailing_messages{status="processing"}']! + 3,
  )
  assert.ok((await values()).dvor_mailing_lag_seconds! < 1000, 'what is paused is not late')
  // Of a row that somebody holds no claim takes anything.
  const holder = await pool().connect()
  try {
    await holder.query('update mailings.mailings set paused_at = null where id = $1', [late])
    await holder.query('begin')
    await holder.query('select from mailings.mailings where id = $1 for update', [late])
    const { dvor_mailing_lag_seconds: lag } = await values()
    assert.ok(lag! >= 3600 || gateway.seen.length > 0, `${lag} s`)
    gateway.follow(() => 'ok')
    await holder.query('commit')
  } finally {
    holder.release()
  }
  await settled(late)
  const after = await values()
  assert.equal(after['dvor_outgoing_breaker{endpoint="gateway"}'], 0)
  const sent = (v: Record<string, number>) => [
    v['dvor_mailing_attempts_total{outcome="sent"}'],
    v['dvor_mailing_messages{status="sent"}'],
  ]
  assert.deepEqual(
    sent(after),
    sent(before).map((n) => n! + 3),
  )
})
