import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import {
  type Answer,
  eventually,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from './harness.ts'
import { addProduct, buy } from './shop.ts'

let app: TestApp
let anna: Person
before(async () => {
  app = await startApp()
  anna = await person(app)
})
after(() => app[Symbol.asyncDispose]())

const newCollect = async (): Promise<number> =>
  (
    await app.post(
      '/api/collects',
      { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' },
      { token: anna.token },
    )
  ).body.id
const pay = (body: Json, key?: string) =>
  app.post(
    '/api/payments',
    { amount: 1, ...body },
    { token: anna.token, headers: key ? { 'idempotency-key': key } : {} },
  )
const told = (answers: Answer[]) => answers.map((a) => a.body.errors?.[0].code ?? a.body.code ?? a.status)
const count = async (text: string, values: unknown[] = []) =>
  Number((await app.platform.pool.query(`select count(*) n from ${text}`, values)).rows[0].n)

/** Runs something while somebody outside holds a lock; it ends the lock, or the end of this does. */
async function whileLocked<T>(lock: string, id: number, work: (locker: pg.Client) => Promise<T>): Promise<T> {
  const locker = new pg.Client({ connectionString: app.databaseUrl })
  await locker.connect()
  try {
    await locker.query('begin')
    await locker.query(`select from ${lock} where id = $1 for update`, [id])
    return await work(locker)
  } finally {
    await locker.end()
  }
}

// Guarantee: long transactions that have changed something of a list, as imports and hand edits, hold up nobody who changes
// something else of it.
test('a held stamp of a list holds nobody', async () => {
  const id = await newCollect()
  const { pool } = app.platform
  await pool.query(
    `insert into platform.stamps (scope, shard) select 'collects', generate_series(0, 15) on conflict do nothing`,
  )
  const locker = new pg.Client({ connectionString: app.databaseUrl })
  await locker.connect()
  try {
    await locker.query('begin')
    // All but one, and that is none of ours where there is such a one.
    await locker.query(`
      select from platform.stamps where scope = 'collects' and shard <> (
        select n from generate_series(0, 15) n order by n in (select pid % 16 from pg_stat_activity), n limit 1) for update`)
    const answers = await Promise.all(Array.from({ length: 30 }, () => pay({ collect: id })))
    assert.deepEqual([...new Set(told(answers))], [201])
  } finally {
    await locker.end()
  }
})

// Guarantee: calls that want a locked row wait beside the batches: neighbours, in the same batch and after it, are done
// before the first of them gives up; then they hear 503, have changed nothing, and their keys are free.
test('a crowd before a locked collect holds no neighbour', async () => {
  const [held, free] = [await newCollect(), await newCollect()]
  const crowd = await whileLocked('collects.collects', held, async () => {
    let gaveUp = 0
    const waiting = Array.from({ length: 300 }, async (_, i) => {
      const answer = await pay({ collect: held }, `crowd-${i}`)
      gaveUp++
      return answer
    })
    const neighbours = Array.from({ length: 10 }, () => pay({ collect: free }))
    assert.deepEqual(told(await Promise.all(neighbours)), Array(10).fill(201))
    assert.deepEqual(told([await pay({ collect: free })]), [201])
    assert.equal(gaveUp, 0, 'a neighbour waited longer than the crowd')
    return Promise.all(waiting)
  })
  assert.deepEqual([...new Set(told(crowd))], ['request.busy'])
  assert.ok(crowd.every((a) => a.status === 503 && Number(a.headers.get('retry-after')) > 0))
  assert.equal(await count('collects.payments where collect_id = $1', [held]), 0)
  assert.equal(await count(`platform.idempotency where key like 'crowd-%'`), 0)
  const [again, replayed] = [await pay({ collect: held }, 'crowd-7'), await pay({ collect: held }, 'crowd-7')]
  assert.deepEqual([again.status, replayed.text], [201, again.text])
  await app.audit()
})

// Guarantee: nor does a stamp of one collect that a hand edit holds: only who gives to that collect waits.
test('a held stamp of a collect holds no neighbour', async () => {
  const [held, free] = [await newCollect(), await newCollect()]
  assert.equal((await pay({ collect: held })).status, 201)
  const locker = new pg.Client({ connectionString: app.databaseUrl })
  await locker.connect()
  try {
    await locker.query('begin')
    // As when somebody corrects a comment by hand, and has gone to lunch.
    await locker.query(`update collects.payments set comment = 'поправлено' where collect_id = $1`, [held])
    let gaveUp = 0
    const crowd = Array.from({ length: 60 }, async () => {
      const answer = await pay({ collect: held })
      gaveUp++
      return answer
    })
    const neighbours = await Promise.all(Array.from({ length: 10 }, () => pay({ collect: free })))
    assert.deepEqual(told(neighbours), Array(10).fill(201))
    assert.equal(gaveUp, 0, 'a neighbour waited longer than the crowd')
    assert.deepEqual([...new Set(told(await Promise.all(crowd)))], ['request.busy'])
  } finally {
    await locker.end()
  }
  assert.equal(await count('collects.payments where collect_id = $1', [held]), 1)
  await app.audit()
})

// Guarantee: a crowd that holds every connection of the pool, before a locked row or for any other reason, holds up no
// payment and no answer from the cache.
test('a full pool holds up no payment', async () => {
  const collect = await newCollect()
  const { pool } = app.platform
  const taken = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()))
  try {
    assert.equal((await pay({ collect })).status, 201)
    assert.equal((await app.get(`/api/collects/${collect}`)).body.payments_count, 1)
  } finally {
    for (const client of taken) client.release()
  }
})

