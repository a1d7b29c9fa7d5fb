import { type Compilable, sql } from 'kysely'
import { pageAnswer, type pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import type { Source } from '../platform/cache.ts'
import { type Client, run, sqlOf, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { withPicture } from '../platform/pictures.ts'
import { contains } from '../platform/search.ts'
import { newestSql } from './feed.ts'
import { lockOrganised, mayOrganise, recordCollect } from './organisers.ts'
import {
  type Collect,
  type CollectChange,
  type CollectsQuery,
  collectEdits,
  type FeedItem,
  type NewCollect,
  type Organiser,
} from './schemas.ts'

/** What a list shows of a collect `c` and its author `u`. `status` is computed from the clock, so no job has to end anything. */
export const columns = `c.id, json_build_object('id', u.id, 'full_name', u.full_name) author, c.title, c.occasion, c.description,
  c.target_amount, c.max_amount, c.collected_amount, c.spent_amount, c.donors_count, c.payments_count,
  '/files/' || c.cover cover, c.ends_at,
  case when c.closed_at is not null then 'closed' when c.ends_at <= now() then 'ended' else 'active' end status,
  c.created_at, c.updated_at`
const collectSql = `select ${columns} from collects.collects c join accounts.users u on u.id = c.author_id where c.id = $1`
const organisersSql = `
  select u.id, u.full_name from collects.organisers o join accounts.users u on u.id = o.user_id
  where o.collect_id = $1 order by o.added_at, u.id`

/** The collect with the newest of its feed, from the cache or as it would be there. */
export function collectDetail(id: number): Source {
  return {
    scopes: [`collect:${id}`, 'names'],
    edits: collectEdits,
    async read(client) {
      const [collect] = await run<Collect>(client, collectSql, [id])
      if (!collect) throw notFound()
      const payments = await run<FeedItem>(client, `${newestSql} order by p.id desc limit 20`, [id])
      const organisers = await run<Organiser>(client, organisersSql, [id])
      return {
        answer: { ...collect, payments, organisers },
        validUntil: collect.status === 'active' ? collect.ends_at : null,
      }
    },
  }
}

const is = {
  active: sql<boolean>`c.closed_at is null and c.ends_at > now()`,
  ended: sql<boolean>`c.closed_at is null and c.ends_at <= now()`,
  closed: sql<boolean>`c.closed_at is not null`,
}

/** Collects by occasion, author, status and words; newest first unless ordered otherwise. */
export function collectList({ db }: Platform, query: CollectsQuery, page: ReturnType<typeof pageRequest>): Source {
  const { occasion, author, status, search, ordering = '-created_at' } = query
  const field = ordering.replace('-', '') as 'created_at'
  const direction = ordering.startsWith('-') ? 'desc' : 'asc'
  const filters = [sql<boolean>`true`]
  if (occasion) filters.push(sql`c.occasion = ${occasion}`)
  if (author) filters.push(sql`c.author_id = ${author}`)
  if (status) filters.push(is[status])
  if (search) filters.push(contains(sql`c.title || ' ' || c.description`, search))
  const found = db.selectFrom('collects.collects as c').where(sql<boolean>`${sql.join(filters, sql` and `)}`)
  const rows = found
    .innerJoin('accounts.users as u', 'u.id', 'c.author_id')
    .select(sql.raw<Collect>(columns) as never)
    .orderBy(`c.${field}`, direction)
    .orderBy('c.id', direction)
    .limit(page.limit)
    .offset(page.offset)
  const count = found.select((e) => e.fn.countAll<number>().as('n'))
  return {
    scopes: ['collects', 'names'],
    async read(client) {
      const results = await runBuilt<Collect>(client, rows)
      const [{ n }] = (await runBuilt<{ n: number }>(client, count)) as [{ n: number }]
      const [next] = await run<{ at: string | null }>(
        client,
        'select min(ends_at) at from collects.collects where closed_at is null and ends_at > now()',
      )
      return { answer: pageAnswer(page, results, n), validUntil: next!.at }
    },
  }
}

const runBuilt = async <R>(client: Client, query: Compilable): Promise<R[]> => {
  const { sql: text, parameters } = query.compile()
  return (await client.query(text, parameters as unknown[])).rows as R[]
}

/** By the database's clock, which payments bear; on a locked collect no payment can come to lie behind the instant. */
async function isPast(tx: Tx, at: string): Promise<boolean> {
  const [row] = await sqlOf(tx)<{ past: boolean }>('select $1::timestamptz <= statement_timestamp() past', [at])
  return row!.past
}

async function getCollect(tx: Tx, id: number): Promise<Collect> {
  const { rows } = await sql<Collect>`select ${sql.raw(columns)} from collects.collects c
    join accounts.users u on u.id = c.author_id where c.id = ${id}`.execute(tx)
  return rows[0]!
}

/** Opens a collect; its author gets a letter. */
export async function createCollect(
  platform: Platform,
  author: User,
  input: NewCollect,
  upload: Buffer | undefined,
  once: Once | undefined,
): Promise<Collect> {
  return withPicture(
    platform,
    'covers',
    upload,
    (cover) =>
      change(platform.db, once, async (tx) => {
        // Not before the key was looked at: a retry gets its answer, however late.
        if (await isPast(tx, input.ends_at)) throw fieldFault('/ends_at', 'validation.in_past')
        const { id } = await tx
          .insertInto('collects.collects')
          .values({ ...input, author_id: author.id, cover: cover ?? null })
          .returning('id')
          .executeTakeFirstOrThrow()
        await platform.jobs.enqueue(tx, 'collects.created_mail', [{ collect_id: id }])
        await recordCollect(tx, author, 'open', id, undefined, { ...input, cover })
        return getCollect(tx, id)
      }),
    () => !once?.replayed,
  )
}

/** Changes what its author may change; a new cover takes the place of the old one, which goes after the commit. */
export async function changeCollect(
  platform: Platform,
  user: User,
  id: number,
  input: CollectChange,
  { upload, match }: { upload?: Buffer | undefined; match?: string | undefined } = {},
): Promise<Collect> {
  // A picture is decoded only for one who may set it; the lock decides again.
  if (upload) await mayOrganise(platform.db, user, id)
  return withPicture(
    platform,
    'covers',
    upload,
    (cover) => writeCollect(platform, user, id, { ...input, ...(cover ? { cover } : {}) }, match),
    () => true,
  )
}

/** Takes the cover away; none is fine. */
export async function removeCover(platform: Platform, user: User, id: number): Promise<void> {
  await writeCollect(platform, user, id, { cover: null })
}

async function writeCollect(
  platform: Platform,
  user: User,
  id: number,
  fields: CollectChange & { cover?: string | null },
  match?: string,
): Promise<Collect> {
  return transaction(platform.db, async (tx) => {
    const before = await lockOrganised(tx, user, id)
    if (fields.ends_at !== undefined && (await isPast(tx, fields.ends_at)))
      throw fieldFault('/ends_at', 'validation.in_past')
    if (match !== undefined) checkMatch(match, await getCollect(tx, id), collectEdits)
    if (Object.keys(fields).length) {
      await tx
        .updateTable('collects.collects')
        .set({ ...fields, updated_at: sql`now()` })
        .where('id', '=', id)
        .execute()
      const { author_id: _, is_author: __, ...was } = before
      await recordCollect(tx, user, 'change', id, was, { ...was, ...fields })
    }
    if (before.cover && fields.cover !== undefined)
      await platform.jobs.enqueue(tx, 'collects.remove_cover', [{ cover: before.cover }])
    return getCollect(tx, id)
  })
}

/** Ends a collect before its time; one that is over already: 409. */
export async function closeCollect({ db }: Platform, user: User, id: number): Promise<Collect> {
  return transaction(db, async (tx) => {
    const before = await lockOrganised(tx, user, id)
    if (before.closed_at || (await isPast(tx, before.ends_at))) throw new AppError(409, 'collects.already_over')
    await tx
      .updateTable('collects.collects')
      // Not now(), which is before the collect was locked: somebody may have paid since.
      .set({ closed_at: sql`statement_timestamp()`, updated_at: sql`now()` })
      .where('id', '=', id)
      .execute()
    await recordCollect(tx, user, 'close', id, { status: 'active' }, { status: 'closed' })
    return getCollect(tx, id)
  })
}

/** Deletes a collect that never had a payment; with one, refunded or not, it stays: 409. */
export async function deleteCollect(platform: Platform, user: User, id: number): Promise<void> {
  await transaction(platform.db, async (tx) => {
    const collect = await lockOrganised(tx, user, id, 'author')
    const { cover } = collect
    const pictures = await picturesOf(tx, id)
    // Who pays locks the collect first, so none can come between this look and the delete.
    const paid = await tx
      .selectFrom('collects.payments')
      .select('id')
      .where('collect_id', '=', id)
      .limit(1)
      .executeTakeFirst()
    if (paid) throw new AppError(409, 'collects.has_payments')
    await tx.deleteFrom('collects.collects').where('id', '=', id).execute()
    await recordCollect(tx, user, 'delete', id, collect)
    await platform.jobs.enqueue(
      tx,
      'collects.remove_cover',
      [cover, ...pictures].flatMap((key) => (key ? [{ cover: key }] : [])),
    )
  })
}

/** Keys of the pictures in the news and the ledger of a collect. */
async function picturesOf(tx: Tx, id: number): Promise<(string | null)[]> {
  const { rows } = await sql<{ key: string | null }>`
    select picture key from collects.updates where collect_id = ${id}
    union all select receipt from collects.expenses where collect_id = ${id}`.execute(tx)
  return rows.map(({ key }) => key)
}
