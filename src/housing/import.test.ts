import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { type Json, logInAdmin, type Person, person, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse, addMeter, addReading, monthFromNow, publishMonth } from '../../test/housing.ts'

let app: TestApp
let admin: string
let anna: Person
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  anna = await person(app)
})
after(() => app[Symbol.asyncDispose]())

/** Windows-1251, as offices save it. */
function inWindows1251(text: string): Uint8Array<ArrayBuffer> {
  const letters = new TextDecoder('windows-1251').decode(Uint8Array.from({ length: 256 }, (_, i) => i))
  return Uint8Array.from(text, (letter) => letters.indexOf(letter))
}
const send = (house: number, raw: string | Uint8Array<ArrayBuffer> | FormData, query = '', token = admin) =>
  app.call('POST', `/api/houses/${house}/import${query}`, {
    raw,
    token,
    headers: raw instanceof FormData ? {} : { 'content-type': 'text/csv' },
  })
const faults = (body: Json) => body.errors.map((e: Json) => [e.line, e.field])
const detail = async (house: number) => (await app.get(`/api/houses/${house}`, { token: admin })).body

const office = `Квартира;Площадь, кв. м;Лицевой счёт;Вид;№ счётчика;Дата установки;Начальное показание;Примечание;Месяц;Показание
1;54,30;0050001;ХВС;А-1;15.01.2024;10,5;;01.2024;12,345
1;54,30;0050001;ГВС;А-2;15.01.2024;3;"с ""хвостом""; новый";01.2024;4
1;;;;А-1;;;;02.2024;15
2;41;0050002;;;;;;;
"10";60,1;0050010;ХВС;А-3;2024-01-15;0;;2024-01;1 234,5
`

// Guarantee: the file of an office comes in whole, in windows-1251 with semicolons, decimal commas and Russian dates and
// heads; the same file again changes nothing, in whatever form it comes.
test('a whole house comes from a file, once', async () => {
  const { id } = await addHouse(app, admin)
  const first = await send(id, inWindows1251(office))
  assert.equal(first.status, 200, first.text)
  const { columns, ...rest } = first.body
  assert.deepEqual(rest, {
    dry_run: false,
    rows: 5,
    created: { apartments: 3, meters: 3, readings: 4 },
    unchanged: 0,
    faulty: 0,
    errors: [],
  })
  assert.deepEqual(
    columns.map((c: Json) => c.field),
    ['number', 'area', 'account', 'kind', 'serial', 'installed_on', 'initial_value', null, 'month', 'value'],
  )
  const house = await detail(id)
  assert.deepEqual(
    house.apartments.map((a: Json) => [
      a.number,
      a.area,
      a.account,
      a.meters.map((m: Json) => [m.serial, m.kind, m.last_reading.month, m.last_reading.value]),
    ]),
    [
      [
        '1',
        '54.30',
        '0050001',
        [
          ['А-1', 'cold_water', '2024-02', '15.000'],
          ['А-2', 'hot_water', '2024-01', '4.000'],
        ],
      ],
      ['2', '41.00', '0050002', []],
      ['10', '60.10', '0050010', [['А-3', 'cold_water', '2024-01', '1234.500']]],
    ],
  )
  const form = new FormData()
  form.set('file', new Blob([office]), 'house.csv')
  const utf16 = new Uint8Array(
    Buffer.from(`\ufeff${office.replaceAll(/("[^"]*")|;/g, (_, q) => q ?? '\t')}`, 'utf16le'),
  )
  for (const again of [inWindows1251(office), office, `\ufeff${office.replaceAll('\n', '\r\n')}`, form, utf16]) {
    const { body } = await send(id, again)
    assert.deepEqual([body.rows, body.created, body.faulty], [5, { apartments: 0, meters: 0, readings: 0 }, 0])
    assert.equal(body.unchanged, 5)
  }
  const long = office + '1;;;;;;;длинное примечание без всякого смысла;;\n'.repeat(2000)
  const { body: padded } = await send(id, inWindows1251(long))
  assert.deepEqual([padded.unchanged, padded.faulty], [2005, 0])
  assert.deepEqual(await detail(id), house)
  const log = await app.get('/api/admin/audit?action=housing.import', { token: admin })
  assert.equal(log.body.results.filter((e: Json) => e.subject_id === id).length, 1)
})

