import { type RawBuilder, sql } from 'kysely'
import { csvLine } from '../http/csv.ts'
import { type CursorRequest, countRows, cursorAnswer, type PageOf, walk } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { AppError, notFound, violated } from '../platform/errors.ts'
import { checkMatch } from '../platform/etags.ts'
import { change, type Once } from '../platform/idempotency.ts'
import { wake } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { contains } from '../platform/search.ts'
import { clockLoopName, expireMessages } from './expire.ts'
import { operatorOf, readPhone } from './phones.ts'
import type { Client } from './schemas.ts'
import { type ClientChange, type ClientFilters, clientEdits, type NewClient } from './schemas-clients.ts'
import { zoneOf } from './zones.ts'

const clientColumns = sql`id, phone, operator_code, tag, timezone, created_at`

/** True where the phone has what was typed of it somewhere, however its country was written, or the text has it. */
export function found(typed: string, text: RawBuilder<unknown>): RawBuilder<boolean> {
  const whole = readPhone(typed)
  if (whole) return sql<boolean>`phone = ${whole}`
  const digits = /^\+?[\d\s().-]+$/.test(typed.trim()) ? typed.replace(/\D/g, '') : ''
  if (!digits) return contains(text, typed)
  const byCountry = /^\s*8/.test(typed) ? sql`or starts_with(phone, ${`7${digits.slice(1)}`})` : sql``
  return sql<boolean>`(phone like ${`%${digits}%`} ${byCountry} or ${contains(text, typed)})`
}

/** A condition of SQL: the client is one of those that are asked for. */
export const matching = ({ operator_code, tag, search }: ClientFilters): RawBuilder<boolean> => sql<boolean>`
  ${operator_code === undefined ? sql`true` : sql`operator_code = ${operator_code}`}
  and ${tag === undefined ? sql`true` : sql`tag = ${tag}`}
  and ${search?.trim() ? found(search, sql`tag`) : sql`true`}`

/** Clients, newest first unless asked otherwise. */
export async function listClients(
  { db }: Platform,
  filters: ClientFilters,
  page: CursorRequest,
): Promise<PageOf<Client>> {
  const where = matching(filters)
  const { after, order } = walk(page, sql`id`)
  const { rows } = await sql<Client>`
    select ${clientColumns} from mailings.clients where ${where} and ${after}
    order by ${order} limit ${page.limit + 1} offset ${page.offset}`.execute(db)
  const count = await countRows(db, page, (limit) => sql`select from mailings.clients where ${where} ${limit}`)
  return cursorAnswer(page, rows, count)
}

const exported = ['id', 'phone', 'operator_code', 'tag', 'timezone', 'created_at'] as const

/** The clients that are asked for as CSV, oldest first; some thousand at a time, however many there are. */
export async function* clientsCsv({ db }: Platform, filters: ClientFilters): AsyncGenerator<string> {
  yield csvLine([...exported])
  for (let last = 0; ; ) {
    const { rows } = await sql<Client>`
      select ${clientColumns} from mailings.clients where ${matching(filters)} and id > ${last}
      order by id limit 5000`.execute(db)
    if (!rows.length) return
    yield rows.map((row) => csvLine(exported.map((name) => row[name]))).join('')
    last = rows.at(-1)!.id
  }
}

/** A client; throws 404. */
export async function getClient(db: Db | Tx, id: number, lock = sql``): Promise<Client> {
  const { rows } = await sql<Client>`select ${clientColumns} from mailings.clients where id = ${id} ${lock}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

async function inWords<T>(change: Promise<T>): Promise<T> {
  try {
    return await change
  } catch (error) {
    if (violated(error) === 'clients_phone_key') throw new AppError(409, 'mailings.phone_taken')
    throw error
  }
}

/** Adds a client, in the installation's time zone unless they have their own. A number that is there: 409. */
export async function createClient(
  platform: Platform,
  user: User,
  input: NewClient,
  once: Once | undefined,
): Promise<Client> {
  const { config, db } = platform
  const timezone = await zoneOf(platform, input.timezone ?? config.TIMEZONE)
  return inWords(
    change(db, once, async (tx) => {
      const { id } = await tx
        .insertInto('mailings.clients')
        .values({ operator_code: operatorOf(input.phone), ...input, timezone })
        .returning('id')
        .executeTakeFirstOrThrow()
      const after = await getClient(tx, id)
      await record(tx, user, 'create_client', id, undefined, after)
      return after
    }),
  )
}

/**
 * Changes a client, unless it is another edition than the caller's If-Match names: 412. A new phone brings its operator,
 * unless that was or is another than the phone's. Messages that are there keep their number.
 */
export async function changeClient(
  platform: Platform,
  user: User,
  id: number,
  input: ClientChange,
  match?: string,
): Promise<Client> {
  const timezone = input.timezone === undefined ? undefined : await zoneOf(platform, input.timezone)
  return inWords(
    transaction(platform.db, async (tx) => {
      const before = await getClient(tx, id, sql`for no key update`)
      checkMatch(match, before, clientEdits)
      if (!Object.keys(input).length) return before
      const moves = input.phone !== undefined && before.operator_code === operatorOf(before.phone)
      await tx
        .updateTable('mailings.clients')
        .set({
          ...(moves ? { operator_code: operatorOf(input.phone!) } : {}),
          ...input,
          ...(timezone ? { timezone } : {}),
          updated_at: sql`now()`,
        })
        .where('id', '=', id)
        .execute()
      const after = await getClient(tx, id)
      await record(tx, user, 'change_client', id, before, after)
      return after
    }),
  )
}

/** Removes a client: what waits for them expires, and their other messages keep the number alone. */
export async function removeClient({ db }: Platform, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    // An audience that is being made holds the client until it commits, and one that comes later does not find them.
    const before = await getClient(tx, id, sql`for update`)
    // All of theirs, for the removal touches all: never a counter before a message.
    await sql`select from mailings.messages where client_id = ${id} order by id for update`.execute(tx)
    const expired = await expireMessages(tx, sql`m.client_id = ${id}`, 'removed')
    if (expired.count) await wake(tx, clockLoopName)
    await tx.deleteFrom('mailings.clients').where('id', '=', id).execute()
    await record(tx, user, 'remove_client', id, before, undefined)
  })
}

const record = (tx: Tx, user: User, verb: string, id: number, before?: object, after?: object) =>
  recordChange(tx, user, { action: `mailings.${verb}`, subject: 'mailings.clients', subject_id: id, before, after })
