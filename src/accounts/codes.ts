import { timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { Counter } from 'prom-client'
import { run, type Tx } from '../platform/database.ts'
import { type AppError, fieldFault } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import { networkOf } from '../platform/limits.ts'
import { registry } from '../platform/metrics.ts'
import type { Platform, Secret } from '../platform/module.ts'
import { deleteOld } from '../platform/retention.ts'
import { accountsSettings } from './settings.ts'

/** `login` and `phone` go by SMS, `reset` and `email` are links in letters. */
export type CodeKind = 'login' | 'phone' | 'reset' | 'email'
export type NewCode = {
  kind: CodeKind
  locale: Locale
  user_id?: number
  phone?: string
  email?: string
  digits?: number
  /** The address that asked for a code by SMS. */
  asker?: string
}

const lifeSeconds: Record<CodeKind, number> = { login: 300, phone: 300, reset: 3600, email: 3 * 86_400 }

const comparisons = new Counter({
  name: 'dvor_code_comparisons_total',
  help: 'Codes by SMS that were compared with what somebody typed',
  registers: [registry],
})

/** How often letters are sent on request: to an address, for a caller, and for an account. */
export const letterLimits = (email: string, address: string | undefined, account?: number) => [
  { kind: 'letter', of: email.toLowerCase(), spanSeconds: 3600, most: 5 },
  ...(address ? [{ kind: 'letter address', of: networkOf(address), spanSeconds: 3600, most: 30 }] : []),
  ...(account
    ? [
        { kind: 'letter account', of: String(account), spanSeconds: 3600, most: 5 },
        { kind: 'letter account', of: String(account), spanSeconds: 86_400, most: 10 },
      ]
    : []),
]

/** Writes a code that nobody knows yet, and the job that derives and sends it; returns its id. */
export async function createCode(platform: Platform, tx: Tx, { kind, asker, ...code }: NewCode): Promise<number> {
  const { id } = await tx
    .insertInto('accounts.codes')
    .values({
      ...code,
      kind,
      asker: asker === undefined ? null : askerOf(platform, asker),
      expires_at: sql<string>`now() + make_interval(secs => ${lifeSeconds[kind]})`,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await platform.jobs.enqueue(tx, code.phone ? 'accounts.sms' : 'accounts.letters', [{ code_id: id }])
  return id
}

/** The code of an id: digits that never begin with 0, or for a link 32 bytes behind the id. */
function derived(platform: Platform, id: number, digits: number | null): string {
  const bytes = platform.derive('code', String(id))
  if (digits === null) return `${id}.${bytes.toString('base64url')}`
  const least = 10n ** BigInt(digits - 1)
  return String(least + (bytes.readBigUInt64BE() % (9n * least)))
}

const askerOf = (platform: Platform, address: string) => platform.derive('asker of a code', networkOf(address))
const hashOf = (platform: Platform, id: number, code: string) => platform.derive('hash of a code', `${id} ${code}`)
const same = (a: Buffer | null, b: Buffer) => a !== null && timingSafeEqual(a, b)

/** Derives codes and links when they are sent; until they are used, administrators see those of the default senders. */
export const codeSecret: Secret = {
  async reveal(platform, id) {
    const [row] = await run<{ digits: number | null }>(
      platform.pool,
      'select digits from accounts.codes where id = $1',
      [id],
    )
    if (!row) throw new Error(`code ${id} is gone`)
    const code = derived(platform, id, row.digits)
    await run(platform.pool, 'update accounts.codes set hash = $2 where id = $1', [id, hashOf(platform, id, code)])
    return code
  },
  async show(platform, ids) {
    const { MAIL_URL } = platform.config
    const { SMS_URL } = accountsSettings(platform)
    const rows = await run<{ id: number; digits: number | null }>(
      platform.pool,
      `select id, digits from accounts.codes where id = any($1::bigint[]) and used_at is null and expires_at > now()
         and tries < 5 and case when phone is null then $2::boolean else $3::boolean end`,
      [ids, MAIL_URL === 'file', SMS_URL === 'log'],
    )
    return new Map(rows.map((row) => [row.id, derived(platform, row.id, row.digits)]))
  },
}

/**
 * Counts a try at the newest code of a number and then compares. Of any number of guesses at one code five are looked at
 * from the network that asked for it and five from all others, so that no stranger uses up its tries. Returns the id of
 * the code that was right; 400 for every other case, without saying which.
 */
export async function checkCode(
  platform: Platform,
  kind: 'login' | 'phone',
  phone: string,
  token: string,
  address: string,
  userId: number | null = null,
): Promise<number> {
  // One statement of its own, so that nothing that happens later takes the count back.
  const [code] = await run<{ id: number; hash: Buffer | null }>(
    platform.pool,
    `update accounts.codes set tries = tries + (asker is not distinct from $4)::int,
       others_tries = others_tries + (asker is distinct from $4)::int
     where id = (select max(id) from accounts.codes where phone = $1 and kind = $2 and user_id is not distinct from $3)
       and tries < 5 and (asker is not distinct from $4 or others_tries < 5) and used_at is null and expires_at > now()
     returning id, hash`,
    [phone, kind, userId, askerOf(platform, address)],
  )
  if (!code) throw refused()
  comparisons.inc()
  if (!same(code.hash, hashOf(platform, code.id, token))) throw refused()
  return code.id
}

/** Checks a link's token; returns the id of its code. */
export async function checkLink(platform: Platform, kind: 'reset' | 'email', token: string): Promise<number> {
  const id = Number(/^([1-9]\d{0,14})\.[\w-]{43}$/.exec(token)?.[1] ?? 0)
  const [code] = await run<{ hash: Buffer | null }>(
    platform.pool,
    'select hash from accounts.codes where id = $1 and kind = $2',
    [id, kind],
  )
  if (!same(code?.hash ?? null, hashOf(platform, id, token))) throw linkRefused()
  return id
}

/** A wrong and a dead code are one answer. */
const refused = (): AppError => fieldFault('/token', 'accounts.code_refused')
/** The same for links. */
export const linkRefused = (): AppError => fieldFault('/token', 'accounts.link_refused')

/** Uses a code that was right, once: of many who come with it one gets it. The first lock of its transaction. */
export async function useCode(
  tx: Tx,
  id: number,
  refusal = refused,
): Promise<{ email: string | null; user_id: number | null }> {
  const code = await tx
    .updateTable('accounts.codes')
    .set({ used_at: sql`now()` })
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .where('expires_at', '>', sql<string>`now()`)
    .returning(['email', 'user_id'])
    .executeTakeFirst()
  if (!code) throw refusal()
  return code
}

/** Codes go a day after they died, and with them the numbers and addresses of people who never came. */
export async function sweepCodes(platform: Platform, signal: AbortSignal): Promise<void> {
  await deleteOld(platform, signal, 'accounts.codes', sql`expires_at < now() - interval '1 day'`)
}
