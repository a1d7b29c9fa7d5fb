import { isIPv6 } from 'node:net'
import type { RunSql } from './database.ts'
import { AppError } from './errors.ts'
import type { Platform } from './module.ts'

/** At most so many attempts of one subject within any span of so many seconds. */
export type Limit = { kind: string; of: string; spanSeconds: number; most: number }

const subjectOf = (platform: Platform, { kind, of }: Limit) =>
  `${kind} ${platform.derive(`attempts of ${kind}`, of).toString('base64url')}`

/** Counts an attempt against every limit, in the transaction of `sql`; 429 with Retry-After, and none counted, if one is full. */
export async function admit(
  platform: Platform,
  sql: RunSql,
  limits: Limit[],
  code = 'request.too_many',
): Promise<void> {
  if (platform.config.RATE_LIMITS === 'off') return
  const [row] = await sql<{ wait: number }>('select platform.admit($1::text[], $2::integer[], $3::integer[]) wait', [
    limits.map((limit) => subjectOf(platform, limit)),
    limits.map((limit) => limit.spanSeconds),
    limits.map((limit) => limit.most),
  ])
  if (row!.wait) throw new AppError(429, code, { seconds: row!.wait }, { retryAfterSeconds: row!.wait })
}

/** Takes back what was counted last: the attempt was no guess. */
export async function forgive(platform: Platform, sql: RunSql, limits: Limit[]): Promise<void> {
  if (platform.config.RATE_LIMITS === 'off') return
  await sql(
    `delete from platform.attempts a using (
       select subject, max(at) at from platform.attempts where subject = any($1::text[]) group by subject) last
     where (a.subject, a.at) = (last.subject, last.at)`,
    [limits.map((limit) => subjectOf(platform, limit))],
  )
}

/** What counts as one address: of IPv6 a whole /64, which is one subscriber. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('%')[0]!.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail?.split(':').filter(Boolean) ?? []
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((g) => Number.parseInt(g, 16).toString(16))
    .join(':')}::/64`
}
