import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import type { Role } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { words } from '../platform/settings.ts'
import type { Device } from './devices.ts'
import { openSession, type Session } from './sessions.ts'
import { accountsSettings } from './settings.ts'
import { insertUser, nameWithoutOwner, type Origin, withFreeNames } from './users.ts'

/** What a browser keeps while its person is at the provider; `next` is where they were going here. */
export type Errand = { state: string; nonce: string; verifier: string; next: string; again: boolean }

/** Who came, as the provider says. `email` only if the provider has confirmed it; `proved_at` in seconds, if it tells. */
export type Identity = {
  issuer: string
  subject: string
  email: string | undefined
  first_name: string
  last_name: string
  proved_at: number | undefined
}

const timeoutSeconds = 10

/** What the provider says of itself, asked at the first login and again after a failure. */
function openProvider(platform: Platform): () => Promise<oidc.Configuration> {
  const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET } = accountsSettings(platform)
  const issuer = new URL(OIDC_ISSUER)
  const insecure = issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []
  const secret = OIDC_CLIENT_SECRET ? oidc.ClientSecretBasic(OIDC_CLIENT_SECRET) : oidc.None()
  const discover = () =>
    oidc.discovery(issuer, OIDC_CLIENT_ID, {}, secret, {
      timeout: timeoutSeconds,
      // Its signature is checked too, though the ID token comes from the provider itself.
      execute: [...insecure, oidc.enableNonRepudiationChecks],
    })
  let known: Promise<oidc.Configuration> | undefined
  return () => {
    known ??= discover().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}

async function provider(platform: Platform): Promise<oidc.Configuration> {
  if (!accountsSettings(platform).OIDC_ISSUER) throw notFound()
  return platform
    .own(openProvider)()
    .catch((error: unknown) => {
      platform.log.warn({ err: error }, 'the identity provider does not say what it is')
      throw new AppError(503, 'accounts.oidc_away', {}, { cause: error })
    })
}

const callbackOf = ({ config }: Platform) => `${config.PUBLIC_URL}/api/auth/oidc/callback`

/** Where a browser goes to log in at the provider, and what it keeps until it is back. `again`: the person proves anew who they are. */
export async function beginOidc(
  platform: Platform,
  { next, again }: { next: string; again: boolean },
): Promise<{ url: string; errand: Errand }> {
  const configuration = await provider(platform)
  const verifier = oidc.randomPKCECodeVerifier()
  const errand = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier, next, again }
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: callbackOf(platform),
    scope: 'openid email profile',
    state: errand.state,
    nonce: errand.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(again ? { max_age: '0' } : {}),
  })
  return { url: url.href, errand }
}

/** Who came back from the provider, by the query of the callback; refuses what this browser did not ask for. */
export async function identityOf(platform: Platform, query: string, errand: Errand): Promise<Identity> {
  const configuration = await provider(platform)
  try {
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(callbackOf(platform) + query), {
      expectedState: errand.state,
      expectedNonce: errand.nonce,
      pkceCodeVerifier: errand.verifier,
      idTokenExpected: true,
      // Some seconds have passed since the person typed their password there.
      ...(errand.again ? { maxAge: 300 } : {}),
    })
    const said = tokens.claims()!
    // Providers may keep all but the subject for who asks with the access token.
    const asks = said.email === undefined && configuration.serverMetadata().userinfo_endpoint
    const claims = asks
      ? { ...(await oidc.fetchUserInfo(configuration, tokens.access_token, said.sub)), ...said }
      : said
    const text = (value: unknown, length: number) => (typeof value === 'string' ? value.slice(0, length) : '')
    const email = text(claims.email, 255)
    return {
      issuer: said.iss,
      subject: said.sub,
      email:
        claims.email_verified === true && /^[^@\s]+@[^@\s]+$/.test(email) && email.length < 255 ? email : undefined,
      first_name: text(claims.given_name, 150),
      last_name: text(claims.family_name, 150),
      proved_at: said.auth_time,
    }
  } catch (error) {
    platform.log.info({ err: error }, 'a login by the identity provider was refused')
    throw new AppError(403, 'accounts.oidc_failed', {}, { cause: error })
  }
}

