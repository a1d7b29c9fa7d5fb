import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modules } from '../src/app.ts'
import { seedModules } from '../src/seed.ts'
import { type Json, startApp } from './harness.ts'
import { planOf, statementsOf } from './plans.ts'
import { size } from './size.ts'

const amounts = { users: size(200, 1000), collects: size(50, 1000), payments: size(30_000, 1_000_000) }

// Guarantee: a large seed is consistent, and the lists over it stay fast: a page of a feed by cursor reads as many rows
// at its end as at its beginning, which the plan shows.
test('a seeded installation is sound and its feeds are walked by index', { timeout: 1_200_000 }, async () => {
  await using app = await startApp({}, { worker: false })
  const began = performance.now()
  await seedModules(app.platform, modules, { ...amounts, products: 50, orders: 200 }, () => {})
  process.stderr.write(`${amounts.payments} payments seeded in ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  await app.audit()
  const { rows: shares } = await app.platform.pool.query(`
    select avg((amount < 501)::int)::float8 small, avg((amount between 501 and 1999)::int)::float8 medium,
      avg((amount between 2000 and 9999)::int)::float8 large, avg((amount >= 10000)::int)::float8 whale from collects.payments`)
  // 500.00 is both the largest small gift and the smallest medium one, so the two are told apart loosely.
  assert.ok(shares[0].small > 0.45 && shares[0].small < 0.55)
  assert.ok(shares[0].large > 0.13 && shares[0].large < 0.17)
  assert.ok(shares[0].whale > 0.04 && shares[0].whale < 0.06)

  const { rows } = await app.platform.pool.query(
    'select id, payments_count n from collects.collects order by payments_count desc limit 1',
  )
  const feed = (query = '') => app.get(`/api/collects/${rows[0].id}/payments?page_size=100${query}`)
  const first = await feed()
  assert.equal(first.body.count, rows[0].n)
  let seen = 0
  let lastPath = ''
  for (let path: string | null = first.body.next && `/api/collects/${rows[0].id}/payments?page_size=100`; path; ) {
    const { body } = await app.get(path)
    seen += body.results.length
    lastPath = path
    path = body.next
  }
  assert.equal(seen, rows[0].n)

  await app.platform.pool.query('vacuum analyze collects.payments')
  // The plans of the statement that the feed runs, at its first and at its last page; of another size, for those are kept.
  const plan = async (path: string) => {
    const asked = await statementsOf(() => app.get(path.replace('page_size=100', 'page_size=99')))
    const [statement] = asked.filter((s) => s.text.includes('from collects.payments p'))
    const explain = 'explain (analyze, buffers, format json)'
    const [lines] = (await planOf(app.platform.pool, statement!, { explain })) as Json[]
    const root = lines[0].Plan
    return { text: JSON.stringify(root), blocks: root['Shared Hit Blocks'] + root['Shared Read Blocks'] }
  }
  const begin = await plan(`/api/collects/${rows[0].id}/payments?page_size=100`)
  const end = await plan(lastPath)
  assert.match(begin.text, /payments_feed_idx/)
  assert.doesNotMatch(begin.text, /"Node Type":"Sort"/)
  assert.doesNotMatch(end.text, /Seq Scan[^}]{0,200}"payments"/)
  assert.ok(end.blocks <= 2 * begin.blocks, `the last page reads ${end.blocks} blocks, the first ${begin.blocks}`)
})

// Guarantee: the same seed gives the same data.
test('a seed is repeatable', async () => {
  const make = async () => {
    await using app = await startApp({}, { worker: false })
    await seedModules(
      app.platform,
      modules,
      { users: 20, collects: 5, payments: 300, products: 5, orders: 10 },
      () => {},
    )
    const { rows } = await app.platform.pool.query(`
      select (select json_agg(json_build_array(username, full_name, phone, invite_code) order by id) from accounts.users where username <> 'admin') people,
        (select json_agg(json_build_array(title, occasion, target_amount, author_id) order by id) from collects.collects) collects,
        (select json_agg(json_build_array(collect_id, payer_id, amount, comment, is_anonymous) order by id) from collects.payments) payments`)
    return rows[0]
  }
  assert.deepEqual(await make(), await make())
})
