import { type Db, type RunSql, sqlOf, type Tx, transaction } from './database.ts'
import { AppError } from './errors.ts'

/** An Idempotency-Key of a request: whose, where, and over which body; `serialize` makes the body of the answer. */
export type Once = {
  userId: number
  route: string
  key: string
  hash: Buffer
  serialize(answer: unknown): string
  /** Set when the answer is one that was given before. */
  replayed: boolean
}

type Claim = 'new' | 'busy' | { body: string } | AppError

const identities = (onces: Once[]) => [onces.map((o) => o.userId), onces.map((o) => o.route), onces.map((o) => o.key)]

const idOf = (o: Once) => `${o.userId}:${o.route}:${o.key}`

/**
 * Takes the keys for the current transaction; never waits. `new`: do the work and store its answer; `busy`: another
 * transaction holds the key, or another call of this one that came before; a body: the answer to give again; 422: an
 * answer to another body is stored. Three statements, for each must see what was committed before it took its lock.
 */
export async function claimKeys(sql: RunSql, onces: Once[]): Promise<Claim[]> {
  const free = await sql<{ free: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended(u || ':' || r || ':' || k, 7)) free
     from unnest($1::bigint[], $2::text[], $3::text[]) with ordinality t(u, r, k, n) order by n`,
    identities(onces),
  )
  const firsts = new Map<string, Once>()
  onces.forEach((once, i) => {
    if (free[i]!.free && !firsts.has(idOf(once))) firsts.set(idOf(once), once)
  })
  const held = [...firsts.values()]
  if (!held.length) return onces.map(() => 'busy')
  const made = await sql<{ id: string }>(
    `insert into platform.idempotency (user_id, route, key, request_hash)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[]) order by 1, 2, 3
     on conflict do nothing returning user_id || ':' || route || ':' || key id`,
    [...identities(held), held.map((o) => o.hash)],
  )
  const fresh = new Set(made.map((row) => row.id))
  const known = held.filter((o) => !fresh.has(idOf(o)))
  const stored = known.length
    ? await sql<{ id: string; request_hash: Buffer; body: string }>(
        `select t.user_id || ':' || t.route || ':' || t.key id, request_hash, body
         from unnest($1::bigint[], $2::text[], $3::text[]) as k(user_id, route, key)
         join platform.idempotency t using (user_id, route, key)`,
        identities(known),
      )
    : []
  const answers = new Map(stored.map((row) => [row.id, row]))
  return onces.map((once): Claim => {
    const id = idOf(once)
    if (fresh.has(id)) return firsts.get(id) === once ? 'new' : 'busy'
    const answer = answers.get(id)
    if (!answer) return 'busy'
    return answer.request_hash.equals(once.hash) ? { body: answer.body } : new AppError(422, 'request.key_reused')
  })
}

/** Writes the answers into the rows of their keys; the last statement before the commit. */
export async function storeAnswers(sql: RunSql, answers: { once: Once; body: string }[]): Promise<void> {
  await sql(
    `update platform.idempotency t set body = s.body
     from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) s(user_id, route, key, body)
     where (t.user_id, t.route, t.key) = (s.user_id, s.route, s.key)`,
    [...identities(answers.map((a) => a.once)), answers.map((a) => a.body)],
  )
}

/** Forgets the keys of refused calls: a refusal is not stored. */
export async function dropKeys(sql: RunSql, refused: Once[]): Promise<void> {
  await sql(
    `delete from platform.idempotency t using unnest($1::bigint[], $2::text[], $3::text[]) s(user_id, route, key)
     where (t.user_id, t.route, t.key) = (s.user_id, s.route, s.key)`,
    identities(refused),
  )
}

/** The stored answer as the value it was made from, marked as given before. */
export function replayed(once: Once, body: string): unknown {
  once.replayed = true
  return JSON.parse(body)
}

/**
 * Runs a change in one transaction. With a key, the answer is stored in that transaction, and later calls with the
 * key get it again; while another holds the key the call waits up to 5 s outside any transaction, then 409.
 */
export async function change<T>(db: Db, once: Once | undefined, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (!once) return transaction(db, work)
  const deadline = performance.now() + 5000
  for (;;) {
    const outcome = await transaction(db, async (tx): Promise<{ result: T } | 'busy'> => {
      const sql = sqlOf(tx)
      const claim = (await claimKeys(sql, [once]))[0]!
      if (claim instanceof AppError) throw claim
      if (claim === 'busy') return claim
      if (claim !== 'new') return { result: replayed(once, claim.body) as T }
      const result = await work(tx)
      await storeAnswers(sql, [{ once, body: once.serialize(result) }])
      return { result }
    })
    if (outcome !== 'busy') return outcome.result
    if (performance.now() > deadline) throw new AppError(409, 'request.key_busy', {}, { retryAfterSeconds: 1 })
    await new Promise((done) => setTimeout(done, 25))
  }
}
