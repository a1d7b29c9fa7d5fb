import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seed } from '../src/mailings/seed.ts'
import { type Json, logInAdmin, startApp } from './harness.ts'
import { planOf, statementsOf } from './plans.ts'
import { size } from './size.ts'

const messages = size(20_000, 1_000_000)

// Guarantee: a seed of a million messages is sound; statistics of them read no message, and a page of messages, the first and
// one far in, by any status, reads about as many rows as it shows, which the plans say.
test('messages are counted by counters and walked by index', { timeout: 1_200_000 }, async () => {
  await using app = await startApp({}, { worker: false })
  const token = await logInAdmin(app)
  const began = performance.now()
  const context = { locale: 'ru', seed: 42, progress() {} } as const
  await seed.run(app.platform, { clients: messages / 4, mailings: 4, messages }, context)
  process.stderr.write(`${messages} messages seeded in ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  await app.audit()
  const { pool } = app.platform
  await pool.query('vacuum analyze mailings.messages')
  const get = async (path: string): Promise<Json> => {
    const answer = await app.get(path, { token })
    assert.equal(answer.status, 200, answer.text)
    return answer.body
  }
  const { rows } = await pool.query('select id from mailings.mailings order by id')
  const id = rows[1].id
  const counted = await statementsOf(async () => {
    assert.equal((await get('/api/mailings/stats')).messages.total, messages)
    assert.equal((await get(`/api/mailings/${id}/stats`)).counts.total, messages / 4)
  })
  assert.deepEqual(
    counted.filter((s) => s.text.includes('mailings.messages')),
    [],
  )
  for (const status of ['', 'sent', 'error', 'expired', 'processing']) {
    let path = `/api/mailings/${id}/messages?page_size=50${status && `&status=${status}`}`
    for (let page = 0; page < 5 && path; page++) {
      let next = ''
      const asked = await statementsOf(async () => {
        next = (await get(path)).next
      })
      path = next
      const [statement] = asked.filter((s) => /from mailings\.messages m where/.test(s.text))
      // What is small is read whole by sorts and scans that a million rows forbid.
      const [lines] = (await planOf(pool, statement!, {
        explain: 'explain (analyze, buffers, format json)',
        without: ['seqscan'],
      })) as Json[]
      const plan = lines[0].Plan
      const blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
      assert.doesNotMatch(JSON.stringify(plan), /"Seq Scan"/)
      assert.ok(blocks < 500, `page ${page} of ${status || 'all'} reads ${blocks} blocks: ${JSON.stringify(plan)}`)
    }
  }
})
