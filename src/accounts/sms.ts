import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { admit, networkOf } from '../platform/limits.ts'
import type { Platform } from '../platform/module.ts'
import { type Outgoing, openOutgoing } from '../platform/outgoing.ts'
import { requireRecentLogin } from './access-tokens.ts'
import { checkCode, codeSecret, createCode, useCode } from './codes.ts'
import type { Profile } from './schemas.ts'
import { openSession, type Session } from './sessions.ts'
import { accountsSettings } from './settings.ts'
import { getProfile, insertUser, nameWithoutOwner, type Origin, withFreeNames } from './users.ts'

const retrySeconds = 60
const hour = 3600
const day = 86_400

/** A number in any usual spelling as E.164 digits; one without a country is Russian. */
export function phoneDigits(text: string | number): string {
  const number = parsePhoneNumberFromString(String(text), 'RU')
  // Its length decides, for operators use new ranges before the library knows them.
  const digits = number?.number.slice(1) ?? ''
  // E.164 has no more than 15, though some countries' plans would.
  if (!number?.isPossible() || number.ext || !/^[1-9]\d{6,14}$/.test(digits))
    throw fieldFault('/phone', 'validation.phone')
  return digits
}

/** Sends a code to a number by a job. Whether anybody has the number makes no difference to the answer. */
export async function sendCode(
  platform: Platform,
  kind: 'login' | 'phone',
  phone: string,
  { address, locale }: Origin,
  userId?: number,
): Promise<{ phone: string; retry_after: number }> {
  await transaction(platform.db, async (tx) => {
    const limits = [
      { kind: 'sms phone', of: phone, spanSeconds: retrySeconds, most: 1 },
      { kind: 'sms phone', of: phone, spanSeconds: hour, most: 5 },
      { kind: 'sms phone', of: phone, spanSeconds: day, most: 10 },
      { kind: 'sms address', of: networkOf(address ?? ''), spanSeconds: hour, most: 30 },
      // Whoever earns by SMS calls a block of numbers in a row from many addresses.
      { kind: 'sms prefix', of: phone.slice(0, -4), spanSeconds: hour, most: 100 },
      { kind: 'sms', of: 'all', spanSeconds: day, most: 5000 },
    ]
    await admit(platform, sqlOf(tx), limits, 'accounts.too_many_codes')
    await createCode(platform, tx, {
      kind,
      phone,
      locale,
      digits: accountsSettings(platform).SMS_CODE_DIGITS,
      ...(userId ? { user_id: userId } : {}),
    })
  })
  return { phone, retry_after: retrySeconds }
}

