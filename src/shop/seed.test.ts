import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drainJobs, logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'
import { addProduct, bought } from '../../test/shop.ts'
import { accounts } from '../accounts/index.ts'
import { shop } from './index.ts'
import { categories, statuses } from './schemas.ts'
import { seed } from './seed.ts'

// Guarantee: the seed makes products of every category and orders of every status that stand up to the audit, the same
// for the same number, and living orders go on from there.
test('the seed', async () => {
  const fill = async (app: TestApp, locale: 'ru' | 'en') => {
    const context = { locale, seed: 42, progress() {} }
    await accounts.seed!.run(app.platform, { users: 20 }, context)
    await seed.run(app.platform, { products: 60, orders: 2000 }, context)
    await app.audit()
  }
  await using app = await startApp()
  await using same = await startApp()
  await using english = await startApp()
  await fill(app, 'ru')
  await fill(same, 'ru')
  await fill(english, 'en')
  const all = async (of: typeof app, text: string) => (await of.platform.pool.query(text)).rows
  const digest = `select name, price, stock from shop.products order by id`
  const sums = `select status, count(*) n, sum(total_price) total from shop.orders group by status order by status`
  assert.deepEqual(await all(app, digest), await all(same, digest))
  assert.deepEqual(await all(app, sums), await all(same, sums))
  assert.deepEqual(
    (await all(app, sums)).map((r) => r.status),
    [...statuses].sort(),
  )
  const found = await all(app, 'select distinct category from shop.products')
  assert.deepEqual(found.map((r) => r.category).sort(), [...categories].sort())
  assert.ok((await all(app, 'select name from shop.products')).every((r) => /[а-яё]/i.test(r.name)))
  assert.ok((await all(english, 'select name from shop.products')).every((r) => !/[а-яё]/i.test(r.name)))
  assert.equal(
    (
      await all(
        app,
        'select id from (select id, created_at, lag(created_at) over (order by id) b from shop.orders) t where b > created_at',
      )
    ).length,
    0,
  )

  // The demonstration has documents of the newest orders.
  await shop.demonstrate!(app.platform)
  await drainJobs(app)
  assert.equal((await all(app, 'select count(*) n from shop.orders where document is not null'))[0].n, 20)

  const admin = await logInAdmin(app)
  const anna = await person(app)
  const { id } = await addProduct(app, admin)
  await bought(app, anna.token, [id, 1])
  await app.audit()
})
