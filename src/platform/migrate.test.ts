import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { makeCrowd } from '../../test/crowd.ts'
import { cloneDatabase, startProcess } from '../../test/harness.ts'
import { MigrationError, migrate, migrationsFolder, statementsOf } from './migrate.ts'

/** A migrated database, and the migrations of a version to come: ours and what `add` puts beside them. */
async function future() {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-migrations-')), (f) => rmSync(f, { recursive: true }))
  const pool = stack.adopt(new pg.Pool({ connectionString: database.url, max: 1 }), (p) => p.end())
  cpSync(migrationsFolder, folder, { recursive: true })
  const owned = stack.move()
  return {
    url: database.url,
    folder,
    pool,
    add: (name: string, text: string) => writeFileSync(join(folder, name), text),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

// Guarantee: this code starts, migrates and serves beside a newer schema that says it is compatible, and leaves it as it is.
test('a newer, compatible schema is served', async () => {
  await using next = await future()
  next.add(
    '9001_newer.sql',
    `-- compatible: notes on collects; who does not know them writes none.
alter table collects.collects add column note text not null default '';
create table collects.notes (id bigint generated always as identity primary key, note text not null);`,
  )
  assert.deepEqual(await migrate(next.url, next.folder), { ran: ['9001_newer.sql'], newer: [] })
  await next.pool.query(`update pgboss.queue set retry_limit = 7 where name = 'collects.created_mail'`)
  await using once = await startProcess(['migrate'], { DATABASE_URL: next.url })
  assert.equal(await once.exited, 0, once.output())
  assert.match(once.output(), /The database is newer, beside which this version can run: 9001_newer\.sql\./)

  const [member] = await makeCrowd(next.url, 1)
  await using server = await startProcess(['start'], { DATABASE_URL: next.url })
  const api = await server.ready()
  assert.match(server.output(), /9001_newer\.sql.*newer version, beside which this one can run/)
  const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  const { body, status, text } = await api.post('/api/collects', collect, { headers: member!.headers })
  assert.equal(status, 201, text)
  assert.equal(
    (await api.post('/api/payments', { collect: body.id, amount: 5 }, { headers: member!.headers })).status,
    201,
  )
  assert.equal((await api.get(`/api/collects/${body.id}`)).body.collected_amount, '5.00')
  const { rows } = await next.pool.query(
    `select (select count(*)::int from public.dvor_migrations where name like '9%') ran,
       (select retry_limit from pgboss.queue where name = 'collects.created_mail') tries`,
  )
  assert.deepEqual(rows, [{ ran: 1, tries: 7 }])
})

// Guarantee: a newer schema that would break this code, or says nothing of it, stops its start in words; nothing is changed.
test('a newer, breaking schema is refused', async () => {
  await using next = await future()
  next.add('9001_newer.sql', '-- compatible: nothing that matters.\ncreate table collects.notes (id int);')
  next.add(
    '9002_breaking.sql',
    '-- breaking: the amounts of payments are in kopecks.\ncreate table collects.kopecks (id int);',
  )
  next.add('9003_silent.sql', '-- Some table.\ncreate table collects.some (id int);')
  const { ran } = await migrate(next.url, next.folder)
  assert.equal(ran.length, 3)
  for (const command of ['migrate', 'api', 'worker']) {
    await using process = await startProcess([command], { DATABASE_URL: next.url })
    assert.equal(await process.exited, 1, command)
    assert.match(
      process.output(),
      /migrated by a newer Dvor, beside which this one cannot run: 9002_breaking\.sql \(the amounts of payments are in kopecks\.\), 9003_silent\.sql \(it does not say that older code can run beside it\)\. Start the newer Dvor/,
    )
    assert.doesNotMatch(process.output(), /at .*\.ts:|9001/)
  }
})

// Guarantee: of processes that migrate at once each migration is run by one, whole or not at all, and a changed file is told.
test('migrations run once, in their order, each whole', async () => {
  await using next = await future()
  next.add(
    '9001_first.sql',
    '-- compatible: one.\ncreate table public.steps (n int);\ninsert into public.steps values (1);',
  )
  next.add('9002_second.sql', '-- compatible: two.\ninsert into public.steps values (2);\nselect pg_sleep(0.2);')
  const done = await Promise.all(Array.from({ length: 4 }, () => migrate(next.url, next.folder)))
  assert.deepEqual(done.flatMap(({ ran }) => ran).sort(), ['9001_first.sql', '9002_second.sql'])
  next.add('9003_broken.sql', '-- compatible: three.\ninsert into public.steps values (3);\nselect 1 / 0;')
  await assert.rejects(migrate(next.url, next.folder), /9003_broken\.sql failed: division by zero/)
  assert.deepEqual((await next.pool.query('select n from public.steps order by n')).rows, [{ n: 1 }, { n: 2 }])
  rmSync(join(next.folder, '9003_broken.sql'))
  next.add('9002_second.sql', '-- compatible: two.\nselect 2;')
  await assert.rejects(migrate(next.url, next.folder), MigrationError)
})

// Guarantee: a migration waits a few seconds for a table that somebody holds, then says so and has changed nothing; it waits
// for other migrations as long as they take.
test('a migration does not wait for a table for ever', async () => {
  await using next = await future()
  next.add('9001_waits.sql', '-- compatible: one.\nalter table collects.collects add column note text;')
  const holder = await next.pool.connect()
  await holder.query('begin; lock table collects.collects in access share mode')
  await assert.rejects(
    migrate(next.url, next.folder),
    (error: Error) =>
      error instanceof MigrationError && /9001_waits\.sql did not get a table within 5s/.test(error.message),
  )
  await holder.query('rollback')
  holder.release()
  assert.deepEqual((await migrate(next.url, next.folder)).ran, ['9001_waits.sql'])
})

// Guarantee: a file is sent statement by statement, and none is cut at a semicolon that does not end it.
test('a file is taken apart into its statements', () => {
  const text = `-- a; comment
select ';', e'\\';', "a;b" /* ; */ from t; -- ;
;
create function f() returns trigger language plpgsql as $body$ begin perform $$;$$; return null; end $body$;
do $$ begin null; end $$
-- the end;`
  assert.deepEqual(
    statementsOf(text).map((statement) => statement.split('\n').length),
    [2, 3, 2],
  )
  assert.ok(statementsOf(text)[1]!.endsWith('$body$'))
  for (const name of readdirSync(migrationsFolder)) {
    const whole = readFileSync(join(migrationsFolder, name), 'utf8')
    const bare = (sql: string) => sql.replace(/--[^\n]*|\s|;/g, '')
    assert.equal(bare(statementsOf(whole).join('')), bare(whole), name)
  }
})

// Guarantee: every migration says whether older code can run beside it.
test('a migration says what it breaks', () => {
  const before = [
    '0001_platform.sql',
    '0002_accounts.sql',
    '0003_collects.sql',
    '0004_shop.sql',
    '0006_accounts_second.sql',
    '0009_loops.sql',
    '0010_names.sql',
  ]
  for (const name of readdirSync(migrationsFolder).filter((name) => !before.includes(name)))
    assert.match(readFileSync(join(migrationsFolder, name), 'utf8'), /^-- (compatible|breaking): \S/, name)
})