/** Who writes a number takes turns with all others who write it, so that it never gets two accounts. */
const lockPhone = (tx: Tx, phone: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`phone ${phone}`}, 12))`.execute(tx)

/** Logs in by a code; who comes the first time gets an account. */
export async function logInByPhone(
  platform: Platform,
  phone: string,
  token: string,
  origin: Origin,
): Promise<Session & { created: boolean }> {
  const code = await checkCode(platform, 'login', phone, token)
  return transaction(platform.db, async (tx) => {
    await useCode(tx, code)
    await lockPhone(tx, phone)
    const found = await tx
      .selectFrom('accounts.users')
      .select(['id', 'is_active'])
      .where('phone', '=', phone)
      // So that who takes the number away or blocks its owner meanwhile takes turns with this.
      .forShare()
      .executeTakeFirst()
    if (found && !found.is_active) throw new AppError(403, 'accounts.blocked')
    const id = found?.id ?? (await insertUser(tx, { username: nameWithoutOwner(), phone, locale: origin.locale }))
    if (!found)
      await recordChange(
        tx,
        { id, ...origin },
        { action: 'accounts.register', subject: 'accounts.users', subject_id: id, after: { phone } },
      )
    const session = await openSession(platform, { id }, sqlOf(tx))
    return { ...session!, created: !found }
  })
}

/** Joins a number to the account of a logged-in user who proved by a code to hold it. */
export async function linkPhone(platform: Platform, user: User, phone: string, token: string): Promise<Profile> {
  requireRecentLogin(user)
  const code = await checkCode(platform, 'phone', phone, token, user.id)
  await withFreeNames(() =>
    transaction(platform.db, async (tx) => {
      await useCode(tx, code)
      await lockPhone(tx, phone)
      const before = await tx
        .selectFrom('accounts.users')
        .select('phone')
        .where('id', '=', user.id)
        .forUpdate()
        .executeTakeFirstOrThrow()
      await tx.updateTable('accounts.users').set({ phone, updated_at: sql`now()` }).where('id', '=', user.id).execute()
      await recordChange(tx, user, {
        action: 'accounts.link_phone',
        subject: 'accounts.users',
        subject_id: user.id,
        before,
        after: { phone },
      })
    }),
  )
  return getProfile(platform.db, user.id)
}

/** Sends codes that are still worth something. A second run of a job sends the same code under the same id. */
export async function sendSms(platform: Platform, jobs: Job<{ code_id: number }>[]): Promise<(Error | undefined)[]> {
  return Promise.all(
    jobs.map(({ data, signal }) => sendOne(platform, data.code_id, signal).catch((error: Error) => error)),
  )
}

async function sendOne(platform: Platform, id: number, signal: AbortSignal): Promise<undefined> {
  const { db, config, translate } = platform
  const key = `code-${id}`
  const code = await db
    .selectFrom('accounts.codes as c')
    .select([
      'c.phone',
      'c.locale',
      sql<boolean>`c.used_at is null and c.expires_at > now() and not exists (
        select from accounts.codes n where n.phone = c.phone and n.kind = c.kind
          and n.user_id is not distinct from c.user_id and n.id > c.id)`.as('alive'),
    ])
    .where('c.id', '=', id)
    .executeTakeFirst()
  if (!code?.alive) {
    await db
      .updateTable('platform.outbox')
      .set({ state: 'failed' })
      .where('key', '=', key)
      .where('state', '=', 'queued')
      .execute()
    return
  }
  // The last line is how phones know for which site the code is, and offer to fill it in.
  const text = `${translate(code.locale as Locale, 'accounts.sms_code')}\n\n@${new URL(config.PUBLIC_URL).hostname} #{secret}`
  const { rows } = await sql<{ state: string }>`
    insert into platform.outbox (key, kind, "to", text, secret)
    values (${key}, 'sms', ${code.phone}, ${text}, ${JSON.stringify({ kind: 'code', id })})
    on conflict (key) do update set error = null returning state`.execute(db)
  if (rows[0]!.state === 'sent') return
  try {
    const send = accountsSettings(platform).SMS_URL === 'log' ? sendToLog : sendToGateway
    await send(platform, id, code.phone!, text.replaceAll('{secret}', await codeSecret.reveal(platform, id)), signal)
    await sql`update platform.outbox set state = 'sent', sent_at = now() where key = ${key}`.execute(db)
  } catch (error) {
    await sql`update platform.outbox set error = ${(error as Error).message} where key = ${key}`.execute(db)
    throw error
  }
}

/** Instead of a gateway: the log, as slow as a real one. This line alone ever shows a code. */
async function sendToLog(platform: Platform, id: number, phone: string, text: string, signal: AbortSignal) {
  await pause(1000 + Math.random() * 1000, undefined, { signal })
  platform.log.info({ code_id: id, to: `…${phone.slice(-4)}`, sms: text }, 'an SMS, for there is no SMS_URL')
}

const openGateway = (platform: Platform): Outgoing =>
  openOutgoing({
    name: 'sms',
    origin: new URL(accountsSettings(platform).SMS_URL).origin,
    timeoutMs: 10_000,
    maxBytes: 65_536,
    concurrency: 8,
    log: platform.log,
  })

async function sendToGateway(platform: Platform, id: number, phone: string, text: string, signal: AbortSignal) {
  const url = new URL(accountsSettings(platform).SMS_URL)
  const gateway = platform.own(openGateway, (outgoing) => outgoing.close())
  const answer = await gateway.request({
    method: 'POST',
    path: `${url.pathname.replace(/\/$/, '')}/v1/send/${id}`,
    headers: {
      'content-type': 'application/json',
      // A user and password in SMS_URL, for gateways that ask who sends.
      ...(url.username
        ? { authorization: `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}` }
        : {}),
    },
    body: JSON.stringify({ id, phone: Number(phone), text }),
    signal,
  })
  if (answer.status !== 200 || codeOf(answer.body) !== 0) throw new Error(`the SMS gateway answered ${answer.status}`)
}

function codeOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()).code
  } catch {
    return undefined
  }
}
