import { createHash, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { Static } from 'typebox'
import { type PageOf, pageAnswer, pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { type Actor, recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { fieldFault, notFound } from '../platform/errors.ts'
import { requireRecentLogin } from './access-tokens.ts'
import type { CreatedMachineToken, MachineToken, NewMachineToken } from './schemas.ts'
import type { Checked } from './sessions.ts'
import { wrongPassword } from './users.ts'

const newToken = () => {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: createHash('sha256').update(token).digest() }
}

const recordToken = (tx: Tx, actor: Actor, id: number, after?: object) =>
  recordChange(tx, actor, { action: 'accounts.create_token', subject: 'accounts.tokens', subject_id: id, after })

/** Makes a long-lived token for a machine, of a user whose password was just checked; only its hash is kept, so it is shown this once. */
export async function createMachineToken(
  db: Db,
  { id: user, password_hash }: Checked,
  origin: Partial<User>,
): Promise<string> {
  const { token, hash } = newToken()
  await transaction(db, async (tx) => {
    // Whoever changes the user takes turns with this.
    const { rows } = await sql<{ id: number }>`
      insert into accounts.tokens (user_id, hash) select id, ${hash} from accounts.users
      where id = ${user} and is_active and password_hash = ${password_hash} for share
      returning id`.execute(tx)
    if (!rows[0]) throw wrongPassword()
    await recordToken(tx, { ...origin, id: user }, rows[0].id)
  })
  return token
}

const tokenColumns = ['id', 'name', 'scopes', 'expires_at', 'addresses', 'created_at', 'last_used_at'] as const

/**
 * Makes a token of one's own that may only what its scopes name, until it expires, from the networks given. Needs a recent
 * login; only its hash is kept, so it is shown this once.
 */
export async function createScopedToken(
  db: Db,
  user: User,
  input: NewMachineToken,
): Promise<Static<typeof CreatedMachineToken>> {
  requireRecentLogin(user)
  const { name, scopes, expires_at, addresses } = input
  if (expires_at && Date.parse(expires_at) <= Date.now()) throw fieldFault('/expires_at', 'accounts.expired_already')
  const wrong = addresses?.findIndex((network) => !isNetwork(network)) ?? -1
  if (wrong >= 0) throw fieldFault(`/addresses/${wrong}`, 'accounts.no_network')
  const { token, hash } = newToken()
  return transaction(db, async (tx) => {
    const present = await tx
      .selectFrom('accounts.users')
      .select('token_version')
      .where('id', '=', user.id)
      .forShare()
      .executeTakeFirstOrThrow()
    requireRecentLogin(user, present)
    const made = await tx
      .insertInto('accounts.tokens')
      .values({ user_id: user.id, hash, name, scopes, expires_at: expires_at ?? null, addresses: addresses ?? null })
      .returning(tokenColumns)
      .executeTakeFirstOrThrow()
    await recordToken(tx, user, made.id, { scopes, expires_at, addresses })
    return { ...made, token }
  })
}

/** Whether it is an address, or a network as CIDR has it. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  const most = version === 4 ? 32 : 128
  return (
    version > 0 &&
    !address.includes('%') &&
    !rest.length &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
  )
}

/** One's own tokens that still hold, newest first. */
export async function listMachineTokens(
  db: Db,
  user: User,
  req: FastifyRequest,
): Promise<PageOf<Static<typeof MachineToken>>> {
  const page = pageRequest(req)
  const own = db
    .selectFrom('accounts.tokens')
    .where('user_id', '=', user.id)
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`(expires_at is null or expires_at > now())`)
  const rows = await own
    .select(tokenColumns)
    .orderBy('id', page.direction)
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { n } = await own.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
  return pageAnswer(page, rows, n)
}

/** Ends a token of one's own at once. */
export async function revokeMachineToken(db: Db, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('accounts.tokens')
      .set({ revoked_at: sql`now()` })
      .where('id', '=', id)
      .where('user_id', '=', user.id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (!numUpdatedRows) throw notFound()
    await recordChange(tx, user, { action: 'accounts.revoke_token', subject: 'accounts.tokens', subject_id: id })
  })
}
