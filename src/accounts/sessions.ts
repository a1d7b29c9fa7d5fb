import { createHash, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { Static } from 'typebox'
import { type PageOf, pageAnswer, pageRequest } from '../http/pages.ts'
import type { Role, User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { deleteOld } from '../platform/retention.ts'
import { accessSeconds, accessToken, type Vouched, viewToken } from './access-tokens.ts'
import { type Device, meetDevice } from './devices.ts'
import { type Reached, tellOwner } from './notices.ts'
import type { LoginRow } from './schemas.ts'

export const refreshDays = 30
/** For so long the direct parent of a refresh token gets the same successor: two tabs, a lost answer. */
const graceSeconds = 30

/** What a login is given; `view` is the value of the cookie that only reads, `device` of that which knows a browser again. */
export type Session = { access: string; refresh: string; expires_in: number; view: string; device?: string }

const sha256 = (text: string) => createHash('sha256').update(text).digest()
const successorOf = (platform: Platform, refresh: string) => platform.derive('refresh', refresh).toString('base64url')

async function sessionOf(platform: Platform, user: Vouched, refresh: string): Promise<Session> {
  const access = await accessToken(platform, user)
  return { access, refresh, expires_in: accessSeconds, view: viewToken(platform, user.login) }
}

/** A user whose password was right against this hash. */
export type Checked = { id: number; password_hash: string }

/**
 * Begins a login family for a user whose identity was just proved, or at `proved_at` (seconds), and tells them if the device is new to the account.
 * Whoever changes the user takes turns with this; undefined if they were blocked or the password is no longer the one
 * checked.
 */
export async function openSession(
  platform: Platform,
  tx: Tx,
  { id, password_hash, proved_at }: { id: number; password_hash?: string; proved_at?: number },
  device: Device,
): Promise<Session | undefined> {
  const refresh = randomBytes(32).toString('base64url')
  const [opened] = await sqlOf(tx)<Vouched & Omit<Reached, 'id'>>(
    `with holder as (
       select id, role, token_version, email, email_confirmed_at, phone, locale from accounts.users
       where id = $1 and is_active and ($4::text is null or password_hash = $4) for share),
     login as (insert into accounts.logins (user_id, device, address, proved_at)
       select id, $5, $6, least(now(), coalesce(to_timestamp($7), now())) from holder returning id, proved_at),
     token as (insert into accounts.refresh_tokens (hash, login_id, expires_at)
       select $2, id, now() + make_interval(days => $3) from login)
     select u.*, floor(extract(epoch from l.proved_at))::bigint auth_time, l.id login from holder u, login l`,
    [id, sha256(refresh), refreshDays, password_hash ?? null, device.name, device.address, proved_at ?? null],
  )
  if (!opened) return undefined
  if (await meetDevice(platform, tx, id, device)) await tellOwner(platform, tx, 'login', opened, opened.login)
  const session = await sessionOf(platform, opened, refresh)
  return device.cookie ? { ...session, device: device.cookie } : session
}

/**
 * Spends a refresh token for its successor, which is derived from it, so that its direct parent gets the same one
 * again within 30 s. Any other spent token ends the whole family: somebody has a copy.
 */
export async function refreshSession(platform: Platform, refresh: string, address: string): Promise<Session> {
  const successor = successorOf(platform, refresh)
  const outcome = await transaction(platform.db, async (tx): Promise<Vouched | undefined> => {
    const found = await tx
      .selectFrom('accounts.refresh_tokens as t')
      .innerJoin('accounts.logins as l', 'l.id', 't.login_id')
      .select(['l.id', 'l.user_id'])
      .where('t.hash', '=', sha256(refresh))
      .executeTakeFirst()
    if (!found) return undefined
    // The user before the family, as all who end families do; the family before its tokens, so that two refreshes of one
    // token take turns.
    const user = await tx
      .selectFrom('accounts.users')
      .select(['id', 'role', 'token_version', 'is_active'])
      .where('id', '=', found.user_id)
      .forShare()
      .executeTakeFirst()
    const login = await tx
      .selectFrom('accounts.logins')
      .select(['id', 'ended_at', sql<number>`floor(extract(epoch from proved_at))::bigint`.as('auth_time')])
      .where('id', '=', found.id)
      .forUpdate()
      .executeTakeFirst()
    if (!user?.is_active || !login || login.ended_at) return undefined
    const { rows } = await sql<{ state: 'fresh' | 'repeated' | 'expired' | 'reused' }>`
      select case
        when t.expires_at <= now() then 'expired'
        when t.spent_at is null then 'fresh'
        when t.spent_at > now() - make_interval(secs => ${graceSeconds}) and s.hash is not null and s.spent_at is null then 'repeated'
        else 'reused' end state
      from accounts.refresh_tokens t left join accounts.refresh_tokens s on s.hash = ${sha256(successor)}
      where t.hash = ${sha256(refresh)}`.execute(tx)
    const state = rows[0]?.state
    if (state === 'reused')
      await tx.updateTable('accounts.logins').set({ ended_at: sql`now()` }).where('id', '=', login.id).execute()
    if (state === 'fresh') {
      await tx
        .updateTable('accounts.refresh_tokens')
        .set({ spent_at: sql`now()` })
        .where('hash', '=', sha256(refresh))
        .execute()
      await tx
        .insertInto('accounts.refresh_tokens')
        .values({
          hash: sha256(successor),
          login_id: login.id,
          expires_at: sql`now() + make_interval(days => ${refreshDays})`,
        })
        .execute()
    }
    if (state !== 'fresh' && state !== 'repeated') return undefined
    await tx
      .updateTable('accounts.logins')
      .set({ last_used_at: sql`now()`, address })
      .where('id', '=', login.id)
      .execute()
    const { id, token_version } = user
    return { id, role: user.role as Role, token_version, auth_time: login.auth_time, login: login.id }
  })
  if (!outcome) throw new AppError(401, 'accounts.refresh_refused')
  return sessionOf(platform, outcome, successor)
}

/** Ends the login family of a refresh token of this user; one that is not there is fine. */
export async function closeSession(db: Db, user: User, refresh: string): Promise<void> {
  await sql`
    update accounts.logins set ended_at = now() where ended_at is null and user_id = ${user.id}
      and id = (select login_id from accounts.refresh_tokens where hash = ${sha256(refresh)})`.execute(db)
}

/** Ends the login family that a browser held until now, unless the new session is of the same one. */
export async function endReplaced(db: Db, before: string, { refresh }: Session): Promise<void> {
  await sql`
    update accounts.logins set ended_at = now() where ended_at is null
      and id = (select login_id from accounts.refresh_tokens where hash = ${sha256(before)})
      and id <> (select login_id from accounts.refresh_tokens where hash = ${sha256(refresh)})`.execute(db)
}

const living = sql<boolean>`ended_at is null
  and exists (select from accounts.refresh_tokens t where t.login_id = logins.id and t.expires_at > now())`

/** One's own logins that still hold, newest first. */
export async function listSessions(db: Db, user: User, req: FastifyRequest): Promise<PageOf<Static<typeof LoginRow>>> {
  const page = pageRequest(req)
  const own = db.selectFrom('accounts.logins').where('user_id', '=', user.id).where(living)
  const rows = await own
    .select([
      'id',
      'device',
      'address',
      'created_at',
      'last_used_at',
      sql<boolean>`id = ${user.login ?? 0}`.as('current'),
    ])
    .orderBy('id', page.direction)
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { n } = await own.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
  return pageAnswer(page, rows, n)
}

/** Ends a login of one's own: it is refreshed no more, and its access tokens write no more. */
export async function endSession(db: Db, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    const { rows } = await sql`
      update accounts.logins set ended_at = now() where id = ${id} and user_id = ${user.id} and ${living} returning id`.execute(
      tx,
    )
    if (!rows.length) throw notFound()
    await recordChange(tx, user, { action: 'accounts.end_login', subject: 'accounts.logins', subject_id: id })
  })
}

