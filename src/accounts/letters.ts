import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { sqlOf, transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { type Recipient, releaseLetters, sendLetters } from '../platform/letters.ts'
import { admit } from '../platform/limits.ts'
import { wake } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { checkLink, createCode, letterLimits, linkRefused, useCode } from './codes.ts'

type Row = Recipient & { id: number; kind: 'reset' | 'email' }

/** Sends links that are still worth something, to addresses that somebody has. */
export async function mailLinks(platform: Platform, jobs: Job<{ code_id: number }>[]) {
  const { config, translate: t } = platform
  const { rows } = await sql<Row>`
    select c.id, c.kind, c.locale, c.email, u.id user_id, u.email_confirmed_at is not null confirmed from accounts.codes c
    join accounts.users u on lower(u.email) = lower(c.email) and u.is_active
      and case c.kind when 'email' then u.id = c.user_id and u.email_confirmed_at is null else true end
    where c.id = any(${jobs.map((j) => j.data.code_id)}::bigint[]) and c.used_at is null and c.expires_at > now()`.execute(
    platform.db,
  )
  return sendLetters(
    platform,
    jobs,
    (data) => data.code_id,
    rows,
    ({ id, kind }, locale) => {
      // Behind the # a link's secret reaches no server but by the page that uses it, and no log.
      const page = kind === 'reset' ? 'reset-password' : 'confirm-email'
      return {
        key: `code-${id}`,
        subject: t(locale, `accounts.mail.${kind}_subject`),
        paragraphs: [t(locale, `accounts.mail.${kind}`), t(locale, `accounts.mail.${kind}_not_you`)],
        button: { label: t(locale, `accounts.mail.${kind}_button`), url: `${config.PUBLIC_URL}/${page}#{secret}` },
        secret: { kind: 'code', id },
        provesAddress: true,
      }
    },
  )
}

/** Sends the letter that confirms one's address again. */
export async function requestConfirmation(platform: Platform, user: User, locale: Locale): Promise<void> {
  await transaction(platform.db, async (tx) => {
    const own = await tx
      .selectFrom('accounts.users')
      .select(['email', 'email_confirmed_at'])
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow()
    if (!own.email || own.email_confirmed_at) throw new AppError(409, 'accounts.nothing_to_confirm')
    await admit(platform, sqlOf(tx), letterLimits(own.email, user.address, user.id))
    await createCode(platform, tx, { kind: 'email', email: own.email, user_id: user.id, locale })
  })
}

/** Confirms an address by the link that was sent to it, once, while it is still the account's. */
export async function confirmEmail(platform: Platform, actor: Partial<User>, token: string): Promise<void> {
  const code = await checkLink(platform, 'email', token)
  await transaction(platform.db, async (tx) => {
    const { email, user_id } = await useCode(tx, code, linkRefused)
    const { rows } = await sql<{ id: number }>`
      update accounts.users set email_confirmed_at = coalesce(email_confirmed_at, now()), updated_at = now()
      where id = ${user_id} and lower(email) = lower(${email}) and is_active returning id`.execute(tx)
    if (!rows[0]) throw linkRefused()
    await wake(tx, 'accounts.held_letters')
    const { id } = rows[0]
    await recordChange(
      tx,
      { ...actor, id },
      { action: 'accounts.confirm_email', subject: 'accounts.users', subject_id: id },
    )
  })
}

/** Lets go the letters that were held for accounts whose address is confirmed by now. */
export const releaseHeld = (platform: Platform): Promise<void> =>
  releaseLetters(platform, sql`select id from accounts.users where email_confirmed_at is not null`)
