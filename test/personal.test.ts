import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApp } from './harness.ts'

const kinds = ['name', 'phone', 'email', 'address', 'contact', 'none']

// Guarantee: no column that looks like personal data is without a mark, which export, deletion and masks build on.
test('every column that looks personal says what it is', async () => {
  await using app = await startApp({}, { worker: false })
  const { rows } = await app.platform.pool.query<{ name: string; mark: string | null }>(`
    select format('%s.%s.%s', n.nspname, c.relname, a.attname) name,
      (regexp_match(col_description(c.oid, a.attnum), '^personal: (\\w+)'))[1] mark
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      and n.nspname not in ('pg_catalog', 'information_schema', 'pgboss', 'public')
      and (a.attname ~ '(^|_)(name|username|patronymic|phone|e?mail|address|contact|to)(_|$)'
        or col_description(c.oid, a.attnum) like 'personal:%')`)
  assert.ok(rows.length >= 10)
  assert.deepEqual(
    rows.filter((r) => !r.mark || !kinds.includes(r.mark)).map((r) => r.name),
    [],
  )
})