/** Ends all logins of one's own but the one that asks. */
export async function endOtherSessions(db: Db, user: User): Promise<void> {
  await transaction(db, async (tx) => {
    const { numAffectedRows } = await sql`
      update accounts.logins set ended_at = now() where id = any(array(
        select id from accounts.logins where user_id = ${user.id} and id <> ${user.login ?? 0} and ${living}
        order by id for update))`.execute(tx)
    const count = Number(numAffectedRows)
    if (!count) return
    await recordChange(tx, user, {
      action: 'accounts.end_other_logins',
      subject: 'accounts.users',
      subject_id: user.id,
      after: { count },
    })
  })
}

/** Families and tokens that nobody can use any more go after a day, devices after a year without a login. */
export async function sweepSessions(platform: Platform, signal: AbortSignal): Promise<void> {
  await deleteOld(
    platform,
    signal,
    'accounts.logins',
    sql`created_at < now() - interval '1 day' and (ended_at < now() - interval '1 day'
      or not exists (select from accounts.refresh_tokens t where t.login_id = logins.id and t.expires_at > now()))`,
  )
  const spent = sql`expires_at < now() or spent_at < now() - interval '7 days'`
  await deleteOld(platform, signal, 'accounts.refresh_tokens', spent)
  await deleteOld(platform, signal, 'accounts.devices', sql`last_used_at < now() - interval '1 year'`)
}
