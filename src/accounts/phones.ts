import { sql } from 'kysely'
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault } from '../platform/errors.ts'
import { admit, networkOf } from '../platform/limits.ts'
import type { Platform } from '../platform/module.ts'
import { requireRecentLogin } from './access-tokens.ts'
import { checkCode, createCode, useCode } from './codes.ts'
import type { Device } from './devices.ts'
import { tellOwner } from './notices.ts'
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
      asker: address ?? '',
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
  device: Device,
): Promise<Session & { created: boolean }> {
  const code = await checkCode(platform, 'login', phone, token, device.address)
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
    const session = await openSession(platform, tx, { id }, device)
    return { ...session!, created: !found }
  })
}

/** Joins a number to the account of a logged-in user who proved by a code to hold it. */
export async function linkPhone(platform: Platform, user: User, phone: string, token: string): Promise<Profile> {
  requireRecentLogin(user)
  const code = await checkCode(platform, 'phone', phone, token, user.address ?? '', user.id)
  await withFreeNames(() =>
    transaction(platform.db, async (tx) => {
      await useCode(tx, code)
      await lockPhone(tx, phone)
      const before = await tx
        .selectFrom('accounts.users')
        .select(['id', 'phone', 'email', 'email_confirmed_at', 'locale', 'token_version'])
        .where('id', '=', user.id)
        .forUpdate()
        .executeTakeFirstOrThrow()
      requireRecentLogin(user, before)
      if (before.phone === phone) return
      await tx.updateTable('accounts.users').set({ phone, updated_at: sql`now()` }).where('id', '=', user.id).execute()
      await recordChange(tx, user, {
        action: 'accounts.link_phone',
        subject: 'accounts.users',
        subject_id: user.id,
        before: { phone: before.phone },
        after: { phone },
      })
      await tellOwner(platform, tx, 'phone', before)
    }),
  )
  return getProfile(platform.db, user.id)
}
