import { type RawBuilder, sql } from 'kysely'
import { type PageOf, pageAnswer, type pageRequest } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Db, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import type { NewTariff, Tariff, TariffChange, TariffsQuery } from './schemas-meters.ts'
import { inWords, readsAll } from './viewers.ts'

const columns = sql`t.id, t.service, to_char(t.price, 'FM99999999990.0099') price, t.unit, t.house_id house,
  (select h.address from housing.houses h where h.id = t.house_id) address,
  to_char(t.valid_from, 'YYYY-MM') valid_from, t.created_by, t.created_at`

/** A condition of SQL: a tariff of all, or of a house in which the caller has a flat. */
const visible = (user: User): RawBuilder<boolean> =>
  readsAll(user)
    ? sql<boolean>`true`
    : sql<boolean>`(t.house_id is null or t.house_id in (select a.house_id from housing.apartments a
        join housing.residents r on r.apartment_id = a.id where r.user_id = ${user.id}))`

const orders = { valid_from: sql`t.valid_from`, created_at: sql`t.created_at`, id: sql`t.id` }

/** Tariffs that the caller may see, the newest valid first. */
export async function listTariffs(
  { db }: Platform,
  user: User,
  { service, house, month, ordering = '-valid_from' }: TariffsQuery,
  page: ReturnType<typeof pageRequest>,
): Promise<PageOf<Tariff>> {
  const filters: RawBuilder<unknown>[] = [visible(user)]
  if (service) filters.push(sql`t.service = ${service}`)
  if (house) filters.push(sql`t.house_id = ${house}`)
  if (month)
    filters.push(sql`t.valid_from = (select max(valid_from) from housing.tariffs s
      where s.service = t.service and s.house_id is not distinct from t.house_id and s.valid_from <= ${`${month}-01`})`)
  const where = sql.join(filters, sql` and `)
  const order = orders[ordering.replace('-', '') as keyof typeof orders]
  const direction = sql.raw(ordering.startsWith('-') ? 'desc' : 'asc')
  const { rows } = await sql<Tariff>`
    select ${columns} from housing.tariffs t where ${where}
    order by ${order} ${direction}, t.id ${direction} limit ${page.limit} offset ${page.offset}`.execute(db)
  const total = await sql<{ n: number }>`select count(*) n from housing.tariffs t where ${where}`.execute(db)
  return pageAnswer(page, rows, total.rows[0]!.n)
}

/** A tariff that the caller may see. */
export async function getTariff(db: Db | Tx, user: User, id: number): Promise<Tariff> {
  const { rows } = await sql<Tariff>`
    select ${columns} from housing.tariffs t where t.id = ${id} and ${visible(user)}`.execute(db)
  if (!rows[0]) throw notFound()
  return rows[0]
}

const unitOf = (service: NewTariff['service']) => (service === 'maintenance' ? 'm2' : 'm3')

/** Adds a tariff; from its month on it is valid until a newer one. */
export async function createTariff(
  { db }: Platform,
  user: User,
  { unit, valid_from, house = null, ...input }: NewTariff,
  once: Once | undefined,
): Promise<Tariff> {
  if (unit && unit !== unitOf(input.service))
    throw fieldFault('/unit', 'housing.wrong_unit', { unit: unitOf(input.service) })
  return inWords(
    change(db, once, async (tx) => {
      if (house) {
        const { rows } = await sql`select from housing.houses where id = ${house} for key share`.execute(tx)
        if (!rows.length) throw fieldFault('/house', 'validation.unknown_id')
      }
      const { id } = await tx
        .insertInto('housing.tariffs')
        .values({ ...input, house_id: house, valid_from: `${valid_from}-01`, created_by: user.id })
        .returning('id')
        .executeTakeFirstOrThrow()
      const after = await getTariff(tx, user, id)
      await record(tx, user, 'create_tariff', id, { after })
      return after
    }),
  )
}

async function lockTariff(tx: Tx, user: User, id: number): Promise<Tariff> {
  await sql`select from housing.tariffs where id = ${id} for update`.execute(tx)
  return getTariff(tx, user, id)
}

/** Changes a tariff; runs that began before keep what they froze. */
export async function changeTariff({ db }: Platform, user: User, id: number, input: TariffChange): Promise<Tariff> {
  return inWords(
    transaction(db, async (tx) => {
      const before = await lockTariff(tx, user, id)
      if (!Object.keys(input).length) return before
      const { valid_from, price } = input
      await tx
        .updateTable('housing.tariffs')
        .set({ ...(price ? { price } : {}), ...(valid_from ? { valid_from: `${valid_from}-01` } : {}) })
        .where('id', '=', id)
        .execute()
      const after = await getTariff(tx, user, id)
      await record(tx, user, 'change_tariff', id, { before, after })
      return after
    }),
  )
}

/** Removes a tariff by which nothing was charged; any other is ended by a newer one: 409. */
export async function removeTariff({ db }: Platform, user: User, id: number): Promise<void> {
  await transaction(db, async (tx) => {
    const before = await lockTariff(tx, user, id)
    const { rows } = await sql`
      select from housing.billing_runs b
      where b.status <> 'cancelled' and b.terms @? format('$.prices.*.id ? (@ == %s)', ${id}::bigint)::jsonpath limit 1`.execute(
      tx,
    )
    if (rows.length) throw new AppError(409, 'housing.tariff_used')
    await tx.deleteFrom('housing.tariffs').where('id', '=', id).execute()
    await record(tx, user, 'remove_tariff', id, { before })
  })
}

const record = (tx: Tx, user: User, verb: string, subject_id: number, sides: { before?: Tariff; after?: Tariff }) =>
  recordChange(tx, user, { action: `housing.${verb}`, subject: 'housing.tariffs', subject_id, ...sides })
