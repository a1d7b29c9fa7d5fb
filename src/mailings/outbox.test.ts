import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'

const options = { worker: false }

/** Letters and messages, made in turns; a test of a mailing among them. */
async function fill(app: TestApp): Promise<void> {
  await app.platform.pool.query(`
    delete from platform.outbox;
    insert into platform.outbox (key, kind, "to", subject, text, state, created_at)
    select 'letter-' || n, 'email', 'a@example.org', 'Письмо', 'письмо ' || n, 'sent', now() - make_interval(mins => 2 * (30 - n))
    from generate_series(1, 30) n;
    insert into mailings.clients (phone, operator_code, tag, timezone)
    select '7999000' || to_char(n, 'FM0000'), '999', 'дом ' || n, 'UTC' from generate_series(1, 40) n order by n;
    insert into mailings.mailings (text, starts_at, ends_at, status, started_at)
    values ('Привет, {tag}: {phone}', now(), now() + interval '1 hour', 'running', now());
    insert into mailings.messages (mailing_id, client_id, phone, operator_code, status, sent_at, due_at, created_at, last_error)
    select l.id, c.id, phone, '999', case n % 3 when 0 then 'sent' when 1 then 'processing' else 'expired' end,
      case when n % 3 = 0 then now() end, now(), now() - make_interval(mins => 2 * (40 - n::int) + 1), case when n % 3 = 2 then 'stopped' end
    from mailings.mailings l, (select *, row_number() over (order by id) n from mailings.clients) c order by n;
    insert into mailings.counters (mailing_id, operator_code, total, sent, expired)
    select mailing_id, operator_code, count(*), count(*) filter (where status = 'sent'), count(*) filter (where status = 'expired')
    from mailings.messages group by 1, 2;
    insert into mailings.tests (mailing_id, phone, text, status) select id, '79991112233', 'Проба', 'sent' from mailings.mailings`)
}

// Guarantee: the outbox shows the messages of mailings between the letters by time, from their own table: walked forth and
// back each stands there once; by kind, too, and one by one.
test('messages stand in the outbox without being copied', async () => {
  await using app = await startApp({ GATEWAY_URL: 'sandbox' }, options)
  const token = await logInAdmin(app)
  await fill(app)
  const get = async (path: string): Promise<Json> => {
    const answer = await app.get(path, { token })
    assert.equal(answer.status, 200, answer.text)
    return answer.body
  }
  const all = (await get('/api/outbox?page_size=100')).results
  assert.equal(all.length, 71)
  assert.deepEqual(
    all,
    all.toSorted((a: Json, b: Json) => Date.parse(b.created_at) - Date.parse(a.created_at)),
  )
  assert.equal(new Set(all.map((e: Json) => e.id)).size, 71)
  for (const [order, expected] of [
    ['-created_at', all],
    ['created_at', all.toReversed()],
  ] as const) {
    const pages: Json[] = []
    for (let path: string | null = `/api/outbox?page_size=9&ordering=${order}`; path; path = pages.at(-1).next)
      pages.push(await get(path))
    assert.equal(pages[0].count, 71)
    assert.deepEqual(
      pages.flatMap((p) => p.results),
      expected,
    )
    let back = pages.at(-1)
    for (let i = pages.length - 2; i >= 0; i--) {
      back = await get(back.previous)
      assert.deepEqual(back.results, pages[i].results, `${order}, page ${i}`)
    }
    assert.deepEqual((await get(`/api/outbox?page_size=9&page=3&ordering=${order}`)).results, pages[2].results)
  }
  const messages = await get('/api/outbox?kind=message&page_size=100')
  assert.deepEqual([messages.count, messages.results.length, messages.results[0].text], [41, 41, 'Проба'])
  const [, stopped] = messages.results.filter((e: Json) => e.state === 'failed')
  assert.deepEqual(
    [stopped.kind, stopped.to, stopped.text],
    ['message', stopped.to, `Привет, дом ${Number(stopped.to.slice(-4))}: ${stopped.to}`],
  )
  const one = await get(`/api/outbox/${stopped.id}`)
  assert.deepEqual({ ...one, html: 0, error: 0 }, { ...stopped, html: 0, error: 0 })
  assert.match(one.error, /стоп/i)
  assert.equal((await get('/api/outbox?kind=email')).count, 30)
  const letter = all.find((e: Json) => e.kind === 'email')
  assert.equal((await get(`/api/outbox/${letter.id}`)).text, letter.text)
  const refused = await app.get(`/api/outbox/${stopped.id + 1000}`, { token })
  const bad = await app.get(`/api/outbox?cursor=${Buffer.from('n5').toString('base64url')}`, { token })
  assert.deepEqual([refused.status, bad.status], [404, 400])
})

// Guarantee: what goes to a real gateway does not stand in the outbox.
test('the outbox is that of the sandbox', async () => {
  await using app = await startApp({ GATEWAY_URL: 'http://127.0.0.1:9' }, options)
  const token = await logInAdmin(app)
  await fill(app)
  const { body } = await app.get('/api/outbox?page_size=100', { token })
  assert.deepEqual([body.count, body.results.length], [30, 30])
  assert.equal((await app.get('/api/outbox?kind=message', { token })).body.count, 0)
})
