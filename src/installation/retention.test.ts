import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startApp } from '../../test/harness.ts'
import { dataFolder } from '../platform/config.ts'
import { migrateJobs } from '../platform/jobs.ts'
import { keepLimits } from './retention.ts'

// Guarantee: what is older than the settings say goes, file and row, past a row that somebody holds; the rest stays.
test('what is kept too long goes', async () => {
  await using app = await startApp(
    {
      RETENTION_OUTBOX_DAYS: '10',
      RETENTION_AUDIT_DAYS: '20',
      RETENTION_STAMPS_DAYS: '30',
      RETENTION_ANSWERS_HOURS: '48',
    },
    { worker: false },
  )
  const { pool } = app.platform
  await pool.query(`
    delete from platform.stamps; delete from platform.audit_log;
    insert into platform.outbox (key, kind, "to", text, created_at)
      select 'letter-' || d, 'email', 'a@example.org', 'x', now() - make_interval(days => d) from generate_series(1, 2500) d;
    insert into platform.audit_log (action, subject, at)
      select 'a', 'b', now() - make_interval(days => d) from generate_series(1, 2500) d;
    insert into platform.stamps (scope, changed_at)
      select 'collect:' || d, now() - make_interval(days => d) from generate_series(1, 2500) d;
    insert into platform.stamps (scope, changed_at) values ('collects', now() - interval '9 years');
    insert into platform.idempotency (user_id, route, key, request_hash, body, created_at)
      select 1, 'r', h::text, '', '{}', now() - make_interval(hours => h) from generate_series(1, 2500) h;
    insert into platform.attempts (subject, at, expires_at) select 's' || n, now(), now() - interval '1 s' from generate_series(1, 1500) n`)
  const letter = (day: number) => join(dataFolder(app.config, 'emails'), `letter-${day}.eml`)
  for (const day of [9, 11, 2400, 2500]) writeFileSync(letter(day), 'x')

  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query(`select from platform.stamps where scope = 'collect:2500' for update`)
  await holder.query(`select from platform.outbox where key = 'letter-2400' for update`)
  await keepLimits(app.platform, new AbortController().signal)
  await holder.query('rollback')
  holder.release()

  const left = async (sql: string) => (await pool.query(sql)).rows[0]
  assert.deepEqual(
    {
      outbox: await left('select count(*) n, max(key) last from platform.outbox'),
      audit: await left('select count(*) n from platform.audit_log'),
      stamps: await left(`select count(*) n, bool_or(scope = 'collects') list from platform.stamps`),
      answers: await left('select count(*) n from platform.idempotency'),
      attempts: await left('select count(*) n from platform.attempts'),
    },
    {
      // And here too.
      outbox: { n: 10, last: 'letter-9' },
      audit: { n: 19 },
      // Twenty-nine, the list, and the one that somebody held.
      stamps: { n: 31, list: true },
      answers: { n: 47 },
      attempts: { n: 0 },
    },
  )
  assert.deepEqual([9, 11, 2400, 2500].map(letter).map(existsSync), [true, false, true, false])
})

// Guarantee: queues keep finished jobs, and dead ones, as long as they are told.
test('jobs are kept as long as the settings say', async () => {
  await using app = await startApp({}, { worker: false })
  const kinds = { 'shop.document': { handle: async () => [] } }
  await migrateJobs(app.databaseUrl, kinds, { finishedDays: 3, failedDays: 40 })
  const { rows } = await app.platform.pool.query(
    `select name, deletion_seconds / 86400 finished, retention_seconds / 86400 waiting from pgboss.queue
     where name in ('dead', 'shop.document') order by name`,
  )
  assert.deepEqual([rows[0].waiting, rows[1].finished], [40, 3])
})
