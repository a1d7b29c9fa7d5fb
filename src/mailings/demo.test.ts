import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApp } from '../../test/harness.ts'
import { demonstrate } from './demo.ts'
import { seed } from './seed.ts'

// Guarantee: the demonstration has mailings that are over with a few errors, one that has two hours to go, and one that waits
// for tomorrow, all of them sound.
test('the demonstration has mailings in every state', async () => {
  await using app = await startApp({}, { worker: false })
  await seed.run(app.platform, { clients: 180, mailings: 3, messages: 540 }, { locale: 'ru', seed: 42, progress() {} })
  await demonstrate(app.platform)
  await app.audit()
  const { rows } = await app.platform.pool.query(`
    select l.status, c.total, c.error > 0 failed, (select max(due_at) - now() between '119 minutes' and '2 hours' from mailings.messages m
      where m.id between l.first_message_id and l.last_message_id and m.mailing_id = l.id) slow
    from mailings.mailings l left join (
      select mailing_id, sum(total) total, sum(error) error from mailings.counters group by 1) c on c.mailing_id = l.id order by l.id`)
  assert.deepEqual(rows, [
    ...Array.from({ length: 3 }, () => ({ status: 'finished', total: 180, failed: true, slow: false })),
    { status: 'running', total: 180, failed: false, slow: true },
    { status: 'scheduled', total: null, failed: null, slow: null },
  ])
})
