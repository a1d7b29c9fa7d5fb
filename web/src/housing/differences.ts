import type { Bill } from './queries.ts'

type Line = Bill['lines'][number]
export type Cause = 'volume' | 'price' | 'both' | 'new' | 'gone' | 'other'
export type Difference = {
  service: Line['service']
  amount: string
  cause: Cause
  quantity: string
  price: [string, string]
}

const kopecks = (amount: string) => BigInt(amount.replace('.', ''))
const money = (sum: bigint) => {
  const digits = String(sum < 0n ? -sum : sum).padStart(3, '0')
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}
const quantityOf = (lines: Line[]) => lines.reduce((sum, line) => sum + Math.round(Number(line.quantity) * 1000), 0)

/** Why a bill differs from the one of the month before, service by service; the largest difference first. */
export function differencesOf(bill: Bill, before: Bill): Difference[] {
  const services = [...new Set([...bill.lines, ...before.lines].map(({ service }) => service))]
  const differences = services.map((service): Difference & { sum: bigint } => {
    const [now, then] = [bill, before].map(({ lines }) => lines.filter((line) => line.service === service)) as [
      Line[],
      Line[],
    ]
    const sumOf = (lines: Line[]) => lines.reduce((sum, line) => sum + kopecks(line.amount), 0n)
    const sum = sumOf(now) - sumOf(then)
    const quantity = quantityOf(now) - quantityOf(then)
    const price: [string, string] = [then[0]?.price ?? '0', now[0]?.price ?? '0']
    const isOther = service === 'recalculation'
    const hasPrice = price[0] !== price[1]
    const cause = !then.length
      ? 'new'
      : !now.length
        ? 'gone'
        : isOther
          ? 'other'
          : quantity && hasPrice
            ? 'both'
            : hasPrice
              ? 'price'
              : 'volume'
    return { service, amount: money(sum), cause, quantity: (quantity / 1000).toFixed(3), price, sum }
  })
  const size = (n: bigint) => (n < 0n ? -n : n)
  return differences
    .filter(({ sum }) => sum !== 0n)
    .sort((a, b) => (size(b.sum) > size(a.sum) ? 1 : -1))
    .map(({ sum: _, ...difference }) => difference)
}
