import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import { seed } from './seed.ts'

let app: TestApp
let admin: string
before(async () => {
  app = await startApp({ TIMEZONE: 'Asia/Omsk' }, { worker: false })
  admin = await logInAdmin(app)
  const context = { locale: 'ru', seed: 7, progress() {} } as const
  await seed.run(app.platform, { clients: 900, mailings: 3, messages: 2400 }, context)
})
after(() => app[Symbol.asyncDispose]())

const get = async (path: string, language = 'ru'): Promise<Json> => {
  const answer = await app.get(path, { token: admin, headers: { 'accept-language': language } })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}
const rows = async (text: string, values: unknown[] = []) =>
  (await app.platform.pool.query(text, values)).rows as Json[]
const counted = `count(*) total, count(*) filter (where status = 'processing') processing, count(*) filter (where status = 'sent') sent,
  count(*) filter (where status = 'error') error, count(*) filter (where status = 'expired') expired`

// Guarantee: what statistics say of all mailings and of one is what their messages, counted, are; every part adds up.
test('statistics are the messages, counted', async () => {
  await app.audit()
  const all = await get('/api/mailings/stats?page_size=2')
  const [total] = await rows(`select ${counted} from mailings.messages`)
  assert.deepEqual([all.mailings, all.count, all.messages], [3, 3, total])
  assert.equal(total.total, 2400)
  assert.deepEqual(
    all.by_operator,
    await rows(`select operator_code, ${counted} from mailings.messages group by 1 order by 2 desc, 1`),
  )
  assert.deepEqual(
    all.by_day,
    await rows(
      `select (due_at at time zone 'Asia/Omsk')::date as day, count(*) filter (where status = 'sent') sent,
         count(*) filter (where status = 'error') error
       from mailings.messages where status in ('sent', 'error') group by 1 order by 1`,
    ),
  )
  const seen = [...all.results, ...(await get(all.next)).results]
  for (const mailing of seen) {
    const [own] = await rows(`select ${counted}, sum(attempts) attempts from mailings.messages where mailing_id = $1`, [
      mailing.id,
    ])
    const { attempts, ...counts } = own
    assert.deepEqual(mailing.counts, counts)
    const one = await get(`/api/mailings/${mailing.id}/stats`)
    assert.deepEqual([one.counts, one.attempts], [counts, attempts])
    const sum = (list: Json[], name: string) => list.reduce((n, entry) => n + entry[name], 0)
    for (const name of Object.keys(counts)) assert.equal(sum(one.by_operator, name), counts[name])
    assert.deepEqual([sum(one.per_minute, 'sent'), sum(one.per_minute, 'error')], [counts.sent, counts.error])
    assert.ok(
      one.per_minute.every(({ at }: Json, i: number) => /:00Z$/.test(at) && (i === 0 || at > one.per_minute[i - 1].at)),
    )
    const { p50, p95, p99 } = one.latency_ms
    assert.ok(25 < p50 && p50 < p95 && p95 <= p99 && p99 < 300, JSON.stringify(one.latency_ms))
  }
  assert.equal((await app.get('/api/mailings/999/stats', { token: admin })).status, 404)
})

// Guarantee: percentiles of the gateway's answers are within a bucket of the truth.
test('percentiles come from the buckets', async () => {
  const [{ id }] = await rows('select min(id) id from mailings.mailings')
  await rows('delete from mailings.latencies where mailing_id = $1', [id])
  const none = await get(`/api/mailings/${id}/stats`)
  assert.deepEqual(none.latency_ms, { p50: null, p95: null, p99: null })
  // 1 to 1,000 ms, once each.
  await rows(
    `insert into mailings.latencies (mailing_id, bucket, answers)
     select $1, floor(ln(n) / ln(1.1)), count(*) from generate_series(1, 1000) n group by 2`,
    [id],
  )
  const { latency_ms } = await get(`/api/mailings/${id}/stats`)
  for (const [name, truth] of [
    ['p50', 500],
    ['p95', 950],
    ['p99', 990],
  ] as const)
    assert.ok(Math.abs(latency_ms[name] / truth - 1) < 0.1, `${name}: ${latency_ms[name]}`)
})

// Guarantee: a walk meets every message of a mailing once, by status too, and the count is exact; a client has one.
test('messages are walked', async () => {
  const [{ id }] = await rows('select max(id) id from mailings.mailings')
  for (const status of [undefined, 'sent', 'error', 'expired', 'processing']) {
    const filter = status ? `&status=${status}` : ''
    const truth = await rows(
      `select id from mailings.messages where mailing_id = $1 ${status ? `and status = '${status}'` : ''} order by id desc`,
      [id],
    )
    const seen: number[] = []
    for (let path: string | null = `/api/mailings/${id}/messages?page_size=90${filter}`; path; ) {
      const body = await get(path)
      if (!seen.length) assert.equal(body.count, truth.length)
      seen.push(...body.results.map((m: Json) => m.id))
      path = body.next
    }
    assert.deepEqual(
      seen,
      truth.map((m) => m.id),
    )
  }
  const [message] = await rows(
    `select id, client_id client, phone from mailings.messages where mailing_id = $1 and last_error like 'code 7%' limit 1`,
    [id],
  )
  const own = await get(`/api/mailings/${id}/messages?client=${message.client}`)
  assert.deepEqual([own.count, own.results[0].id], [1, message.id])
  assert.equal((await get(`/api/mailings/${id}/messages?client=${message.client}&status=sent`)).count, 0)
  const one = await get(`/api/messages/${message.id}`)
  assert.deepEqual([one.mailing, one.client, one.phone, one.status], [id, message.client, message.phone, 'error'])
  assert.match(one.last_error, /Invalid number/)
  assert.notEqual(one.last_error, (await get(`/api/messages/${message.id}`, 'en')).last_error)
  await rows(`update mailings.mailings set text = 'Здравствуйте, {tag}! Ваш номер {phone}' where id = $1`, [id])
  await rows(`update mailings.clients set tag = 'сосед' where id = $1`, [message.client])
  assert.equal((await get(`/api/messages/${message.id}`)).text, `Здравствуйте, сосед! Ваш номер ${message.phone}`)
  assert.equal((await app.get('/api/messages/999999', { token: admin })).status, 404)
})

// Guarantee: the file of a mailing has everybody who did not get it, once, with the reason in the reader's language.
test('who did not get it comes as a file', async () => {
  const [{ id }] = await rows('select max(id) id from mailings.mailings')
  const csv = async (query: string) =>
    (await app.get(`/api/mailings/${id}/messages.csv${query}`, { token: admin })).text
      .trim()
      .split('\r\n')
      .map((line) => line.split(','))
  const [head, ...lines] = await csv('')
  assert.deepEqual(head, ['id', 'phone', 'operator_code', 'status', 'reason', 'attempts', 'created_at', 'sent_at'])
  const truth = await rows(
    `select id::text, phone, status from mailings.messages where mailing_id = $1 and status in ('error', 'expired') order by status, id`,
    [id],
  )
  assert.deepEqual(
    lines.map(([id, phone, , status]) => ({ id, phone, status })),
    truth,
  )
  assert.ok(lines.every((line) => /[а-я]/.test(line[4]!)))
  const [sent] = await rows(`select count(*) n from mailings.messages where mailing_id = $1 and status = 'sent'`, [id])
  assert.equal((await csv('?status=sent')).length, sent.n + 1)
  assert.equal((await app.get('/api/mailings/999/messages.csv', { token: admin })).status, 404)
})
