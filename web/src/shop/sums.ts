type Line = { price: string; quantity: number }

/** What lines cost together: decimal text in hundredths, as prices are, and never through a float. */
export function totalOf(lines: Line[]): string {
  const sum = lines.reduce((all, { price, quantity }) => all + BigInt(price.replace('.', '')) * BigInt(quantity), 0n)
  const digits = String(sum).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}
