import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import { Choice, Closed, Day, DecimalInput, Id, Instant, Line, Month, MonthInput, Nullable } from '../http/schemas.ts'
import { Apartment, House, Volume, VolumeInput } from './schemas-houses.ts'

export const kinds = ['cold_water', 'hot_water'] as const
const Kind = Choice([...kinds], { examples: ['cold_water'] })

const meter = {
  kind: Kind,
  serial: Line(40, { examples: ['21-004512'] }),
  installed_on: Type.String({ ...Day, description: 'It takes part in the month of this day and in later ones' }),
  removed_on: Nullable(
    Type.String({ ...Day, description: 'It takes part in the month of this day and in none after' }),
  ),
  initial_value: DecimalInput(3, 9, '0', '0.125'),
  digits: Type.Integer({ minimum: 4, maximum: 9, examples: [5], description: 'Whole digits that it shows' }),
}
const LastReading = Nullable(
  Type.Object({ id: Type.Integer(), month: Month, value: Volume }, { description: 'Of the newest month' }),
)
export const Meter = Type.Object(
  {
    id: Type.Integer(),
    apartment: Type.Integer(),
    kind: Kind,
    serial: Type.String(),
    installed_on: Day,
    removed_on: Nullable(Day),
    initial_value: Type.String({ ...Volume, description: 'Stands in for the month before while there is no reading' }),
    digits: Type.Integer(),
    last_reading: LastReading,
    mean_volume: Nullable(
      Type.String({ ...Volume, description: 'm³ a month, of the last year: whoever enters over 3 × as much is asked' }),
    ),
    created_at: Instant,
    updated_at: Instant,
  },
  { $id: 'Meter' },
)
export type Meter = Static<typeof Meter>
export const Meters = Page(Type.Unsafe<Meter>(Type.Ref('Meter')))
export const NewMeter = Closed({
  ...meter,
  removed_on: Type.Optional(meter.removed_on),
  initial_value: Type.Optional(meter.initial_value),
  digits: Type.Optional(meter.digits),
})
export type NewMeter = Static<typeof NewMeter>
export const MeterChange = Type.Partial(Closed(meter), { additionalProperties: false })
export type MeterChange = Static<typeof MeterChange>
export const MetersQuery = Closed({ ...pageQuery, ordering: Ordering('created_at', 'id') })

export const Reading = Type.Object(
  {
    id: Type.Integer(),
    meter: Type.Integer(),
    month: Month,
    value: Volume,
    rollover: Type.Boolean({ description: 'Confirmed: since the reading before it passed its last digit' }),
    volume: Type.String({ ...Volume, description: 'm³ since the reading before, or since the initial value' }),
    question: Nullable(
      Choice(['odd_jump'], {
        description:
          'What to ask the person: is this right? `odd_jump`: over 30 m³ a month, or over 3 × the mean of the year before. It is kept all the same, and corrected by PATCH.',
      }),
    ),
    source: Choice(['resident', 'staff', 'import']),
    submitted_by: Nullable(Type.Integer()),
    created_at: Instant,
    updated_at: Instant,
  },
  { $id: 'Reading' },
)
export type Reading = Static<typeof Reading>
export const Readings = Page(Type.Unsafe<Reading>(Type.Ref('Reading')))
const rollover = Type.Boolean({ description: 'The person confirms that it passed its last digit' })
export const NewReading = Closed({ month: MonthInput, value: VolumeInput, rollover: Type.Optional(rollover) })
export type NewReading = Static<typeof NewReading>
export const ReadingChange = Closed({ value: Type.Optional(VolumeInput), rollover: Type.Optional(rollover) })
export type ReadingChange = Static<typeof ReadingChange>
export const ReadingsQuery = Closed({
  ...cursorQuery,
  month: Type.Optional(MonthInput),
  ordering: Ordering('created_at', 'id'),
})
export type ReadingsQuery = Static<typeof ReadingsQuery>
export const ReadingHistory = Page(
  Type.Object({
    id: Type.Integer(),
    value: Type.String({ ...Volume, description: 'What it was before this change' }),
    rollover: Type.Boolean(),
    changed_by: Nullable(Type.Integer()),
    full_name: Nullable(Type.String()),
    changed_at: Instant,
  }),
)
export const ReadingHistoryQuery = Closed(pageQuery)

