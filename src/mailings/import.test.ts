import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { eventually, type Json, logInAdmin, person, startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
let admin: string
before(async () => {
  app = await startApp({ TIMEZONE: 'Asia/Omsk' }, { worker: false })
  admin = await logInAdmin(app)
})
after(() => app[Symbol.asyncDispose]())

function inWindows1251(text: string): Uint8Array<ArrayBuffer> {
  const letters = new TextDecoder('windows-1251').decode(Uint8Array.from({ length: 256 }, (_, i) => i))
  return Uint8Array.from(text, (letter) => letters.indexOf(letter))
}
const send = (raw: string | Uint8Array<ArrayBuffer> | FormData, query = '', token = admin, what = 'clients') =>
  app.call('POST', `/api/${what}/import${query}`, {
    raw,
    token,
    headers: raw instanceof FormData ? {} : { 'content-type': 'text/csv' },
  })
const clients = async (prefix: string) =>
  (
    await app.platform.pool.query(
      'select phone, operator_code, tag, timezone from mailings.clients where starts_with(phone, $1) order by phone',
      [prefix],
    )
  ).rows.map((c) => Object.values(c).join(' '))
const numbers = ({ body }: { body: Json }) => [body.created, body.skipped, body.faulty]

const office = `Телефон;Примечание;Тег;Часовой пояс;Код оператора
+7 (901) 000-00-01;да;Ёлки;Europe/Moscow;
8 901 000 00 02;;"двор; 2";;999
9010000003;;;asia/vladivostok;
79010000001;снова;другой;;
`

// Guarantee: a file as an office has it comes in whole: usual heads, usual spellings, windows-1251 or UTF-8; what it does not
// say is the phone's operator and the installation's zone; the same file again changes nothing, in whatever form.
test('clients come from a file, once', async () => {
  const first = await send(inWindows1251(office))
  assert.equal(first.status, 200, first.text)
  assert.deepEqual(numbers(first), [3, 1, 0])
  assert.deepEqual(
    first.body.columns.map((c: Json) => c.field),
    ['phone', null, 'tag', 'timezone', 'operator_code'],
  )
  const made = [
    '79010000001 901 Ёлки Europe/Moscow',
    '79010000002 999 двор; 2 Asia/Omsk',
    '79010000003 901  Asia/Vladivostok',
  ]
  assert.deepEqual(await clients('7901'), made)
  const form = new FormData()
  form.set('file', new Blob([office]), 'clients.csv')
  for (const again of [inWindows1251(office), office, `\ufeff${office.replaceAll('\n', '\r\n')}`, form])
    assert.deepEqual(numbers(await send(again)), [0, 4, 0])
  assert.deepEqual(await clients('7901'), made)
  const plain = await send('timezone,phone\nUTC,79010000009\n')
  assert.deepEqual(numbers(plain), [1, 0, 0])
  const mapped = await send('a\tb\tc\n79010000010\tx\tдвор\n', '?columns=phone,,tag')
  assert.deepEqual(numbers(mapped), [1, 0, 0])
  assert.deepEqual((await clients('79010000010'))[0], '79010000010 901 двор Asia/Omsk')
  const log = await app.get('/api/admin/audit?action=mailings.import_clients', { token: admin })
  assert.deepEqual(
    log.body.results.map((e: Json) => e.after.created),
    [1, 1, 3],
  )
})

// Guarantee: faulty rows are told by line and reason, a hundred of them at most; good ones are kept.
test('faulty rows are told, good ones kept', async () => {
  const answer = await send(
    [
      'phone,operator_code,tag,timezone',
      '79020000001,,,',
      ',902,,',
      '7902000000,,,',
      '7.902E+10,,,',
      '79020000002,90,,',
      `79020000003,,${'х'.repeat(65)},`,
      '79020000004,,,Moscow',
      '79020000005,,,,,',
      `79020000006,,${'🙂'.repeat(64)},`,
      '"79020000007,,,',
    ].join('\n'),
  )
  assert.deepEqual(numbers(answer), [2, 0, 8])
  assert.deepEqual(
    answer.body.errors.map((e: Json) => [e.line, e.field]),
    [
      [3, 'phone'],
      [4, 'phone'],
      [5, 'phone'],
      [6, 'operator_code'],
      [7, 'tag'],
      [8, 'timezone'],
      [9, null],
      [11, null],
    ],
  )
  assert.match(answer.body.errors[5].message, /часового пояса нет/)
  assert.equal((await clients('7902')).length, 2)
  const many = await send(`phone\n${'x\n'.repeat(150)}`)
  assert.deepEqual([numbers(many), many.body.errors.length], [[0, 0, 150], 100])
  const code = async (raw: string, query = '') => {
    const { status, body } = await send(raw, query)
    return [status, body.code]
  }
  assert.deepEqual(await code('tag\nx\n'), [400, 'csv.missing_column'])
  assert.deepEqual(await code('a\nx\n', '?columns=name'), [400, 'csv.unknown_field'])
  assert.deepEqual(await code(''), [400, 'csv.no_head'])
  assert.equal((await send('phone\n79020000011\n', '', (await person(app)).token)).status, 403)
})

// Guarantee: a dry run tells what the file would do, numbers that stand in it twice counted once, and keeps nothing.
test('a dry run keeps nothing', async () => {
  await send('phone\n79030000001\n')
  const file = `phone\n${Array.from({ length: 12_000 }, (_, i) => `7903000${String(i % 6000).padStart(4, '0')}\n`).join('')}x\n`
  const dry = await send(file, '?dry_run=true')
  assert.deepEqual(numbers(dry), [5999, 6001, 1])
  assert.equal((await clients('7903')).length, 1)
  assert.deepEqual({ ...(await send(file)).body, dry_run: true }, dry.body)
})

// Guarantee: of an upload that breaks off in the middle the rows are kept that came in whole chunks, none is cut short, and
// the same file sent again adds the rest.
test('an upload that breaks off leaves nothing half', async () => {
  const rows = Array.from({ length: 12_000 }, (_, i) => `7904${String(i).padStart(7, '0')},904,тег номер ${i}\n`)
  const file = `phone,operator_code,tag\n${rows.join('')}`
  const whole = Buffer.from(file)
  const cut = whole.indexOf('тег номер 11500') + 5
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /api/clients/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\nContent-Type: text/csv\r\nContent-Length: ${whole.length}\r\n\r\n`,
  )
  socket.write(whole.subarray(0, cut))
  await eventually('the first chunks are there', async () => (await clients('7904')).length === 10_000)
  socket.destroy()
  const again = await send(file)
  assert.deepEqual(numbers(again), [2000, 10_000, 0])
  const all = await clients('7904')
  assert.equal(all.length, 12_000)
  assert.ok(all.every((client, i) => client === `7904${String(i).padStart(7, '0')} 904 тег номер ${i} Asia/Omsk`))
})

// Guarantee: two people who send the same numbers at once, in other orders, add each once and get no fault.
test('two imports of the same numbers', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `7905${String(i).padStart(7, '0')}`)
  const files = [rows, rows.toReversed()].map((all) => `phone\n${all.join('\n')}\n`)
  const answers = await Promise.all(files.map((file) => send(file)))
  assert.deepEqual(
    answers.map((a) => a.status),
    [200, 200],
  )
  assert.equal(answers[0]!.body.created + answers[1]!.body.created, 20_000)
  assert.equal((await clients('7905')).length, 20_000)
})

// Guarantee: the export gives what is filtered, as the import takes it; no cell is a formula; the mark comes when asked for.
test('clients are exported', async () => {
  await send('phone,tag\n79060000001,=1+1\n79060000002,"a ""b"", c"\n79060000003,просто\n')
  const get = (query: string) => app.get(`/api/clients/export?${query}`, { token: admin })
  const { headers, text } = await get('operator_code=906')
  assert.match(headers.get('content-type')!, /text\/csv/)
  assert.match(headers.get('content-disposition')!, /attachment; filename="clients.csv"/)
  const lines = text.trim().split('\r\n')
  assert.equal(lines[0], 'id,phone,operator_code,tag,timezone,created_at')
  assert.deepEqual(
    lines.slice(1).map((line) => line.replace(/^\d+,|,[^,]*$/g, '')),
    [`79060000001,906,'=1+1,Asia/Omsk`, '79060000002,906,"a ""b"", c",Asia/Omsk', '79060000003,906,просто,Asia/Omsk'],
  )
  const marked = await fetch(`${app.url}/api/clients/export?bom=true`, {
    headers: { authorization: `Bearer ${admin}` },
  })
  const all = Buffer.from(await marked.arrayBuffer())
  assert.deepEqual([...all.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  const { rows } = await app.platform.pool.query('select count(*) n from mailings.clients')
  assert.equal(all.toString().trim().split('\r\n').length, rows[0].n + 1)
  assert.deepEqual(numbers(await send(all.toString())), [0, rows[0].n, 0])
})

// Guarantee: the stop list comes from a file too; who is stopped already stays with the first reason.
test('numbers are stopped by a file', async () => {
  const answer = await send(
    'Номер телефона;Причина\n8 907 000-00-01;жалоба\n79070000002;\n79070000001;ещё\nнет;\n',
    '',
    admin,
    'clients/stops',
  )
  assert.deepEqual(numbers(answer), [2, 1, 1])
  const again = await send('phone,reason\n79070000002,позже\n', '', admin, 'clients/stops')
  assert.deepEqual(numbers(again), [0, 1, 0])
  const { body } = await app.get('/api/clients/stops?search=7907', { token: admin })
  assert.deepEqual(
    new Set(body.results.map((s: Json) => `${s.phone} ${s.reason}`)),
    new Set(['79070000001 жалоба', '79070000002 ']),
  )
})
