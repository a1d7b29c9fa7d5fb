import { sql } from 'kysely'
import { kopecks } from '../http/validation.ts'
import type { User } from '../platform/access.ts'
import type { Tx } from '../platform/database.ts'
import type { ImportField, Row } from './import-values.ts'

const refuse = (row: Row, field: ImportField, code: string, params: Record<string, unknown> = {}) => {
  row.fault = { field, code, params }
}

/** Adds the flats of these rows that the house has not, and finds each row's flat or its fault; returns how many are new. */
export async function addFlats(tx: Tx, house: number, rows: Row[]): Promise<number> {
  const sound = rows.filter((row) => !row.fault)
  const column = (name: 'number' | 'area' | 'account') => sound.map((row) => row[name])
  const { rows: added } = await sql<{ number: string }>`
    insert into housing.apartments (house_id, number, area, account)
    select ${house}, number, area, account from (
      select distinct on (number) number, area, account, n
      from unnest(${column('number')}::text[], ${column('area')}::numeric[], ${column('account')}::text[])
        with ordinality t(number, area, account, n)
      where area is not null and account is not null order by number, n) t
    where not exists (select from housing.apartments a where a.house_id = ${house} and a.number = t.number)
    order by n on conflict do nothing returning number`.execute(tx)
  const { rows: found } = await sql<{ id: number; number: string; area: string; account: string }>`
    select id, number, area, account from housing.apartments
    where house_id = ${house} and number = any(${column('number')}::text[])`.execute(tx)
  const flats = new Map(found.map((flat) => [flat.number, flat]))
  const fresh = new Set(added.map((flat) => flat.number))
  for (const row of sound) {
    const flat = flats.get(row.number!)
    if (flat) {
      row.apartment = flat.id
      // The first row of a new flat is the one that made it.
      if (fresh.delete(flat.number)) row.changed = true
      if (row.area !== null && kopecks(row.area) !== kopecks(flat.area))
        refuse(row, 'area', 'housing.import_differs', { there: flat.area })
      else if (row.account !== null && row.account !== flat.account)
        refuse(row, 'account', 'housing.import_differs', { there: flat.account })
    } else if (row.area === null || row.account === null)
      refuse(row, row.area === null ? 'area' : 'account', 'validation.required')
    else refuse(row, 'account', 'housing.account_taken')
  }
  return added.length
}

type MeterFound = {
  id: number
  apartment_id: number
  kind: string
  serial: string
  installed_on: string
  initial_value: string
  digits: number
}

/** Adds the meters of these rows that are not there, and finds each row's meter or its fault; returns how many are new. */
export async function addMeters(tx: Tx, rows: Row[]): Promise<number> {
  const sound = rows.filter((row) => !row.fault && row.serial !== null)
  const given = (name: 'serial' | 'kind' | 'installed_on' | 'initial_value') => sound.map((row) => row[name])
  const { rows: added } = await sql<{ serial: string }>`
    insert into housing.meters (apartment_id, serial, kind, installed_on, initial_value, digits)
    select apartment_id, serial, kind, installed_on, initial_value, digits from (
      select distinct on (serial) apartment_id, serial, kind, installed_on, coalesce(initial_value, 0) initial_value,
        coalesce(digits, 5) digits, n
      from unnest(${sound.map((row) => row.apartment!)}::bigint[], ${given('serial')}::text[], ${given('kind')}::text[],
        ${given('installed_on')}::date[], ${given('initial_value')}::numeric[], ${sound.map((row) => row.digits)}::smallint[])
        with ordinality t(apartment_id, serial, kind, installed_on, initial_value, digits, n)
      where kind is not null and installed_on is not null
        and coalesce(initial_value, 0) < 10::numeric ^ coalesce(digits, 5) order by serial, n) t
    where not exists (select from housing.meters m where m.serial = t.serial)
    order by n on conflict do nothing returning serial`.execute(tx)
  const { rows: found } = await sql<MeterFound>`
    select id, apartment_id, kind, serial, installed_on, initial_value, digits from housing.meters
    where serial = any(${given('serial')}::text[])`.execute(tx)
  const meters = new Map(found.map((meter) => [meter.serial, meter]))
  const fresh = new Set(added.map((meter) => meter.serial))
  for (const row of sound) {
    const meter = meters.get(row.serial!)
    if (!meter) {
      if (row.kind === null || row.installed_on === null)
        refuse(row, row.kind === null ? 'kind' : 'installed_on', 'validation.required')
      else refuse(row, 'initial_value', 'housing.too_many_digits')
      continue
    }
    if (meter.apartment_id !== row.apartment) {
      refuse(row, 'serial', 'housing.serial_taken')
      continue
    }
    row.meter = meter.id
    if (fresh.delete(meter.serial)) row.changed = true
    for (const field of ['kind', 'installed_on', 'digits'] as const)
      if (!row.fault && row[field] !== null && row[field] !== meter[field])
        refuse(row, field, 'housing.import_differs', { there: meter[field] })
    if (!row.fault && row.initial_value !== null && kopecks(row.initial_value, 3) !== kopecks(meter.initial_value, 3))
      refuse(row, 'initial_value', 'housing.import_differs', { there: meter.initial_value })
  }
  return added.length
}

