import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startApp, type TestApp } from '../../test/harness.ts'

let app: TestApp
before(async () => {
  app = await startApp({}, { worker: false })
})
after(() => app[Symbol.asyncDispose]())

const minute = 60_000

/** The minute of the local day at each of so many minutes, by other time zones than the database's. */
function clockOf(zone: string, begin: number, days: number): number[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return Array.from({ length: days * 1440 }, (_, i) => minutesOf(format.format(begin + i * minute)))
}
const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

/** For each of these minutes the number of the first one from it on that is inside the window, by looking at every one. */
function openingsOf(clock: number[], from: number, to: number): number[] {
  const openings: number[] = []
  for (let i = clock.length - 1; i >= 0; i--) {
    const m = clock[i]!
    const isInside = from < to ? m >= from && m < to : m >= from || m < to
    openings[i] = isInside ? i : openings[i + 1]!
  }
  return openings
}

const windows: [from: string, to: string][] = [
  ['09:00', '21:00'],
  ['21:00', '09:00'],
  ['00:00', '00:01'],
  ['23:59', '00:00'],
  ['01:00', '02:00'],
  ['01:30', '02:30'],
  ['02:00', '03:00'],
  ['02:10', '02:20'],
  ['00:05', '00:40'],
  ['23:30', '00:30'],
  ['03:00', '02:00'],
]
// A day on which the clock is set forward, and one on which it is set back: by an hour, by half of one, at midnight too.
const changes: [zone: string, ...days: string[]][] = [
  ['Europe/Berlin', '2026-03-29', '2026-10-25'],
  ['America/Santiago', '2026-09-06', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04', '2026-04-05'],
  ['Africa/Cairo', '2026-04-24', '2026-10-29'],
  ['America/St_Johns', '2026-03-08', '2026-11-01'],
  ['Asia/Kamchatka', '2010-03-28', '2026-06-01'],
  ['Asia/Kathmandu', '2026-01-01'],
  ['Pacific/Apia', '2011-12-30'],
  ['Europe/Moscow', '2014-10-26'],
]

// Guarantee: a window opens at the first instant at which the clock of the zone stands inside it, whatever is done to that
// clock: as said by somebody who looks at every minute.
test('when a local window opens', async () => {
  let asked = 0
  for (const [zone, ...days] of changes) {
    for (const day of days) {
      const begin = Date.parse(`${day}T00:00:00Z`) - 36 * 60 * minute
      const clock = clockOf(zone, begin, 6)
      for (const [from, to] of windows) {
        const expected = openingsOf(clock, minutesOf(from), minutesOf(to))
        const asks = Array.from({ length: (3.5 * 1440) / 7 }, (_, i) => i * 7)
        const { rows } = await app.platform.pool.query<{ opens: number }>(
          `select (extract(epoch from mailings.opens_at(to_timestamp(at / 1000.0), $2, $3::time, $4::time)) * 1000)::float8 opens
           from unnest($1::float8[]) with ordinality a(at, n) order by n`,
          [asks.map((i) => begin + i * minute), zone, from, to],
        )
        asks.forEach((i, n) => {
          const said = `${zone} ${from}–${to} from ${new Date(begin + i * minute).toISOString()}`
          assert.equal(
            new Date(rows[n]!.opens).toISOString(),
            new Date(begin + expected[i]! * minute).toISOString(),
            said,
          )
        })
        asked += asks.length
      }
    }
  }
  assert.ok(asked > 50_000)
})

// Guarantee: without a window every instant is inside; inside it the very microsecond stays, and its end is outside.
test('edges of a local window', async () => {
  const opens = async (at: string, from: string | null, to: string | null) => {
    const { rows } = await app.platform.pool.query(
      `select mailings.opens_at($1, 'Europe/Moscow', $2::time, $3::time) at`,
      [at, from, to],
    )
    return rows[0].at
  }
  assert.equal(await opens('2026-11-21T03:04:05.678901Z', null, null), '2026-11-21T03:04:05.678901Z')
  assert.equal(await opens('2026-11-21T06:00:00.000001Z', '09:00', '21:00'), '2026-11-21T06:00:00.000001Z')
  assert.equal(await opens('2026-11-21T05:59:59.999999Z', '09:00', '21:00'), '2026-11-21T06:00:00Z')
  assert.equal(await opens('2026-11-21T17:59:59.999999Z', '09:00', '21:00'), '2026-11-21T17:59:59.999999Z')
  assert.equal(await opens('2026-11-21T18:00:00Z', '09:00', '21:00'), '2026-11-22T06:00:00Z')
  assert.equal(await opens('2026-11-21T20:59:59.5Z', '21:00', '00:00'), '2026-11-21T20:59:59.5Z')
  assert.equal(await opens('2026-11-21T21:00:00Z', '21:00', '00:00'), '2026-11-22T18:00:00Z')
  await assert.rejects(opens('2026-11-21T18:00:00Z', '09:00', 'x'))
})
