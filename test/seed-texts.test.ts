import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modules } from '../src/app.ts'
import { type Occasion, seedWords } from '../src/collects/seed-words.ts'
import { demonstrate } from '../src/demo.ts'
import { seedModules } from '../src/seed.ts'
import { startApp } from './harness.ts'

type Row = {
  title: string
  description: string
  occasion: Occasion
  target_amount: string | null
  collected_amount: string
  payments_count: number
  days: number
  ends_at: string
  comments: string[] | null
  spread: number | null
}
const rowsOf = `
  select title, description, occasion, target_amount, collected_amount, payments_count,
    extract(epoch from ends_at - created_at)::float8 / 86400 days, ends_at, p.comments,
    p.span / extract(epoch from least(now(), ends_at) - created_at)::float8 spread
  from collects.collects c left join lateral (
    select array_agg(distinct comment) filter (where comment <> '') comments,
      extract(epoch from max(created_at) - min(created_at))::float8 span
    from collects.payments where collect_id = c.id) p on true`

for (const locale of ['ru', 'en'] as const) {
  // Guarantee: of a seeded collect title, description, comments, dates and sums fit its occasion and each other.
  test(`what is seeded fits (${locale})`, async () => {
    await using app = await startApp({ LOCALE: locale }, { worker: false })
    const amounts = { users: 60, collects: 80, payments: 4000, products: 1, orders: 1, locale }
    await seedModules(app.platform, modules, amounts, () => {})
    const { rows } = await app.platform.pool.query<Row>(rowsOf)
    assert.equal(rows.length, 80)
    for (const row of rows) {
      const what = `${row.occasion}: ${row.title}`
      const { themes, comments, days, aim } = seedWords[locale][row.occasion]
      const theme = themes.find((t) => t.description === row.description)
      assert.ok(theme, what)
      const pattern = theme.title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\\\{\w+\\\}/g, '.+')
      assert.match(row.title, new RegExp(`^${pattern}$`), what)
      assert.doesNotMatch(row.title, /[{}]/)
      assert.deepEqual(
        (row.comments ?? []).filter((c) => !comments.includes(c)),
        [],
        what,
      )
      if (row.occasion === 'new_year') {
        assert.match(row.ends_at, /-12-31T/)
        if (/\d{4}/.test(row.title)) assert.ok(row.title.includes(String(Number(row.ends_at.slice(0, 4)) + 1)), what)
      } else assert.ok(row.days > days[0] - 0.01 && row.days < days[1] + 0.01, `${what}: ${row.days} days`)
      if (aim) assert.ok(row.target_amount, what)
      if (row.target_amount && row.payments_count > 20)
        assert.ok(Number(row.collected_amount) < 1.15 * Number(row.target_amount), what)
      if (row.payments_count > 20)
        assert.ok(row.spread! > 0.9, `${what}: its gifts came within ${row.spread} of its time`)
    }
    await app.audit()
  })
}

// Guarantee: a funeral has no cheerful words, in title, description or comments.
test('a funeral is quiet', () => {
  for (const locale of ['ru', 'en'] as const) {
    const { themes, comments, days } = seedWords[locale].funeral
    const all = [...comments, ...themes.flatMap((t) => [t.title, t.description])]
    for (const text of all) assert.doesNotMatch(text, /!|иде|затея|great|idea|ура/i, text)
    assert.ok(days[1] <= 40)
  }
})

// Guarantee: the demonstration is a house with a name and requisites that hold, and its invariants do too.
test('the demonstration has a name and requisites', async () => {
  await using app = await startApp({}, { worker: false })
  await demonstrate(app.platform, modules)
  const { body } = await app.get('/api/organisation')
  assert.equal(body.name, 'Дом на Садовой, 12')
  const login = await app.post('/api/auth/login', { username: 'admin', password: 'the-admin-of-tests' })
  const { requisites } = (await app.get('/api/organisation', { token: login.body.access })).body
  assert.ok(requisites.inn && requisites.bic && requisites.account && requisites.correspondent_account)
  // Given again, they are accepted: their control digits hold.
  const again = await app.call('PATCH', '/api/organisation', { body: { requisites }, token: login.body.access })
  assert.equal(again.status, 200, again.text)
  await app.audit()
})
