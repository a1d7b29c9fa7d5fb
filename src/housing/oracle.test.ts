import assert from 'node:assert/strict'
import { test } from 'node:test'
import { billingOf } from '../../test/billing.ts'
import { logInAdmin, startApp } from '../../test/harness.ts'
import { addHouse } from '../../test/housing.ts'
import {
  type Billed,
  billOf,
  type FlatOf,
  type Kind,
  type MeterOf,
  type Policy,
  type Rules,
} from '../../test/housing-oracle.ts'
import { size } from '../../test/size.ts'

/** Numbers that look random and are the same each time. */
function dice(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return { chance: (p: number) => next() < p, from: (a: number, b: number) => a + Math.floor(next() * (b - a + 1)) }
}

// Month 0 is December 2023; runs are of the months 16 to 20.
const monthText = (month: number) => new Date(Date.UTC(2023, 11 + month, 1)).toISOString().slice(0, 7)
const decimal = (value: bigint, digits: number) =>
  `${value < 0n ? '-' : ''}${String(value < 0n ? -value : value)
    .padStart(digits + 1, '0')
    .replace(new RegExp(`(\\d{${digits}})$`), '.$1')}`
const billedMonths = [16, 17, 18, 19, 20]

const houses: { policy: Policy; norms: Rules['norms'] }[] = [
  { policy: 'skip', norms: {} },
  { policy: 'average', norms: {} },
  { policy: 'average', norms: { cold_water: 4180n } },
  { policy: 'norm', norms: { cold_water: 4180n, hot_water: 2945n } },
]