const WaterMonth = Type.Object({
  month: Month,
  kind: Kind,
  volume: Nullable(Type.String({ ...Volume, description: 'Of all meters of the flat; null: no reading' })),
  mean: Type.String({ ...Volume, description: 'Of the flats of the house that have a reading for the month' }),
})
export type WaterMonth = Static<typeof WaterMonth>
export const Water = Type.Object({ results: Type.Array(WaterMonth, { description: 'The newest month first' }) })

/** A meter in a month, as the bookkeeper's grid has it. */
export const MonthReadings = Page(
  Type.Object({
    apartment: Type.Object({ id: Type.Integer(), number: Type.String() }),
    meter: Type.Object({ id: Type.Integer(), kind: Kind, serial: Type.String(), digits: Type.Integer() }),
    previous: Nullable(
      Type.Object({ month: Nullable(Month), value: Volume }, { description: 'Month null: the initial value' }),
    ),
    mean_volume: Nullable(Volume),
    reading: Nullable(Type.Unsafe<Reading>(Type.Ref('Reading'))),
  }),
  { missing: Type.Integer({ description: 'Meters of this month that have no reading' }) },
)
export const MonthReadingsQuery = Closed({
  ...pageQuery,
  month: MonthInput,
  missing: Type.Optional(Type.Boolean({ description: 'true: only meters without a reading' })),
})
export type MonthReadingsQuery = Static<typeof MonthReadingsQuery>

const services = ['cold_water', 'hot_water', 'maintenance'] as const
const Service = Choice([...services], { examples: ['cold_water'] })
const Unit = Choice(['m3', 'm2'])
export const Tariff = Type.Object(
  {
    id: Type.Integer(),
    service: Service,
    price: Type.String({ pattern: '^\\d+\\.\\d{2,4}$', examples: ['50.93'] }),
    unit: Unit,
    house: Nullable(Type.Integer({ description: 'null: of all houses without their own' })),
    address: Nullable(Type.String({ description: 'Of the house' })),
    valid_from: Month,
    created_by: Nullable(Type.Integer()),
    created_at: Instant,
  },
  { $id: 'Tariff' },
)
export type Tariff = Static<typeof Tariff>
export const Tariffs = Page(Type.Unsafe<Tariff>(Type.Ref('Tariff')))
const Price = DecimalInput(4, 8, '0', '50.93')
export const NewTariff = Closed({
  service: Service,
  price: Price,
  unit: Type.Optional(Choice(['m3', 'm2'], { description: 'That of the service, if it is said at all' })),
  house: Type.Optional(Nullable(Id('null: of all houses without their own'))),
  valid_from: MonthInput,
})
export type NewTariff = Static<typeof NewTariff>
export const TariffChange = Closed({ price: Type.Optional(Price), valid_from: Type.Optional(MonthInput) })
export type TariffChange = Static<typeof TariffChange>
export const TariffsQuery = Closed({
  ...pageQuery,
  service: Type.Optional(Service),
  house: Type.Optional(Id('Only those of this house alone')),
  month: Type.Optional(Type.String({ ...MonthInput, description: 'Only those that are valid in this month' })),
  ordering: Ordering('valid_from', 'created_at', 'id'),
})
export type TariffsQuery = Static<typeof TariffsQuery>

/** A house with all that one looks at first. */
export const HouseDetail = Type.Object(
  {
    ...House.properties,
    apartments: Type.Array(
      Type.Object({
        ...Apartment.properties,
        meters: Type.Array(
          Type.Object({
            id: Type.Integer(),
            kind: Kind,
            serial: Type.String(),
            installed_on: Day,
            removed_on: Nullable(Day),
            last_reading: LastReading,
          }),
        ),
      }),
      { description: 'By number, the first 2,000; all are in the list of flats' },
    ),
    last_run: Nullable(
      Type.Object(
        {
          id: Type.Integer(),
          month: Month,
          status: Choice(['queued', 'running', 'completed', 'failed', 'cancelled']),
          total: Type.Integer(),
          processed: Type.Integer(),
          amount: Type.String({ pattern: '^-?\\d+\\.\\d{2}$' }),
          published_at: Nullable(Instant),
          created_at: Instant,
        },
        { description: 'For those who run it' },
      ),
    ),
  },
  { $id: 'HouseDetail' },
)
export type HouseDetail = Static<typeof HouseDetail>