// Guarantee: whoever waits for a row gets it when it is let go in time, orders of several goods among them.
test('a row that is let go is got', async () => {
  const admin = await logInAdmin(app)
  const held = (await addProduct(app, admin, { stock: 5 })).id
  const free = (await addProduct(app, admin, { stock: 100 })).id
  const orders = await whileLocked('shop.products', held, async (locker) => {
    const waiting = Array.from({ length: 8 }, () =>
      buy(app, anna.token, [
        [free, 1],
        [held, 1],
      ]),
    )
    assert.equal((await buy(app, anna.token, [[free, 1]])).status, 201)
    await locker.query('rollback')
    return Promise.all(waiting)
  })
  assert.deepEqual(told(orders).sort(), [...Array(5).fill(201), ...Array(3).fill('shop.short_stock')])
  await app.audit()
})

// Guarantee: a call that breaks its batch fails alone.
test('one bad call fails alone', async () => {
  const id = await newCollect()
  await app.platform.pool.query(`
    create function public.boom() returns trigger language plpgsql as $$
      begin if new.comment = 'boom' then raise 'boom'; end if; return new; end $$;
    create trigger boom before insert on collects.payments for each row execute function public.boom()`)
  try {
    const answers = await whileLocked('collects.collects', id, async (locker) => {
      // All come into one batch behind this one, which waits.
      const calls = Array.from({ length: 33 }, (_, i) => pay({ collect: id, comment: i === 21 ? 'boom' : '' }))
      await locker.query('rollback')
      return Promise.all(calls)
    })
    const failed = answers.flatMap((a, i) => (a.status === 201 ? [] : [`${i} ${a.status}`]))
    assert.deepEqual(failed, ['21 500'])
  } finally {
    await app.platform.pool.query('drop function public.boom() cascade')
  }
  await app.audit()
})

// Guarantee: of calls with one Idempotency-Key the first that is accepted decides. A refused one stores nothing, says
// nothing of a replay and leaves the key to the next; 422 stands only against a stored answer.
test('a refused rival does not take the key', async () => {
  const [id, other] = [await newCollect(), await newCollect()]
  const { rivals, honest, refused } = await whileLocked('collects.collects', other, async (locker) => {
    // What comes while this one waits stands in one batch.
    const first = pay({ collect: other })
    const calls = [1, 2, 3].map((round) => ({
      rivals: [pay({ collect: 999_999 }, `rival-${round}`), pay({ collect: 999_998 }, `rival-${round}`)],
      honest: Array.from({ length: 5 }, () => pay({ collect: id, amount: round }, `rival-${round}`)),
      refused: Array.from({ length: 3 }, () => pay({ collect: 999_999 }, `refused-${round}`)),
    }))
    await locker.query('rollback')
    await first
    const all = async (of: 'rivals' | 'honest' | 'refused') =>
      Promise.all(calls.map((call) => Promise.all(call[of] as Promise<Answer>[])))
    return { rivals: await all('rivals'), honest: await all('honest'), refused: await all('refused') }
  })
  for (const answers of honest) {
    assert.deepEqual(told(answers), Array(5).fill(201))
    assert.equal(new Set(answers.map((a) => a.text)).size, 1)
    assert.equal(answers.filter((a) => a.headers.get('idempotent-replayed')).length, 4)
  }
  for (const answer of [...rivals, ...refused].flat()) {
    assert.ok(['validation.unknown_id', 'request.key_reused'].includes(told([answer])[0]), answer.text)
    assert.equal(answer.headers.get('idempotent-replayed'), null)
  }
  for (const answers of refused) assert.deepEqual(told(answers), Array(3).fill('validation.unknown_id'))
  assert.equal((await app.get(`/api/collects/${id}`)).body.collected_amount, '6.00')
  assert.deepEqual(told([await pay({ collect: other }, 'rival-1')]), ['request.key_reused'])
  await app.audit()
})

// Guarantee: whether a collect is over is decided once its row is got: who waited for it beyond the end is refused, and
// nobody's payment lies behind a close.
test('no payment after the end', async () => {
  const id = await newCollect()
  const { rows } = await app.platform.pool.query(
    `update collects.collects set ends_at = clock_timestamp() + '700 ms' where id = $1 returning ends_at`,
    [id],
  )
  const late = await whileLocked('collects.collects', id, async (locker) => {
    const payment = pay({ collect: id })
    await eventually('the end has come', async () => {
      const clock = await app.platform.pool.query('select $1::timestamptz < clock_timestamp() as past', [
        rows[0].ends_at,
      ])
      return clock.rows[0].past
    })
    await locker.query('rollback')
    return payment
  })
  assert.deepEqual(told([late]), ['collects.over'])

  const other = await newCollect()
  await whileLocked('collects.collects', other, async (locker) => {
    const closing = app.post(`/api/collects/${other}/close`, {}, { token: anna.token })
    await eventually('the close waits', () =>
      count(`pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
    )
    await locker.query(`
      with p as (insert into collects.payments (collect_id, payer_id, amount, transaction_id)
        values (${other}, ${anna.id}, 1, 'at the last moment'))
      update collects.collects set collected_amount = 1, payments_count = 1, donors_count = 1 where id = ${other}`)
    await locker.query('commit')
    assert.equal((await closing).status, 200)
  })
  await app.audit()
})
