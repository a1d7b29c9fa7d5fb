import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { gather } from './batch.ts'
import { compress, type Encoding, encodingFor, leastBytes } from './compression.ts'
import { bareTransaction, type Client, run } from './database.ts'
import { etagOf, sendTagged } from './etags.ts'
import type { Logger } from './log.ts'
import { cacheReads } from './metrics.ts'
import type { CachedAnswer, Store } from './stores.ts'

/** What a cached answer is made from. */
export type Source = {
  /** Scopes whose stamps it depends on; whoever changes what they cover sets a new stamp in the same transaction. */
  scopes: string[]
  /** Reads the answer in one snapshot; `validUntil` is the next instant at which the clock alone changes it. */
  read(client: Client): Promise<{ answer: object; validUntil?: string | null }>
  /** The fields of the answer that people edit, for If-Match. */
  edits?: readonly string[]
  /** Kept no longer than this, whatever the stamps say. */
  maxAgeSeconds?: number
}

const stampsSql = `
  select extract(epoch from statement_timestamp()) * 1000 now, coalesce(jsonb_object_agg(scope, stamps), '{}') stamps
  from (select scope, string_agg(stamp::text, '' order by shard) stamps
        from platform.stamps where scope = any($1) group by scope) s`

type Stamps = { now: number; stamps: Record<string, string> }

async function readStamps(on: pg.Pool | Client, scopes: string[]): Promise<Stamps> {
  const [row] = await run<{ now: string; stamps: Record<string, string> }>(on, stampsSql, [scopes])
  return { now: Number(row!.now), stamps: row!.stamps }
}

/** Tells one database from another, also from its copy: the cluster and the number of the database in it. */
export async function databaseId(pool: pg.Pool): Promise<string> {
  const [row] = await run<{ id: string }>(
    pool,
    `select system_identifier || '/' || oid id from pg_control_system(), pg_database where datname = current_database()`,
  )
  return row!.id
}

const versionOf = (scopes: string[], { stamps }: Stamps) => scopes.map((s) => stamps[s] ?? '').join('|')

/**
 * Gives stamps to scopes that have none, in the snapshot that the answer is read in. Who changed such a scope since then
 * has made that stamp first, and this one fails; who changes it later waits and sets another. Losing it in a crash is
 * harmless, for whatever comes in its place is random too.
 */
async function makeStamps(client: Client, scopes: string[]): Promise<Record<string, string>> {
  const made = await run<{ scope: string; stamp: string }>(
    client,
    'insert into platform.stamps (scope) select unnest($1::text[]) order by 1 on conflict do nothing returning scope, stamp',
    [scopes],
  )
  return Object.fromEntries(made.map((row) => [row.scope, row.stamp]))
}

const readBegin = 'begin isolation level repeatable read read only'
const firstReadBegin =
  "begin isolation level repeatable read; set local lock_timeout = '50ms'; set local synchronous_commit = off"

/** An answer and where it is kept, if it is. */
export type Found = CachedAnswer & { hit: boolean; name?: string }

export type Cache = {
  /** The answer as the database has it at an instant inside this call, from the store if that can be proved. */
  get(key: string, source: Source, serialize: (answer: unknown) => string): Promise<Found>
  /** The bytes of a found answer in this encoding, made once and kept with it; undefined for a short one. */
  small(found: Found, encoding: Encoding): Promise<Buffer | undefined>
  close(): Promise<void>
}

/**
 * Exact cached answers. A hit costs one shared read of stamps, begun after the request arrived; a miss reads stamps
 * and data in one snapshot and keeps the answer under the stamps of that snapshot. So the store may lose, delay or
 * keep anything, and only be cold.
 */