/**
 * Logs in whom the provider knows, by (issuer, subject). Who comes the first time is joined to the account of their address
 * if both sides confirmed it, else gets one; who is on OIDC_ADMINS becomes an administrator.
 */
export async function logInByIdentity(
  platform: Platform,
  identity: Identity,
  origin: Origin,
  device: Device,
): Promise<Session> {
  const { OIDC_ADMINS, OIDC_ALLOW } = accountsSettings(platform)
  const { issuer, subject, email } = identity
  const isAdmin = email !== undefined && words(OIDC_ADMINS.toLowerCase()).includes(email.toLowerCase())
  if (!isAdmin && OIDC_ALLOW !== 'everyone') throw new AppError(403, 'accounts.oidc_closed')
  return transaction(platform.db, async (tx) => {
    // Logins of one identity take turns, so that it never gets two accounts.
    const lock = createHash('sha256')
      .update(JSON.stringify([issuer, subject]))
      .digest('base64url')
    await sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 13))`.execute(tx)
    const user = (await findByIdentity(tx, identity)) ?? (await join(tx, identity, origin))
    if (!user.is_active) throw new AppError(403, 'accounts.blocked')
    if (isAdmin && user.role !== 'admin') {
      await tx
        .updateTable('accounts.users')
        .set({ role: 'admin', updated_at: sql`now()` })
        .where('id', '=', user.id)
        .execute()
      await recordChange(
        tx,
        { ...origin, id: user.id },
        {
          action: 'accounts.become_admin',
          subject: 'accounts.users',
          subject_id: user.id,
          before: { role: user.role },
          after: { role: 'admin' },
        },
      )
    }
    const { proved_at } = identity
    return (await openSession(platform, tx, { id: user.id, ...(proved_at ? { proved_at } : {}) }, device))!
  })
}

type Found = { id: number; role: Role; is_active: boolean }

async function findByIdentity(tx: Tx, { issuer, subject }: Identity): Promise<Found | undefined> {
  const { rows } = await sql<Found>`
    select u.id, u.role, u.is_active from accounts.users u where u.id = (
      select user_id from accounts.identities where issuer = ${issuer} and subject = ${subject}) for no key update`.execute(
    tx,
  )
  if (rows[0])
    await sql`update accounts.identities set last_used_at = now() where issuer = ${issuer} and subject = ${subject}`.execute(
      tx,
    )
  return rows[0]
}

/** Joins an identity to the account of its address, or to a new one. */
async function join(tx: Tx, identity: Identity, origin: Origin): Promise<Found> {
  const { issuer, subject, email, first_name, last_name } = identity
  const { rows } = await sql<Found & { confirmed: boolean }>`
    select id, role, is_active, email_confirmed_at is not null confirmed from accounts.users
    where lower(email) = lower(${email ?? null}) for no key update`.execute(tx)
  const owner = rows[0]
  // Whoever typed an address in without proving it may not be its owner.
  if (owner && !owner.confirmed) throw new AppError(409, 'accounts.oidc_not_confirmed')
  const user =
    owner ??
    (await withFreeNames(async (): Promise<Found> => {
      const own = email ? { email, email_confirmed_at: sql<string>`now()` } : {}
      const id = await insertUser(tx, {
        username: nameWithoutOwner(),
        ...own,
        first_name,
        last_name,
        locale: origin.locale,
      })
      return { id, role: 'user', is_active: true }
    }))
  const { id } = await tx
    .insertInto('accounts.identities')
    .values({ user_id: user.id, issuer, subject })
    .returning('id')
    .executeTakeFirstOrThrow()
  const actor = { ...origin, id: user.id }
  await recordChange(tx, actor, {
    action: owner ? 'accounts.join_identity' : 'accounts.register',
    subject: 'accounts.users',
    subject_id: user.id,
    after: { identity: id, issuer },
  })
  return user
}
