import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type RunSql, run, type Tx, transaction } from '../platform/database.ts'
import { AppError, fieldFault, notFound } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import { admit, forgive } from '../platform/limits.ts'
import type { Platform } from '../platform/module.ts'
import { getApartment } from './apartments.ts'
import type { JoinSheet } from './join-paper.ts'
import type { Apartment } from './schemas-houses.ts'
import type { JoinCode } from './schemas-joins.ts'
import { lockHouse } from './viewers.ts'

/** Without letters and digits that look alike on paper. */
const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const lifeDays = 60
/** A sheet has so many flats at most; the next ones are on its next page. */
const flatsOfSheet = 400

/** The code of an id, which no table knows: ten letters. */
const codeOf = ({ derive }: Platform, id: number): string =>
  [...derive('join code', String(id)).subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]).join('')
const hashOf = ({ derive }: Platform, code: string): Buffer => derive('join code hash', code)
const onPaper = (code: string) => `${code.slice(0, 5)}-${code.slice(5)}`

/** Makes a code for each flat, in the order given. */
async function makeCodes(platform: Platform, tx: Tx, user: User, apartments: number[]) {
  const { rows: ids } = await sql<{ id: number }>`
    select nextval('housing.join_codes_id_seq') id from generate_series(1, ${apartments.length}::int)`.execute(tx)
  const hashes = ids.map(({ id }) => hashOf(platform, codeOf(platform, id)))
  const { rows } = await sql<{ id: number; apartment: number; expires_at: string; created_at: string }>`
    insert into housing.join_codes (id, apartment_id, hash, created_by, expires_at) overriding system value
    select *, ${user.id}, now() + make_interval(days => ${lifeDays})
    from unnest(${ids.map((row) => row.id)}::bigint[], ${apartments}::bigint[], ${hashes}::bytea[])
    returning id, apartment_id apartment, expires_at, created_at`.execute(tx)
  return rows
}

/** Makes a code that lets its bearer into a flat, once, within 60 days; the code is told here and on paper only. */
export async function createJoinCode(platform: Platform, user: User, apartment: number): Promise<JoinCode> {
  return transaction(platform.db, async (tx) => {
    const { rows } = await sql`select from housing.apartments where id = ${apartment} for key share`.execute(tx)
    if (!rows.length) throw notFound()
    const [made] = await makeCodes(platform, tx, user, [apartment])
    await recordChange(tx, user, {
      action: 'housing.create_join_code',
      subject: 'housing.apartments',
      subject_id: apartment,
    })
    return { ...made!, code: onPaper(codeOf(platform, made!.id)) }
  })
}

/** Ends the codes of a flat that nobody has used: the paper was lost. */
export async function endJoinCodes({ db }: Platform, user: User, apartment: number): Promise<void> {
  await transaction(db, async (tx) => {
    const { rows } = await sql`select from housing.apartments where id = ${apartment} for key share`.execute(tx)
    if (!rows.length) throw notFound()
    await sql`
      update housing.join_codes set expires_at = now()
      where apartment_id = ${apartment} and used_at is null and expires_at > now()`.execute(tx)
    await recordChange(tx, user, {
      action: 'housing.end_join_codes',
      subject: 'housing.apartments',
      subject_id: apartment,
    })
  })
}

/**
 * A sheet to cut up and hand out, as a PDF: a card for each living flat with its open code, which is made where there is
 * none. Of one flat, or a page of 400 flats of a house.
 */