type Place = {
  n: number
  there: string | null
  there_rollover: boolean | null
  floor: string
  floor_month: string | null
  next: string | null
  next_month: string | null
  next_rollover: boolean | null
  too_large: boolean
  absent: boolean
  in_future: boolean
  billed: boolean
}
type Neighbour = { month: string; value: bigint; rollover: boolean }

/**
 * Adds the readings of these rows as though each were submitted in turn, under the lock of their house; returns how many
 * are new.
 */
export async function addReadings(tx: Tx, user: User, house: number, rows: Row[]): Promise<number> {
  const sound = rows.filter((row) => !row.fault && row.meter !== undefined && row.month !== null)
  const { rows: places } = await sql<Place>`
    select t.n::int n, r.value there, r.rollover there_rollover, coalesce(p.value, m.initial_value) floor,
      p.month floor_month, x.value as next, x.month next_month, x.rollover next_rollover, t.value >= 10::numeric ^ m.digits too_large,
      t.month < date_trunc('month', m.installed_on) or coalesce(t.month > m.removed_on, false) absent,
      t.month > (now() at time zone h.timezone)::date in_future,
      exists (select from housing.billing_runs b
        where b.house_id = h.id and b.month = t.month and b.published_at is not null) billed
    from unnest(${sound.map((row) => row.meter!)}::bigint[], ${sound.map((row) => row.month)}::date[],
      ${sound.map((row) => row.value)}::numeric[]) with ordinality t(meter_id, month, value, n)
    join housing.meters m on m.id = t.meter_id
    join housing.houses h on h.id = ${house}
    left join housing.readings r on r.meter_id = t.meter_id and r.month = t.month
    left join lateral (select value, month from housing.readings where meter_id = t.meter_id and month < t.month
      order by month desc limit 1) p on true
    left join lateral (select value, month, rollover from housing.readings where meter_id = t.meter_id and month > t.month
      order by month limit 1) x on true
    order by t.n`.execute(tx)

  const taken: Row[] = []
  const ofMeter = new Map<number, Neighbour[]>()
  for (const [i, row] of sound.entries()) {
    const place = places[i]!
    const own = ofMeter.get(row.meter!) ?? []
    ofMeter.set(row.meter!, own)
    const month = row.month!
    const value = kopecks(row.value!, 3)
    const same = own.find((n) => n.month === month)
    const there = same ?? (place.there && { value: kopecks(place.there, 3), rollover: place.there_rollover! })
    if (there) {
      if (there.value !== value || there.rollover !== row.rollover)
        refuse(row, 'value', 'housing.import_differs', { there: inM3(there.value) })
      continue
    }
    const fault = faultOf(row, value, place, own)
    if (fault) {
      refuse(row, ...fault)
      continue
    }
    own.push({ month, value, rollover: row.rollover })
    row.changed = true
    taken.push(row)
  }
  if (!taken.length) return 0
  await sql`
    insert into housing.readings (meter_id, month, value, rollover, source, submitted_by)
    select meter_id, month, value, rollover, 'import', ${user.id}
    from unnest(${taken.map((row) => row.meter!)}::bigint[], ${taken.map((row) => row.month)}::date[],
      ${taken.map((row) => row.value)}::numeric[], ${taken.map((row) => row.rollover)}::boolean[])
      t(meter_id, month, value, rollover)
    order by meter_id, month`.execute(tx)
  return taken.length
}

/** Why a value can't stand for a month, between what the database has and what came before it in this file. */
function faultOf(
  row: Row,
  value: bigint,
  place: Place,
  own: Neighbour[],
): [ImportField, string, Record<string, unknown>?] | undefined {
  if (place.in_future) return ['month', 'housing.future_month']
  if (place.absent) return ['month', 'housing.meter_absent']
  if (place.billed) return ['month', 'housing.month_billed']
  if (place.too_large) return ['value', 'housing.too_many_digits']
  const month = row.month!
  let before: Neighbour = { month: place.floor_month ?? '', value: kopecks(place.floor, 3), rollover: false }
  let after: Neighbour | undefined = place.next_month
    ? { month: place.next_month, value: kopecks(place.next!, 3), rollover: place.next_rollover! }
    : undefined
  for (const n of own) {
    if (n.month < month && n.month > before.month) before = n
    if (n.month > month && (!after || n.month < after.month)) after = n
  }
  if (value < before.value && !row.rollover) return ['value', 'housing.below_previous', { value: inM3(before.value) }]
  if (value >= before.value && row.rollover) return ['rollover', 'housing.no_rollover', { value: inM3(before.value) }]
  if (!after) return undefined
  if (value > after.value && !after.rollover) return ['value', 'housing.above_next', { value: inM3(after.value) }]
  if (value <= after.value && after.rollover) return ['value', 'housing.next_rolled_over', { value: inM3(after.value) }]
  return undefined
}

const inM3 = (thousandths: bigint) => `${thousandths / 1000n}.${String(thousandths % 1000n).padStart(3, '0')}`
