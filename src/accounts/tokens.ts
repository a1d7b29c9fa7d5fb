import { createHash, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import { type PageOf, pageAnswer, pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, transaction } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import type { Checked } from './sessions.ts'
import { wrongPassword } from './users.ts'

/** Makes a long-lived token for a machine, of a user whose password was just checked; only its hash is kept, so it is shown this once. */
export async function createMachineToken(
  db: Db,
  { id: user, password_hash }: Checked,
  origin: Partial<User>,
): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await transaction(db, async (tx) => {
    // Whoever changes the user takes turns with this.
    const { rows } = await sql<{ id: number }>`
      insert into accounts.tokens (user_id, hash)
      select id, ${createHash('sha256').update(token).digest()} from accounts.users
      where id = ${user} and is_active and password_hash = ${password_hash} for share
      returning id`.execute(tx)
    if (!rows[0]) throw wrongPassword()
    await recordChange(
      tx,
      { ...origin, id: user },
      { action: 'accounts.create_token', subject: 'accounts.tokens', subject_id: rows[0].id },
    )
  })
  return token
}

/** One's own tokens that still hold, newest first. */
export async function listMachineTokens(
  db: Db,
  user: User,
  req: FastifyRequest,
): Promise<PageOf<{ id: number; created_at: string; last_used_at: string | null }>> {
  const page = pageRequest(req)
  const own = db.selectFrom('accounts.tokens').where('user_id', '=', user.id).where('revoked_at', 'is', null)
  const rows = await own
    .select(['id', 'created_at', 'last_used_at'])
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
