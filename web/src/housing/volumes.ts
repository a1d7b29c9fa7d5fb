import { plainAmount } from '../format.ts'

/** A volume as people write it in whole thousandths of m³; undefined when it is none. */
export function volumeOf(text: string): bigint | undefined {
  const [, whole, rest = ''] = /^(\d{1,9})(?:\.(\d{1,3}))?$/.exec(plainAmount(text.trim())) ?? []
  return whole === undefined ? undefined : BigInt(whole + rest.padEnd(3, '0'))
}

/** The server's decimal of three digits in whole thousandths. */
export const thousandths = (decimal: string) => BigInt(decimal.replace('.', ''))

/** As the server writes it: `12.345`. */
export function decimalOf(volume: bigint): string {
  const digits = String(volume < 0n ? -volume : volume).padStart(4, '0')
  return `${volume < 0n ? '-' : ''}${digits.slice(0, -3)}.${digits.slice(-3)}`
}

export type Asked = {
  volume: bigint
  /** It shows less than before: it passed its last digit, or there is a mistake. */
  isBelow: boolean
  /** Far more than usual: the person is asked. */
  isOdd: boolean
}

/** Over so many m³ a month, or so many times the mean, the person is asked. As the server has it. */
const oddVolume = 30_000n
const oddRatio = 3n

/** What a value means after the one before it, so many months earlier. */
export function ask(
  value: bigint,
  before: { value: string; monthsAgo: number; digits: number; mean: string | null },
): Asked {
  const previous = thousandths(before.value)
  const isBelow = value < previous
  const volume = value - previous + (isBelow ? 1000n * 10n ** BigInt(before.digits) : 0n)
  const months = BigInt(Math.max(1, before.monthsAgo))
  const usual = before.mean === null ? oddVolume : oddRatio * thousandths(before.mean)
  return { volume, isBelow, isOdd: volume > months * (usual < oddVolume ? usual : oddVolume) }
}