// Guarantee: over months of runs, with late readings and runs again between them, every line, every reason and every
// total of random flats is what an oracle in whole numbers says that knows the rules and not the SQL.
test('random flats are billed as the oracle says', { timeout: 600_000 }, async () => {
  await using app = await startApp()
  const admin = await logInAdmin(app)
  const { pool } = app.platform
  const b = billingOf(app, admin)
  const flatsOfHouse = Math.ceil(size(1200, 10_000) / houses.length)
  const prices: Record<string, [from: number, price: bigint][]> = {
    cold_water: [
      [0, 509_300n],
      [18, 555_005n],
    ],
    hot_water: [[17, 2_431_655n]],
    maintenance: [
      [0, 311_450n],
      [19, 331_250n],
    ],
  }
  for (const [service, versions] of Object.entries(prices))
    for (const [from, price] of versions) await b.tariff(service, decimal(price, 4), monthText(from))

  for (const [n, { policy, norms }] of houses.entries()) {
    const { chance, from } = dice(42 + n)
    const house = (
      await addHouse(app, admin, {
        missing_readings: policy,
        norm_cold_water: norms.cold_water === undefined ? null : decimal(norms.cold_water, 3),
        norm_hot_water: norms.hot_water === undefined ? null : decimal(norms.hot_water, 3),
      })
    ).id as number
    const own = n === 2 ? 471_111n : undefined
    if (own) await b.tariff('cold_water', decimal(own, 4), monthText(17), house)
    const rules: Rules = {
      policy,
      norms,
      prices: (service, month) =>
        service === 'cold_water' && own && month >= 17
          ? own
          : prices[service]!.filter(([at]) => at <= month).at(-1)?.[1],
    }

    const [firstFlat, firstMeter] = (
      await pool.query(
        `select coalesce((select max(id) from housing.apartments), 0) + 1 flat, coalesce((select max(id) from housing.meters), 0) + 1 meter`,
      )
    ).rows.flatMap((r) => [r.flat as number, r.meter as number]) as [number, number]
    let nextMeter = firstMeter
    const makeMeter = (kind: Kind): MeterOf => {
      const digits = from(4, 6)
      const limit = 1000 * 10 ** digits
      const meter: MeterOf = {
        id: nextMeter++,
        kind,
        installed: chance(0.8) ? 0 : from(1, 21),
        removed: chance(0.9) ? 99 : from(14, 21),
        initial: BigInt(from(0, limit - 1)),
        digits,
        readings: new Map(),
      }
      if (meter.removed < meter.installed) meter.removed = meter.installed
      const kept = [0.98, 0.85, 0.5][from(0, 2)]!
      let value = Number(meter.initial)
      let rolled = false
      for (let month = Math.max(meter.installed, chance(0.9) ? 2 : 17); month <= Math.min(20, meter.removed); month++) {
        value += chance(0.1) ? 0 : from(0, 20_000)
        if (value >= limit) {
          value -= limit
          rolled = true
        }
        if (!chance(kept)) continue
        meter.readings.set(month, { value: BigInt(value), rollover: rolled })
        rolled = false
      }
      return meter
    }
    const flats: FlatOf[] = Array.from({ length: flatsOfHouse }, (_, i) => ({
      id: firstFlat + i,
      area: BigInt(from(1, 20_000)),
      ended: chance(0.97) ? 99 : from(15, 20),
      meters: Array.from({ length: from(0, 4) }, () => makeMeter(chance(0.5) ? 'cold_water' : 'hot_water')),
      recalculations: new Map(),
    }))
    // Readings of a billed month that come only after its run.
    const late = new Map<number, [MeterOf, bigint, boolean][]>()
    for (const meter of flats.flatMap((f) => f.meters))
      for (const month of billedMonths) {
        const reading = meter.readings.get(month)
        if (!reading || !chance(0.1)) continue
        late.set(month, [...(late.get(month) ?? []), [meter, reading.value, reading.rollover]])
        meter.readings.delete(month)
      }

    const meters = flats.flatMap((f) => f.meters.map((m) => ({ flat: f.id, ...m })))
    const readings = meters.flatMap((m) => [...m.readings].map(([month, r]) => ({ meter: m.id, month, ...r })))
    await pool.query(
      `insert into housing.apartments (id, house_id, number, area, account, ended_on) overriding system value
       select id, $1, id::text, area, 'O-' || id, ended from unnest($2::bigint[], $3::numeric[], $4::date[]) f(id, area, ended)`,
      [
        house,
        flats.map((f) => f.id),
        flats.map((f) => decimal(f.area, 2)),
        flats.map((f) => (f.ended === 99 ? null : `${monthText(f.ended)}-17`)),
      ],
    )
    await pool.query(
      `insert into housing.meters (id, apartment_id, kind, serial, installed_on, removed_on, initial_value, digits) overriding system value
       select id, flat, kind, 'O-' || id, installed, removed, initial, digits
       from unnest($1::bigint[], $2::bigint[], $3::text[], $4::date[], $5::date[], $6::numeric[], $7::int[]) m(id, flat, kind, installed, removed, initial, digits)`,
      [
        meters.map((m) => m.id),
        meters.map((m) => m.flat),
        meters.map((m) => m.kind),
        meters.map((m) => `${monthText(m.installed)}-0${1 + (m.id % 5)}`),
        meters.map((m) =>
          m.removed === 99 ? null : `${monthText(m.removed)}-${m.id % 2 || m.removed === m.installed ? '28' : '01'}`,
        ),
        meters.map((m) => decimal(m.initial, 3)),
        meters.map((m) => m.digits),
      ],
    )
    const write = (rows: { meter: number; month: number; value: bigint; rollover: boolean }[]) =>
      pool.query(
        `insert into housing.readings (meter_id, month, value, rollover)
         select * from unnest($1::bigint[], $2::date[], $3::numeric[], $4::boolean[])`,
        [
          rows.map((r) => r.meter),
          rows.map((r) => `${monthText(r.month)}-01`),
          rows.map((r) => decimal(r.value, 3)),
          rows.map((r) => r.rollover),
        ],
      )
    await write(readings)

    const billed: Billed = new Map()
    let open = true
    const compare = async (month: number) => {
      const run = await b.bill(house, monthText(month))
      const { rows } = await pool.query(
        `select m.apartment_id id, b.total, b.status,
           array(select concat_ws(' ', i ->> 'code', i ->> 'service', coalesce(i ->> 'meter', '')) from jsonb_array_elements(b.issues) i order by 1) issues,
           array(select concat_ws(' ', l.service, l.method, coalesce(l.meter_id, l.recalculation_id)::text || '', (l.quantity * 1000)::bigint,
               (l.price * 10000)::bigint, (l.previous * 1000)::bigint, (l.current * 1000)::bigint, (l.carried * 1000)::bigint, (l.amount * 100)::bigint)
             from housing.bill_lines l where l.bill_id = b.id order by l.position) lines
         from housing.run_bills m join housing.bills b on b.id = m.bill_id where m.run_id = $1`,
        [run.id],
      )
      const made = new Map(rows.map((r) => [r.id as number, r]))
      const living = flats.filter((f) => f.ended >= month)
      assert.equal(made.size, living.length)
      let sum = 0n
      for (const flat of living) {
        const expected = billOf(flat, month, rules, billed, open)
        const row = made.get(flat.id)
        const spaced = (line: string) => line.replace(/ +/g, ' ')
        assert.deepEqual(
          { lines: row.lines, issues: row.issues.map((i: string) => i.trim()), total: row.total, status: row.status },
          {
            lines: expected.lines.map(spaced),
            issues: expected.issues.map((i) => i.trim()),
            total: decimal(expected.total, 2),
            status: expected.issues.length ? 'incomplete' : 'issued',
          },
          `${policy}, ${monthText(month)}, flat ${flat.id}: ${JSON.stringify(flat, (_, v) => (typeof v === 'bigint' ? String(v) : v instanceof Map ? [...v] : v))}`,
        )
        sum += expected.total
      }
      assert.equal(run.amount, decimal(sum, 2))
      return run
    }

    for (const month of billedMonths) {
      if (month === 17) {
        for (const flat of flats.filter(() => chance(0.2))) {
          const amount = BigInt(from(-50_000, 50_000)) || 1n
          const { rows } = await pool.query(
            `insert into housing.recalculations (apartment_id, amount, reason) values ($1, $2, 'по заявлению') returning id`,
            [flat.id, decimal(amount, 2)],
          )
          flat.recalculations.set(rows[0].id, amount)
        }
      }
      const run = await compare(month)
      const came = late.get(month) ?? []
      if (came.length) {
        for (const [meter, value, rollover] of came) meter.readings.set(month, { value, rollover })
        await write(came.map(([meter, value, rollover]) => ({ meter: meter.id, month, value, rollover })))
        const again = await compare(month)
        assert.ok(again.skipped > 0 && again.skipped < run.total, 'some bills are confirmed, some are new')
        if (month === 18) {
          await b.publish(again)
          // What was settled for flats that are billed is in no bill after it.
          for (const flat of flats) if (flat.ended >= 18) flat.recalculations.clear()
        }
      }
    }
    open = false
  }
  await app.audit()
})