// Guarantee: faulty rows are told by line and field, a hundred of them at most; what is good is kept, and nothing that was
// there is changed.
test('faulty rows are told, good ones kept', async () => {
  const { id } = await addHouse(app, admin)
  const flat = await addApartment(app, admin, id, { number: '1', area: '50', account: 'И-1' })
  const meter = await addMeter(app, admin, flat.id, { serial: 'И-С1' })
  await addReading(app, admin, meter.id, '2024-01', 10)
  await publishMonth(app, id, '2024-05')
  const lines = [
    'number,area,account,serial,kind,installed_on,month,value,rollover',
    '1,51,И-1,,,,,,', // another area than is there
    '2,0,И-2,,,,,,',
    '3,40,И-1,,,,,,', // an account of another flat
    '4,40,,,,,,,',
    '5,40,И-5,И-С1,cold,2024-01-01,,,', // a meter of another flat
    '6,40,И-6,И-С6,gas,2024-01-01,,,',
    '7,40,И-7,И-С7,hot,2024-02-30,,,',
    '8,40,И-8,И-С8,hot,2024-01-01,2024-02,5,', // good
    '8,,,И-С8,,,2024-03,4,', // below the one before
    '8,,,И-С8,,,2024-05,9,', // billed
    `8,,,И-С8,,,${monthFromNow(2)},9,`,
    '8,,,И-С8,,,2024-04,4,', // good? it is below February too
    '8,,,И-С8,,,2024-04,1,yes', // good: passed zero
    '1,,,И-С1,,,2024-01,11,', // another value than is there
    '1,,,И-С1,,,2024-02,,',
    '9,40,И-9,,,,2024-02,7,',
    '10,40,И-10,,,,,,,,,', // more values than columns
    '11,40,И-11,,,,,,',
  ]
  const { body } = await send(id, lines.join('\n'))
  assert.deepEqual(faults(body), [
    [2, 'area'],
    [3, 'area'],
    [4, 'account'],
    [5, 'account'],
    [6, 'serial'],
    [7, 'kind'],
    [8, 'installed_on'],
    [10, 'value'],
    [11, 'month'],
    [12, 'month'],
    [13, 'value'],
    [15, 'value'],
    [16, 'value'],
    [17, 'serial'],
    [18, null],
  ])
  assert.deepEqual([body.faulty, body.rows, body.created], [15, 18, { apartments: 3, meters: 1, readings: 2 }])
  const house = await detail(id)
  assert.deepEqual(
    house.apartments.map((a: Json) => [a.number, a.area]),
    [
      ['1', '50.00'],
      ['5', '40.00'],
      ['8', '40.00'],
      ['11', '40.00'],
    ],
  )
  assert.equal(house.apartments[0].meters[0].last_reading.value, '10.000')
  const many = await send(id, `number;area\n${'x;y\n'.repeat(150)}`)
  assert.deepEqual([many.body.faulty, many.body.errors.length], [150, 100])
  const english = await app.call('POST', `/api/houses/${id}/import`, {
    raw: 'number,area\n1,51\n',
    token: admin,
    headers: { 'content-type': 'text/csv', 'accept-language': 'en' },
  })
  assert.match(english.body.errors[0].message, /another value already: 50\.00/)
  await app.audit()
})

// Guarantee: a dry run tells what the import would, later rows building on earlier ones, and keeps nothing of it.
test('a dry run keeps nothing', async () => {
  const { id } = await addHouse(app, admin)
  const dry = await send(id, office.replaceAll('А-', 'Д-').replaceAll('005', '006'), '?dry_run=true')
  assert.deepEqual([dry.status, dry.body.created], [200, { apartments: 3, meters: 3, readings: 4 }])
  assert.deepEqual((await detail(id)).apartments, [])
  const real = await send(id, office.replaceAll('А-', 'Д-').replaceAll('005', '006'))
  assert.deepEqual({ ...dry.body, dry_run: false }, real.body)
})

