/*
 * What flats owe, computed month by month in whole numbers and in the plainest way: thousandths of m³, hundredths of m²,
 * kopecks, and ten-thousandths of a rouble for prices. Knows the rules and nothing of the SQL. Months are counted from an
 * arbitrary one.
 */
export type Policy = 'skip' | 'average' | 'norm'
export type Kind = 'cold_water' | 'hot_water'
export type Reading = { value: bigint; rollover: boolean }
export type MeterOf = {
  id: number
  kind: Kind
  installed: number
  removed: number
  initial: bigint
  digits: number
  readings: Map<number, Reading>
}
export type FlatOf = { id: number; area: bigint; ended: number; meters: MeterOf[]; recalculations: Map<number, bigint> }
export type Rules = {
  policy: Policy
  norms: Partial<Record<Kind, bigint>>
  /** By service, of each month. */
  prices: (service: Kind | 'maintenance', month: number) => bigint | undefined
}

type Volume = {
  method: 'meter' | 'average' | 'norm'
  quantity: bigint
  carried: bigint
  previous: bigint | null
  current: bigint | null
}

/** What the current bills say of each meter, by month. */
export type Billed = Map<number, Map<number, Volume>>

const estimated = (v: Volume) => v.method === 'average' || v.method === 'norm'

function volumeOf(meter: MeterOf, month: number, rules: Rules, billed: Map<number, Volume>): Volume | undefined {
  const reading = meter.readings.get(month)
  const past = [...meter.readings.keys()].filter((m) => m < month)
  const last = past.length ? Math.max(...past) : undefined
  const previous = last === undefined ? meter.initial : meter.readings.get(last)!.value
  if (reading) {
    if (rules.policy === 'skip' && last !== undefined && last !== month - 1) return undefined
    let volume = reading.value - previous + (reading.rollover ? 1000n * 10n ** BigInt(meter.digits) : 0n)
    for (const [at, line] of billed) {
      if (at < month && (last === undefined || at > last) && estimated(line)) volume -= line.quantity
    }
    volume += last === undefined ? 0n : (billed.get(last)?.carried ?? 0n)
    const quantity = volume < 0n ? 0n : volume
    return { method: 'meter', quantity, carried: volume - quantity, previous, current: reading.value }
  }
  if (rules.policy === 'skip') return undefined
  if (rules.policy === 'average' && last !== undefined && month - last <= 3) {
    let sum = 0n
    let count = 0n
    for (let at = month - 12; at < month; at++) {
      const [before, now] = [meter.readings.get(at - 1), meter.readings.get(at)]
      if (!before || !now) continue
      sum += now.value - before.value + (now.rollover ? 1000n * 10n ** BigInt(meter.digits) : 0n)
      count++
    }
    if (count >= 3n) return { method: 'average', quantity: halfUp(sum, count), carried: 0n, previous, current: null }
  }
  const norm = rules.norms[meter.kind]
  return norm === undefined ? undefined : { method: 'norm', quantity: norm, carried: 0n, previous, current: null }
}

/** Rounds to whole units, a half away from zero. */
function halfUp(sum: bigint, by: bigint): bigint {
  const size = sum < 0n ? -sum : sum
  const rounded = (2n * size + by) / (2n * by)
  return sum < 0n ? -rounded : rounded
}

export type Expected = { lines: string[]; issues: string[]; total: bigint }

/** The bill of a flat and month; `billed` is what current bills said before, and learns what this one says. */
export function billOf(flat: FlatOf, month: number, rules: Rules, billed: Billed, open: boolean): Expected {
  const lines: string[] = []
  const issues: string[] = []
  let total = 0n
  const charge = (words: unknown[], amount: bigint) => {
    lines.push([...words, amount].join(' '))
    total += amount
  }
  for (const kind of ['cold_water', 'hot_water'] as const) {
    for (const meter of flat.meters.filter((m) => m.kind === kind).sort((a, b) => a.id - b.id)) {
      const history = billed.get(meter.id) ?? new Map<number, Volume>()
      billed.set(meter.id, history)
      history.delete(month)
      if (meter.installed > month || meter.removed < month) continue
      const volume = volumeOf(meter, month, rules, history)
      const price = rules.prices(kind, month)
      if (!volume) issues.push(`no_reading ${kind} ${meter.id}`)
      else if (price === undefined) issues.push(`no_tariff ${kind} ${meter.id}`)
      else {
        history.set(month, volume)
        const { quantity, method, previous, current, carried } = volume
        charge(
          [kind, method, meter.id, quantity, price, previous, current, carried],
          halfUp(quantity * price, 100_000n),
        )
      }
    }
  }
  const price = rules.prices('maintenance', month)
  if (price === undefined) issues.push('no_tariff maintenance ')
  else charge(['maintenance', 'area', '', flat.area * 10n, price, '', '', 0], halfUp(flat.area * price, 10_000n))
  if (open)
    for (const [id, amount] of [...flat.recalculations].sort(([a], [b]) => a - b))
      charge(['recalculation', 'manual', id, 1000, amount * 100n, '', '', 0], amount)
  return { lines, issues: issues.sort(), total }
}