export async function printJoinCodes(
  platform: Platform,
  user: User,
  of: { house: number; page: number } | { apartment: number },
  locale: Locale,
): Promise<{ name: string; content: Buffer }> {
  const page = 'page' in of ? of.page : 1
  const which = 'house' in of ? sql`a.house_id = ${of.house}` : sql`a.id = ${of.apartment}`
  type Card = { id: number; number: string; address: string; code_id: number; expires: string }
  const cards = await transaction(platform.db, async (tx) => {
    const flats = sql`
      select a.id, a.number, h.address, c.id code_id, to_char(c.expires_at, 'DD.MM.YYYY') expires
      from housing.apartments a join housing.houses h on h.id = a.house_id
      left join lateral (select id, expires_at from housing.join_codes c
        where c.apartment_id = a.id and c.used_at is null and c.expires_at > now() order by id desc limit 1) c on true
      where ${which} and a.ended_on is null
      order by a.number collate platform.natural, a.id limit ${flatsOfSheet} offset ${(page - 1) * flatsOfSheet}`
    const { rows: before } = await sql<Card & { code_id: number | null }>`${flats} for key share of a`.execute(tx)
    if (!before.length) throw notFound()
    const lacking = before.filter((flat) => flat.code_id === null).map((flat) => flat.id)
    if (!lacking.length) return before as Card[]
    await makeCodes(platform, tx, user, lacking)
    const isHouse = 'house' in of
    await recordChange(tx, user, {
      action: 'housing.print_join_codes',
      subject: isHouse ? 'housing.houses' : 'housing.apartments',
      subject_id: isHouse ? of.house : of.apartment,
      after: { codes: lacking.length },
    })
    return (await sql<Card>`${flats}`.execute(tx)).rows
  })
  const { translate: t, config } = platform
  const sheet: JoinSheet = {
    lang: locale,
    createdAt: new Date().toISOString(),
    organisation: (await platform.db.selectFrom('platform.installation').select('name').executeTakeFirstOrThrow()).name,
    title: t(locale, 'housing.join.title'),
    invitation: t(locale, 'housing.join.invitation'),
    cards: cards.map(({ address, number, code_id, expires }) => {
      const code = onPaper(codeOf(platform, code_id))
      return {
        address,
        flat: t(locale, 'housing.join.flat', { number }),
        code,
        // Behind the sign the code reaches no server and no log.
        url: `${config.PUBLIC_URL}/join#${code}`,
        until: t(locale, 'housing.join.until', { date: expires }),
      }
    }),
    foot: t(locale, 'housing.join.foot', { page: '{page}', pages: '{pages}' }),
  }
  const content = await platform.draw(new URL('./join-paper.ts', import.meta.url), sheet)
  return { name: 'house' in of ? `codes-house-${of.house}-${page}.pdf` : `codes-flat-${of.apartment}.pdf`, content }
}

/**
 * Makes the bearer of a code a resident of its flat. A code that is wrong, used by somebody else or too old is the same
 * fault; who has used it hears of the same flat again. Tries are counted by account and address.
 */
export async function join(platform: Platform, user: User, typed: string): Promise<Apartment> {
  const code = typed.toUpperCase().replace(/[\s-]/g, '')
  const onPool: RunSql = (text, values) => run(platform.pool, text, values)
  const limits = [
    { kind: 'join', of: `user ${user.id}`, spanSeconds: 3600, most: 10 },
    { kind: 'join', of: `address ${user.address ?? ''}`, spanSeconds: 3600, most: 60 },
  ]
  await admit(platform, onPool, limits)
  const apartment = await transaction(platform.db, async (tx) => {
    const hash = hashOf(platform, code)
    const { rows: found } = await sql<{ apartment_id: number; house_id: number }>`
      select c.apartment_id, a.house_id from housing.join_codes c join housing.apartments a on a.id = c.apartment_id
      where c.hash = ${hash}`.execute(tx)
    if (!found[0]) throw fieldFault('/code', 'housing.join_wrong')
    const { apartment_id, house_id } = found[0]
    await lockHouse(tx, house_id, 'share')
    const { rows: used } = await sql`
      update housing.join_codes set used_by = ${user.id}, used_at = coalesce(used_at, now())
      where hash = ${hash} and (used_by = ${user.id} or (used_at is null and expires_at > now())) returning 1`.execute(
      tx,
    )
    if (!used.length) throw fieldFault('/code', 'housing.join_wrong')
    const { rows: added } = await sql`
      insert into housing.residents (apartment_id, user_id)
      select ${apartment_id}, ${user.id} where not exists (
        select from housing.join_codes where hash = ${hash} and used_at < now())
      on conflict do nothing returning 1`.execute(tx)
    if (added.length)
      await recordChange(tx, user, {
        action: 'housing.join',
        subject: 'housing.apartments',
        subject_id: apartment_id,
        after: { resident: user.id },
      })
    return getApartment(tx, user, apartment_id).catch((error: unknown) => {
      // Used by them long ago, and they have moved out since.
      throw error instanceof AppError ? fieldFault('/code', 'housing.join_wrong') : error
    })
  })
  await forgive(platform, onPool, limits)
  return apartment
}