// Guarantee: columns are taken in the order that the caller says; a file without what is needed, or that is none, is
// refused, and so is who may not.
test('columns can be mapped, and a wrong file is refused', async () => {
  const { id } = await addHouse(app, admin)
  const mapped = await send(id, 'a,b,c,d\n1,x,40,М-1\n', '?columns=number,,area,account')
  assert.deepEqual([mapped.body.created.apartments, mapped.body.columns[1]], [1, { header: 'b', field: null }])
  const code = async (answer: Promise<{ status: number; body: Json }>) => {
    const { status, body } = await answer
    return [status, body.code]
  }
  assert.deepEqual(await code(send(id, 'a;b\n1;2\n')), [400, 'csv.missing_column'])
  assert.deepEqual(await code(send(id, `number${';'.repeat(300)}\n1\n`)), [400, 'csv.too_many_columns'])
  assert.deepEqual(await code(send(id, 'a;b\n1;2\n', '?columns=number,size')), [400, 'csv.unknown_field'])
  assert.deepEqual(await code(send(id, 'кв;номер квартиры\n1;2\n')), [400, 'csv.column_twice'])
  assert.deepEqual(await code(send(id, '')), [400, 'csv.no_head'])
  assert.deepEqual(await code(app.post(`/api/houses/${id}/import`, {}, { token: admin })), [415, 'request.media_type'])
  assert.deepEqual(await code(send(999_999, office)), [404, 'request.not_found'])
  assert.deepEqual(await code(send(id, office, '', anna.token)), [403, 'request.forbidden'])
  const elsewhere = { raw: office, token: admin, headers: { 'content-type': 'text/csv' } }
  assert.deepEqual(await code(app.call('POST', '/api/houses', elsewhere)), [415, 'request.media_type'])
  const open = await send(id, `number,area,account\n2,40,М-2\n"3,40,М-3\n${'4,40,М-4\n'.repeat(9)}`)
  assert.deepEqual([open.body.created.apartments, faults(open.body).length], [1, 1])
  assert.match(open.body.errors[0].message, /Кавычка не закрыта/)
})

// Guarantee: a file is taken as fast as it is worked off: while the house is held by another, no more of it is read than
// fits into some buffers, and then all of it comes in.
test('a large file is not held in memory', async () => {
  const { id } = await addHouse(app, admin)
  const holder = await app.platform.pool.connect()
  await holder.query('begin')
  await holder.query('select from housing.houses where id = $1 for update', [id])
  const rows = 30_000
  const note = 'x'.repeat(1000)
  let sent = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent === 0)
          controller.enqueue(Buffer.from('number,area,account,serial,kind,installed_on,month,value,note\n'))
        if (sent === rows) return controller.close()
        const lines = Array.from(
          { length: 100 },
          (_, i) => `1,40,Б-1,Б-С1,cold,2024-01-01,2024-01,${sent + i}.000,${note}`,
        )
        sent += 100
        controller.enqueue(Buffer.from(`${lines.join('\n')}\n`))
      },
    },
    { highWaterMark: 0 },
  )
  const answer = fetch(`${app.url}/api/houses/${id}/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'text/csv' },
    body,
    duplex: 'half',
  } as RequestInit)
  // It has come to rest when nothing was asked for in a while; on a slow machine that only makes the test milder.
  for (let last = -1; last !== sent || sent === 0; ) {
    last = sent
    await new Promise((done) => setTimeout(done, 300))
  }
  const held = sent
  await holder.query('rollback')
  holder.release()
  const report = (await (await answer).json()) as Json
  assert.ok(held < rows / 2, `${held} of ${rows} rows were read ahead`)
  assert.deepEqual(
    [report.rows, report.created, report.faulty],
    [rows, { apartments: 1, meters: 1, readings: 1 }, rows - 1],
  )
})

// Guarantee: a CSV may take longer to come than any other body may.
test('a slow file is waited for', { timeout: 60_000 }, async () => {
  const { id } = await addHouse(app, admin)
  const begin = (path: string, type: string) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (part) => (text += part))
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
    )
    const closed = new Promise<string>((done) => socket.once('close', () => done(text)))
    const chunk = (part: string) => socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`)
    return { chunk, closed, end: () => socket.write('0\r\n\r\n') }
  }
  const file = begin(`/api/houses/${id}/import`, 'text/csv')
  file.chunk('number,area,account\n1,40,')
  const other = begin('/api/houses', 'application/json')
  other.chunk('{"address": ')
  assert.match(await other.closed, /^HTTP\/1\.1 408/)
  file.chunk('Ж-1\n')
  file.end()
  assert.match(await file.closed, /^HTTP\/1\.1 200[\s\S]*"apartments":1/)
})
