import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Billing, billingOf } from '../../test/billing.ts'
import { type Json, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import { addApartment, addHouse } from '../../test/housing.ts'

let app: TestApp
let admin: string
let b: Billing
before(async () => {
  app = await startApp()
  admin = await logInAdmin(app)
  b = billingOf(app, admin)
  await b.tariff('cold_water', '50.93', '2025-01')
  await b.tariff('hot_water', '243.16', '2025-01')
  await b.tariff('maintenance', '31.14', '2025-01')
})
after(async () => {
  await app.audit()
  await app[Symbol.asyncDispose]()
})

/** A house with one flat of 40 m², whose maintenance is 1 245,60 a month. */
async function flat(house: Record<string, unknown> = {}, area = '40') {
  const { id: home } = await addHouse(app, admin, house)
  const { id } = await addApartment(app, admin, home, { area })
  return {
    house: home as number,
    id: id as number,
    /** Bills a month and answers its lines as `service method quantity × price = amount`. */
    async month(month: string): Promise<string[]> {
      await b.bill(home, month)
      return this.lines(month)
    },
    async lines(month: string) {
      const bill = await b.billOf(id, month)
      assert.equal(bill.status, bill.issues.length ? 'incomplete' : 'issued')
      return bill.lines
        .filter((l: Json) => l.service !== 'maintenance')
        .map((l: Json) => `${l.service} ${l.method} ${l.quantity} × ${Number(l.price)} = ${l.amount}`)
    },
  }
}
const average = { missing_readings: 'average' }
const norm = { missing_readings: 'norm', norm_cold_water: '4.2', norm_hot_water: '3' }

// Guarantee: each of these months is billed as a person computes it from the rules, to the kopeck.
test('hand-computed bills', async (t) => {
  await t.test('the first month counts from the initial value', async () => {
    const f = await flat()
    await b.meter(f.id, { initial_value: '117.5' }, { '2026-01': '129.845' })
    assert.deepEqual(await f.month('2026-01'), ['cold_water meter 12.345 × 50.93 = 628.73'])
    const bill = await b.billOf(f.id, '2026-01')
    assert.deepEqual([bill.total, bill.opening_balance, bill.status], ['1874.33', '0.00', 'issued'])
    assert.deepEqual(
      bill.lines.map((l: Json) => l.formula.replace(/\s/g, ' ')),
      ['12,345 м³ × 50,93 ₽ = 628,73 ₽', '40,00 м² × 31,14 ₽ = 1 245,60 ₽'],
    )
    assert.deepEqual([bill.lines[0].meter.previous, bill.lines[0].meter.current], ['117.500', '129.845'])
  })
  await t.test('a swapped meter sums both parts', async () => {
    const f = await flat()
    await b.meter(f.id, { removed_on: '2026-02-10' }, { '2026-01': '100', '2026-02': '102.5' })
    await b.meter(f.id, { installed_on: '2026-02-10', initial_value: '0.1' }, { '2026-02': '3.6' })
    assert.deepEqual(await f.month('2026-02'), [
      'cold_water meter 2.500 × 50.93 = 127.33',
      'cold_water meter 3.500 × 50.93 = 178.26',
    ])
    assert.deepEqual(await f.month('2026-03'), [])
    const [issue, ...more] = (await b.billOf(f.id, '2026-03')).issues
    assert.deepEqual([issue.code, issue.month, more.length], ['no_reading', '2026-03', 0])
  })
  await t.test('a meter takes part from the month of its installation to that of its removal', async () => {
    const f = await flat()
    await b.meter(
      f.id,
      { installed_on: '2026-03-31', removed_on: '2026-05-01', initial_value: 5 },
      {
        '2026-03': '6',
        '2026-04': '8',
        '2026-05': '8.5',
      },
    )
    const counts = []
    for (const month of ['2026-02', '2026-03', '2026-04', '2026-05', '2026-06'])
      counts.push((await f.month(month)).length)
    assert.deepEqual(counts, [0, 1, 1, 1, 0])
  })
  await t.test('a roll-over passes the last digit', async () => {
    const f = await flat()
    await b.meter(f.id, {}, { '2026-01': '99995.123', '2026-02': '4.2!' })
    await b.meter(f.id, { kind: 'hot_water', digits: 4 }, { '2026-01': '9999.999', '2026-02': '0!' })
    assert.deepEqual(await f.month('2026-02'), [
      'cold_water meter 9.077 × 50.93 = 462.29',
      'hot_water meter 0.001 × 243.16 = 0.24',
    ])
  })
  await t.test('several meters are a line each', async () => {
    const f = await flat()
    for (const value of ['11', '12.5']) await b.meter(f.id, {}, { '2026-01': '10', '2026-02': value })
    await b.meter(f.id, { kind: 'hot_water' }, { '2026-01': '10', '2026-02': '10' })
    assert.deepEqual(await f.month('2026-02'), [
      'cold_water meter 1.000 × 50.93 = 50.93',
      'cold_water meter 2.500 × 50.93 = 127.33',
      'hot_water meter 0.000 × 243.16 = 0.00',
    ])
    assert.equal((await b.billOf(f.id, '2026-02')).total, '1423.86')
  })
  await t.test('half a kopeck goes up, less than half goes down, once a line', async () => {
    const f = await flat({}, '0.5')
    await b.tariff('cold_water', '1.01', '2026-01', f.house)
    await b.tariff('hot_water', '0.0099', '2026-01', f.house)
    await b.tariff('maintenance', '0.0499', '2026-01', f.house)
    for (const value of ['0.5', '0.5', '0.495']) await b.meter(f.id, {}, { '2026-02': value })
    await b.meter(f.id, { kind: 'hot_water' }, { '2026-02': '0.5' })
    assert.deepEqual(await f.month('2026-02'), [
      'cold_water meter 0.500 × 1.01 = 0.51',
      'cold_water meter 0.500 × 1.01 = 0.51',
      'cold_water meter 0.495 × 1.01 = 0.50',
      'hot_water meter 0.500 × 0.0099 = 0.00',
    ])
    const bill = await b.billOf(f.id, '2026-02')
    assert.deepEqual([bill.lines.at(-1).amount, bill.total], ['0.02', '1.54'])
  })
  await t.test('the tariff of the month counts, also in the month of its change', async () => {
    const f = await flat()
    await b.tariff('cold_water', '60', '2027-02')
    await b.meter(f.id, {}, { '2026-12': '1', '2027-01': '2', '2027-02': '3', '2027-03': '4' })
    const prices = []
    for (const month of ['2027-01', '2027-02', '2027-03']) prices.push(...(await f.month(month)))
    assert.deepEqual(prices, [
      'cold_water meter 1.000 × 50.93 = 50.93',
      'cold_water meter 1.000 × 60 = 60.00',
      'cold_water meter 1.000 × 60 = 60.00',
    ])
  })
  await t.test("a house's own tariff counts before a general one, even a newer one", async () => {
    const f = await flat()
    await b.tariff('hot_water', '200', '2026-02', f.house)
    await b.tariff('hot_water', '250', '2027-06')
    await b.meter(
      f.id,
      { kind: 'hot_water' },
      { '2025-12': '1', '2026-01': '2', '2026-02': '3', '2027-05': '4', '2027-06': '5' },
    )
    assert.deepEqual(await f.month('2026-01'), ['hot_water meter 1.000 × 243.16 = 243.16'])
    assert.deepEqual(await f.month('2026-02'), ['hot_water meter 1.000 × 200 = 200.00'])
    assert.deepEqual(await f.month('2027-06'), ['hot_water meter 1.000 × 200 = 200.00'])
  })
  await t.test('without a tariff the line is left out and said', async () => {
    const f = await flat()
    await b.meter(f.id, {}, { '2024-11': '1', '2024-12': '2' })
    await app.platform.pool.query(`update housing.meters set installed_on = '2024-01-01' where apartment_id = $1`, [
      f.id,
    ])
    assert.deepEqual(await f.month('2024-12'), [])
    const bill = await b.billOf(f.id, '2024-12')
    assert.deepEqual(
      bill.issues.map((i: Json) => `${i.code} ${i.service}`),
      ['no_tariff cold_water', 'no_tariff maintenance'],
    )
    assert.equal(bill.total, '0.00')
  })
  await t.test('a flat without meters is billed for maintenance alone', async () => {
    const f = await flat()
    assert.deepEqual(await f.month('2026-01'), [])
    assert.deepEqual(
      [(await b.billOf(f.id, '2026-01')).total, (await b.billOf(f.id, '2026-01')).status],
      ['1245.60', 'issued'],
    )
  })
  await t.test('skip: without this reading or the one before, the line is left out', async () => {
    const f = await flat()
    const meter = await b.meter(f.id, {}, { '2026-01': '10', '2026-03': '14', '2026-04': '15' })
    assert.deepEqual(await f.month('2026-02'), [])
    assert.equal((await b.billOf(f.id, '2026-02')).issues[0].month, '2026-02')
    assert.deepEqual(await f.month('2026-03'), [])
    assert.equal((await b.billOf(f.id, '2026-03')).issues[0].month, '2026-02')
    assert.deepEqual(await f.month('2026-04'), ['cold_water meter 1.000 × 50.93 = 50.93'])
    // The reading comes late: a new revision, and only of that month.
    await b.readings(meter, { '2026-02': '11.5' })
    assert.deepEqual(await f.month('2026-02'), ['cold_water meter 1.500 × 50.93 = 76.40'])
    assert.deepEqual([(await b.billOf(f.id, '2026-02')).revision, (await b.billOf(f.id, '2026-03')).revision], [2, 1])
  })
  await t.test('average: the mean of real months, then the real reading bills what is left', async () => {
    const f = await flat(average)
    const meter = await b.meter(f.id, {}, { '2025-09': '0', '2025-10': '2', '2025-11': '5', '2025-12': '9.001' })
    for (const month of ['2025-10', '2025-11', '2025-12']) await f.month(month)
    // (2 + 3 + 4.001) / 3 = 3.000333…
    assert.deepEqual(await f.month('2026-01'), ['cold_water average 3.000 × 50.93 = 152.79'])
    assert.equal((await b.billOf(f.id, '2026-01')).status, 'issued')
    assert.deepEqual(await f.month('2026-02'), ['cold_water average 3.000 × 50.93 = 152.79'])
    await b.readings(meter, { '2026-03': '20' })
    // 20 − 9.001 − 3 − 3
    assert.deepEqual(await f.month('2026-03'), ['cold_water meter 4.999 × 50.93 = 254.60'])
    await b.readings(meter, { '2026-04': '21' })
    assert.deepEqual(await f.month('2026-04'), ['cold_water meter 1.000 × 50.93 = 50.93'])
  })
  await t.test('average: a negative rest is carried until readings have caught up', async () => {
    const f = await flat(average)
    const meter = await b.meter(f.id, {}, { '2025-09': '0', '2025-10': '10', '2025-11': '20', '2025-12': '30' })
    assert.deepEqual(await f.month('2026-01'), ['cold_water average 10.000 × 50.93 = 509.30'])
    await b.readings(meter, { '2026-02': '32', '2026-03': '37', '2026-04': '41', '2026-05': '43.5' })
    assert.deepEqual(await f.month('2026-02'), ['cold_water meter 0.000 × 50.93 = 0.00'])
    assert.equal((await b.billOf(f.id, '2026-02')).lines[0].carried, '-8.000')
    assert.deepEqual(await f.month('2026-03'), ['cold_water meter 0.000 × 50.93 = 0.00'])
    assert.equal((await b.billOf(f.id, '2026-03')).lines[0].carried, '-3.000')
    assert.deepEqual(await f.month('2026-04'), ['cold_water meter 1.000 × 50.93 = 50.93'])
    assert.deepEqual(await f.month('2026-05'), ['cold_water meter 2.500 × 50.93 = 127.33'])
    // 10 by estimate and 3.5 by readings are what the meter shows since the last month before.
  })
  await t.test('average: a rest waits through another estimate', async () => {
    const f = await flat(average)
    const meter = await b.meter(f.id, {}, { '2025-09': '0', '2025-10': '10', '2025-11': '20', '2025-12': '30' })
    await f.month('2026-01')
    await b.readings(meter, { '2026-02': '31' })
    assert.deepEqual(await f.month('2026-02'), ['cold_water meter 0.000 × 50.93 = 0.00'])
    // A month over a gap is no real month: the mean is still that of the three before.
    assert.deepEqual(await f.month('2026-03'), ['cold_water average 10.000 × 50.93 = 509.30'])
    await b.readings(meter, { '2026-04': '55' })
    // 55 − 31 − 10 − 9
    assert.deepEqual(await f.month('2026-04'), ['cold_water meter 5.000 × 50.93 = 254.65'])
  })
  await t.test('average: three months in a row at most, then the norm if there is one, else nothing', async () => {
    const readings = { '2025-09': '0', '2025-10': '1', '2025-11': '2', '2025-12': '3' }
    const without = await flat(average)
    await b.meter(without.id, {}, readings)
    const withNorm = await flat({ ...average, norm_cold_water: '4.2' })
    await b.meter(withNorm.id, {}, readings)
    for (const month of ['2026-01', '2026-02', '2026-03']) {
      assert.deepEqual(await without.month(month), ['cold_water average 1.000 × 50.93 = 50.93'])
      await withNorm.month(month)
    }
    assert.deepEqual(await without.month('2026-04'), [])
    assert.equal((await b.billOf(without.id, '2026-04')).status, 'incomplete')
    assert.deepEqual(await withNorm.month('2026-04'), ['cold_water norm 4.200 × 50.93 = 213.91'])
  })
  await t.test('average: fewer than three real months, and none older than a year', async () => {
    const f = await flat(average)
    await b.meter(f.id, {}, { '2025-10': '0', '2025-11': '1', '2025-12': '2' })
    assert.deepEqual(await f.month('2026-01'), [])
    const g = await flat(average)
    await b.meter(
      g.id,
      { installed_on: '2024-01-01' },
      { '2024-11': '0', '2024-12': '100', '2025-01': '101', '2025-02': '103', '2025-03': '106', '2025-12': '110' },
    )
    // Of the year before January 2026 are January to March; December 2024 is not.
    assert.deepEqual(await g.month('2026-01'), ['cold_water average 2.000 × 50.93 = 101.86'])
  })
  await t.test(
    'norm: a volume for each meter, and the first reading bills the rest since the initial value',
    async () => {
      const f = await flat(norm)
      const meter = await b.meter(f.id, { initial_value: 10, installed_on: '2026-01-15' })
      await b.meter(f.id, { kind: 'hot_water', installed_on: '2026-01-15' })
      const estimate = ['cold_water norm 4.200 × 50.93 = 213.91', 'hot_water norm 3.000 × 243.16 = 729.48']
      assert.deepEqual(await f.month('2026-01'), estimate)
      assert.deepEqual(await f.month('2026-02'), estimate)
      await b.readings(meter, { '2026-03': '20.5' })
      assert.deepEqual(await f.month('2026-03'), ['cold_water meter 2.100 × 50.93 = 106.95', estimate[1]])
    },
  )
})

// Guarantee: what a run after the publication changes reaches the next bill as one line, with its sum and reason, once.
test('recalculation after the publication', async () => {
  const f = await flat()
  await b.meter(f.id, {}, { '2026-05': '0', '2026-06': '10', '2026-07': '20', '2026-08': '30' })
  const june = await b.bill(f.house, '2026-06')
  await b.publish(june)
  const published = await b.billOf(f.id, '2026-06')
  await b.tariff('cold_water', '51.93', '2026-06', f.house)
  const revision = await b.bill(f.house, '2026-06')
  assert.deepEqual([revision.skipped, revision.current, (await b.billOf(f.id, '2026-06')).revision], [0, true, 2])
  // Confirmed a second time, it adds nothing.
  const again = await b.bill(f.house, '2026-06')
  assert.deepEqual([again.skipped, again.amount], [1, revision.amount])
  const july = await b.bill(f.house, '2026-07')
  assert.deepEqual(await f.lines('2026-07'), [
    'cold_water meter 10.000 × 51.93 = 519.30',
    'recalculation manual 1.000 × 10 = 10.00',
  ])
  const bill = await b.billOf(f.id, '2026-07')
  assert.deepEqual(
    [bill.lines.at(-1).reason, bill.opening_balance],
    ['Уточнение начислений за июнь 2026 г.', published.total],
  )
  // Two months wait with the same line: whichever is published first has it, the other is run again.
  const august = await b.bill(f.house, '2026-08')
  assert.equal((await f.lines('2026-08')).length, 2)
  await b.publish(july)
  const refused = await app.post(`/api/billing-runs/${august.id}/publish`, undefined, { token: admin })
  assert.deepEqual([refused.status, refused.body.code], [409, 'housing.run_again'])
  await b.publish(await b.bill(f.house, '2026-08'))
  assert.deepEqual(await f.lines('2026-08'), ['cold_water meter 10.000 × 51.93 = 519.30'])
})
