import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import {
  Choice,
  Closed,
  Day,
  DecimalInput,
  Id,
  Instant,
  Line,
  Money,
  Nullable,
  PersonRef,
  Text,
} from '../http/schemas.ts'

/** Output of an area, m², and of a volume, m³. */
export const Area = Type.String({ pattern: '^\\d+\\.\\d{2}$', examples: ['54.30'], description: 'm²' })
export const Volume = Type.String({ pattern: '^-?\\d+\\.\\d{3}$', examples: ['12.345'], description: 'm³' })
export const VolumeInput = DecimalInput(3, 9, '0', '123.456')

const policies = ['skip', 'average', 'norm'] as const
const Policy = Choice([...policies], {
  description:
    'What stands in for a missing reading: nothing; the mean of earlier months, then the norm where there is one; the norm',
})
const Norm = Nullable(DecimalInput(3, 5, '0', '4.200'))
const WindowDay = (description: string) => Type.Integer({ minimum: 1, maximum: 28, examples: [20], description })

const house = {
  address: Line(300, { examples: ['Москва, ул. Садовая, 5'] }),
  timezone: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$', examples: ['Europe/Moscow'] }),
  missing_readings: Policy,
  norm_cold_water: Norm,
  norm_hot_water: Norm,
  window_from: WindowDay('First day of the month on which residents are asked for readings'),
  window_to: WindowDay('The last such day'),
}

export const House = Type.Object(
  {
    id: Type.Integer(),
    address: Type.String(),
    apartments_count: Type.Integer({ description: 'Without flats that have ended' }),
    total_area: Area,
    timezone: Type.String(),
    missing_readings: Policy,
    norm_cold_water: Nullable(Volume),
    norm_hot_water: Nullable(Volume),
    window_from: Type.Integer(),
    window_to: Type.Integer(),
    created_at: Instant,
    updated_at: Instant,
  },
  { $id: 'House' },
)
export type House = Static<typeof House>
export const Houses = Page(Type.Unsafe<House>(Type.Ref('House')))
export const NewHouse = Closed({ ...Type.Partial(Closed(house)).properties, address: house.address })
export type NewHouse = Static<typeof NewHouse>
export const HouseChange = Type.Partial(Closed(house), { additionalProperties: false })
export type HouseChange = Static<typeof HouseChange>
export const HousesQuery = Closed({
  ...pageQuery,
  search: Type.Optional(Text(200, { description: 'Part of the address' })),
  ordering: Ordering('address', 'created_at', 'id'),
})
export type HousesQuery = Static<typeof HousesQuery>

const apartment = {
  number: Line(20, { examples: ['12а'] }),
  area: DecimalInput(2, 6, '0.01', '54.30'),
  account: Type.String({
    pattern: '^[0-9A-Za-zА-Яа-яЁё/.-]{1,30}$',
    examples: ['0050012'],
    description: 'Number of the personal account',
  }),
  ended_on: Nullable(Type.String({ ...Day, description: 'The last day on which the flat is billed' })),
  residents: Type.Array(Id('Somebody who is registered'), { maxItems: 50, uniqueItems: true, examples: [[7]] }),
}
export const Apartment = Type.Object(
  {
    id: Type.Integer(),
    house: Type.Integer(),
    number: Type.String(),
    area: Area,
    account: Type.String(),
    residents: Type.Array(PersonRef),
    balance: Type.String({ ...Money, description: 'What the flat owes; below zero: paid in advance' }),
    ended_on: Nullable(Day),
    created_at: Instant,
    updated_at: Instant,
  },
  { $id: 'Apartment' },
)
export type Apartment = Static<typeof Apartment>
export const Apartments = Page(Type.Unsafe<Apartment>(Type.Ref('Apartment')))
export const NewApartment = Closed({
  ...apartment,
  ended_on: Type.Optional(apartment.ended_on),
  residents: Type.Optional(apartment.residents),
})
export type NewApartment = Static<typeof NewApartment>
export const ApartmentChange = Type.Partial(Closed(apartment), { additionalProperties: false })
export type ApartmentChange = Static<typeof ApartmentChange>
export const ApartmentsQuery = Closed({
  ...cursorQuery,
  search: Type.Optional(Text(50, { description: 'A number of a flat, or the beginning of a personal account' })),
  ordering: Ordering('number', 'area', 'balance', 'created_at', 'id'),
})

export const NewResident = Closed({ user: Id('Somebody who is registered') })
export const ResidentParams = Closed({ id: Id(), user: Id() })