export function createCache(pool: pg.Pool, store: Store, log: Logger, database: string): Cache {
  const stamps = gather<string[], Stamps>(1000, async (asked) => {
    const read = await readStamps(pool, [...new Set(asked.flat())])
    return asked.map(() => read)
  })
  // What is read again and again has the same name each time.
  const names = new LRUCache<string, string>({ max: 2000 })
  const storeKey = (key: string, version: string): string => {
    const of = `${key}\n${version}`
    let name = names.get(of)
    if (!name) {
      name = createHash('sha256').update(`${database}\n${of}`).digest('base64url')
      names.set(of, name)
    }
    return name
  }
  const underWay = new Map<string, Promise<{ kept: CachedAnswer & { name?: string }; version: string }>>()

  async function compute(key: string, source: Source, serialize: (answer: unknown) => string, isFirst: boolean) {
    const { before, made, answer, validUntil } = await bareTransaction(
      pool,
      isFirst ? firstReadBegin : readBegin,
      async (client) => {
        const before = await readStamps(client, source.scopes)
        const found = await source.read(client)
        const missing = source.scopes.filter((scope) => !before.stamps[scope])
        const made = isFirst && missing.length ? await makeStamps(client, missing).catch(() => undefined) : {}
        return { before, made, ...found }
      },
    )
    const body = Buffer.from(serialize(answer))
    const age = source.maxAgeSeconds ? before.now + source.maxAgeSeconds * 1000 : Number.POSITIVE_INFINITY
    const clock = validUntil ? Date.parse(validUntil) : Number.POSITIVE_INFINITY
    const kept: CachedAnswer = {
      body,
      etag: etagOf(body, answer, source.edits),
      validUntil: Math.min(age, clock),
    }
    const stamps = { ...before.stamps, ...made }
    // Nothing is kept without a stamp: its absence would look the same in a database that was restored.
    const isKept = made && source.scopes.every((scope) => stamps[scope])
    const name = isKept ? storeKey(key, versionOf(source.scopes, { now: before.now, stamps })) : undefined
    if (name) keep(name, kept)
    return { kept: { ...kept, ...(name && { name }) }, version: versionOf(source.scopes, before) }
  }

  const keep = (name: string, kept: CachedAnswer) =>
    void store.set(name, kept).catch((error) => {
      cacheReads.inc({ result: 'store_failed' })
      log.debug({ err: error }, 'the cache store did not take an answer')
    })

  /** Compressions under way, so that callers who come together share one. */
  const shrinking = new Map<string, Promise<Buffer>>()
  async function small({ name, hit: _, ...kept }: Found, encoding: Encoding): Promise<Buffer | undefined> {
    if (kept.body.length < leastBytes) return undefined
    if (kept.small?.[encoding]) return kept.small[encoding]
    const work = `${name ?? kept.etag}${encoding}`
    const shared = shrinking.get(work)
    if (shared) return shared
    const made = compress(kept.body, encoding)
    shrinking.set(work, made)
    try {
      const bytes = await made
      if (name) keep(name, { ...kept, small: { ...kept.small, [encoding]: bytes } })
      return bytes
    } finally {
      shrinking.delete(work)
    }
  }

  async function get(key: string, source: Source, serialize: (answer: unknown) => string) {
    const now = await stamps(source.scopes)
    const version = versionOf(source.scopes, now)
    const isFirst = source.scopes.some((scope) => !now.stamps[scope])
    const name = storeKey(key, version)
    const found = isFirst
      ? undefined
      : await store.get(name).catch((error) => {
          cacheReads.inc({ result: 'store_failed' })
          log.debug({ err: error }, 'the cache store did not answer')
          return undefined
        })
    if (found && now.now < found.validUntil) {
      cacheReads.inc({ result: 'hit' })
      return { ...found, name, hit: true }
    }
    cacheReads.inc({ result: 'miss' })
    // Callers who miss together share one reading, if its snapshot has the stamps that they themselves have read.
    const shared = underWay.get(name)
    if (shared) {
      const result = await shared.catch(() => undefined)
      if (result?.version === version && now.now < result.kept.validUntil) return { ...result.kept, hit: false }
      return { ...(await compute(key, source, serialize, isFirst)).kept, hit: false }
    }
    const reading = compute(key, source, serialize, isFirst)
    underWay.set(name, reading)
    try {
      return { ...(await reading).kept, hit: false }
    } finally {
      underWay.delete(name)
    }
  }

  return { get, small, close: () => store.close() }
}

/** Sends a cached answer of this route, query and class of viewers, with ETag and X-Cache; 304 where the caller has it. */
export async function sendCached(
  cache: Cache,
  req: FastifyRequest,
  reply: FastifyReply,
  source: Source,
  viewer = 'all',
) {
  const query = Object.entries(req.query as object).sort(([a], [b]) => (a < b ? -1 : 1))
  const key = JSON.stringify([req.routeOptions.url, req.routeOptions.config.shape, req.params, query, viewer])
  const serialize = reply.getSerializationFunction('200') as (answer: unknown) => string
  const found = await cache.get(key, source, serialize)
  reply.header('x-cache', found.hit ? 'HIT' : 'MISS').header('cache-control', 'private, no-cache')
  const encoding = encodingFor(req)
  const body = encoding && (await cache.small(found, encoding))
  return sendTagged(req, reply, { ...found, small: body && { encoding, body } })
}
