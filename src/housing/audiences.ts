import { type RawBuilder, sql } from 'kysely'
import { Type } from 'typebox'
import { Closed, Id, MoneyInput, MonthInput } from '../http/schemas.ts'
import type { Audience } from '../platform/module.ts'
import { missing } from './reminders.ts'

/**
 * The active residents of these flats `a`, each once with all of them: the numbers listed, the sums added. A flat in which
 * nobody has registered counts as somebody without a phone.
 */
const residentsOf = (flats: RawBuilder<unknown>, more = sql`'{}'::jsonb`) => sql`
  select u.phone, min(h.timezone) timezone, jsonb_build_object(
      'name', coalesce(nullif(trim(u.first_name || ' ' || u.patronymic), ''), u.full_name, ''),
      'apartment', string_agg(a.number, ', ' order by a.number collate platform.natural)) || ${more} fields
  from housing.apartments a join housing.houses h on h.id = a.house_id
  left join (housing.residents r join accounts.users u on u.id = r.user_id and u.is_active) on r.apartment_id = a.id
  where ${flats}
  group by u.id, case when u.id is null then a.id end`

const ofHouse = (house: number | undefined) => (house === undefined ? sql`true` : sql`a.house_id = ${house}`)
const living = sql`(a.ended_on is null or a.ended_on >= (now() at time zone h.timezone)::date)`
const house = Type.Optional(Id())
const references = { house: { table: 'housing.houses', title: 'address' } }

/** Whom mailings can be sent to. */
export const audiences: Audience[] = [
  {
    name: 'housing.residents',
    parameters: Closed({ house }),
    references,
    placeholders: ['name', 'apartment'],
    people: (of: { house?: number }) => residentsOf(sql`${ofHouse(of.house)} and ${living}`),
  },
  {
    name: 'housing.debtors',
    parameters: Closed({
      house,
      over: Type.Optional(MoneyInput('0.00', 'The account of the flat owes more than this')),
    }),
    references,
    placeholders: ['name', 'apartment', 'sum'],
    people: (of: { house?: number; over?: string }) =>
      residentsOf(
        sql`${ofHouse(of.house)} and a.balance > 0 and a.balance > ${of.over ?? '0'}::numeric`,
        sql`jsonb_build_object('sum', sum(a.balance)::numeric(18, 2)::text)`,
      ),
  },
  {
    name: 'housing.missing_readings',
    parameters: Closed({ house, month: MonthInput }),
    references,
    placeholders: ['name', 'apartment'],
    people: (of: { house?: number; month: string }) =>
      residentsOf(sql`${ofHouse(of.house)} and (a.ended_on is null or a.ended_on >= ${`${of.month}-01`}::date)
        and exists (select from ${missing(sql`${`${of.month}-01`}::date`)})`),
  },
]
