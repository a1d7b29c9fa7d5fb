import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drainJobs, type Json, logInAdmin, startApp } from '../../test/harness.ts'
import { askDailyLetter } from './daily.ts'

const signal = new AbortController().signal

// Guarantee: from eight in the morning of the installation's zone one letter a day goes to STATS_MAIL_TO, however many ask for
// it, with the figures of the day before; nothing goes before eight, and a day on which nobody was there at eight has its
// letter later.
test('statistics are mailed once a day', async () => {
  await using app = await startApp(
    { TIMEZONE: 'Asia/Omsk', STATS_MAIL_TO: 'chief@example.org', LOCALE: 'ru' },
    { loops: false },
  )
  const token = await logInAdmin(app)
  const { pool } = app.platform
  // Two sent on the 20th of November in Omsk, one a moment before it, one a moment after; one error.
  await pool.query(`
    insert into mailings.mailings (text, starts_at, ends_at, status, started_at, finished_at)
    values ('Воды <завтра> не будет', '2026-11-19T17:00Z', '2026-11-21T00:00Z', 'finished', '2026-11-19T17:00Z', '2026-11-20T18:30Z'),
      ('Старая', '2026-11-01T17:00Z', '2026-11-02T00:00Z', 'finished', '2026-11-01T17:00Z', '2026-11-01T18:30Z');
    insert into mailings.messages (mailing_id, phone, operator_code, status, due_at, sent_at)
    select l.id, '79990000000', '999', 'sent', now(), now() from (select min(id) id from mailings.mailings) l, generate_series(1, 4);
    insert into mailings.messages (mailing_id, phone, operator_code, status, due_at)
    select min(id), '79990000000', '999', 'error', now() from mailings.mailings;
    insert into mailings.counters (mailing_id, operator_code, total, sent, error) select min(id), '999', 5, 4, 1 from mailings.mailings;
    insert into mailings.minutes (mailing_id, at, sent, error)
    select min(id), at, sent, error from mailings.mailings, (values
      ('2026-11-19T17:59Z'::timestamptz, 1, 0), ('2026-11-19T18:00Z', 1, 1), ('2026-11-20T17:59Z', 1, 0), ('2026-11-20T18:00Z', 1, 0)) t(at, sent, error)
    group by at, sent, error`)
  const letters = async (): Promise<Json[]> => {
    await drainJobs(app)
    return (await app.get('/api/outbox?kind=email&page_size=100', { token })).body.results.filter(
      (e: Json) => e.to === 'chief@example.org',
    )
  }
  const ask = (at: string) => askDailyLetter(app.platform, signal, at)
  await ask('2026-11-21T01:59:59Z')
  assert.equal((await letters()).length, 0)
  await Promise.all(Array.from({ length: 5 }, () => ask('2026-11-21T02:00:00Z')))
  await ask('2026-11-21T17:59:00Z')
  const [letter, ...more] = await letters()
  assert.equal(more.length, 0)
  assert.equal(letter.subject, 'Рассылки за 20 ноября 2026 г.')
  assert.match(letter.text, /отправлено 2, ошибок 1/)
  assert.match(
    letter.text,
    /№ 1\. Воды <завтра> не будет, Всего: 5, Отправлено: 4, Ошибка: 1, Не успели: 0, В работе: 0/,
  )
  assert.doesNotMatch(letter.text, /Старая/)
  const { html } = (await app.get(`/api/outbox/${letter.id}`, { token })).body
  assert.match(html, /<th[^>]*>Отправлено<\/th>/)
  assert.match(html, /<td[^>]*>№ 1\. Воды &#60;завтра&#62; не будет<\/td><td[^>]*>5<\/td>/)
  await ask('2026-11-22T15:00:00Z')
  const next = await letters()
  assert.equal(next.length, 2)
  assert.match(next[0].text, /отправлено 1, ошибок 0/)
  await app.audit()
})

// Guarantee: without an address nothing is asked for, nor are days used up for when there is one.
test('nobody is mailed without an address', async () => {
  await using app = await startApp({ TIMEZONE: 'Asia/Omsk' }, { loops: false })
  await askDailyLetter(app.platform, signal, '2026-11-21T12:00:00Z')
  assert.deepEqual((await app.platform.pool.query('select * from mailings.daily_letters')).rows, [])
  assert.equal(
    await app.platform.jobs.queues().then((all) => all.find((q) => q.name === 'mailings.statistics')?.waiting),
    0,
  )
})
