import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import { Choice, Closed, Day, Id, Instant, Line, Money, MoneyInput, Month, Nullable, Text } from '../http/schemas.ts'

const Service = Choice(['cold_water', 'hot_water', 'maintenance', 'recalculation'], { examples: ['cold_water'] })
const Volume = Type.String({ examples: ['12.345'] })
/** A month in an answer; the format is for what comes in. */
export const MonthOut = Type.String({ pattern: '^\\d{4}-\\d{2}$', examples: ['2026-11'] })

export const Issue = Type.Object({
  code: Choice(['no_reading', 'no_tariff']),
  service: Service,
  meter: Type.Optional(Nullable(Type.Integer())),
  month: Type.Optional(MonthOut),
  message: Type.Optional(Type.String()),
})

const BillLine = Type.Object({
  service: Service,
  quantity: Volume,
  unit: Nullable(Choice(['m3', 'm2'])),
  price: Type.String({ examples: ['50.9300'] }),
  amount: Type.String({ ...Money, description: 'Rounded to kopecks, half up' }),
  meter: Nullable(
    Type.Object({
      id: Type.Integer(),
      serial: Type.String(),
      previous: Nullable(Volume),
      current: Nullable(Volume),
    }),
  ),
  method: Choice(['meter', 'average', 'norm', 'area', 'manual'], {
    description: 'By readings; by an estimate in the place of a missing one; by area; a recalculation',
  }),
  carried: Type.String({ description: 'm³ below zero: estimates took so much too much, and readings catch up first' }),
  reason: Nullable(Type.String({ description: 'Of a recalculation' })),
  formula: Type.String({ examples: ['12,345 м³ × 50,93 ₽ = 628,73 ₽'] }),
})

export const Bill = Type.Object(
  {
    id: Type.Integer(),
    run: Type.Integer(),
    house: Type.Integer(),
    apartment: Type.Integer(),
    number: Type.String({ description: 'Of the flat' }),
    month: MonthOut,
    revision: Type.Integer(),
    status: Choice(['issued', 'incomplete']),
    opening_balance: Type.String({ ...Money, description: 'The debt before it, frozen by its publication' }),
    lines: Type.Array(BillLine),
    total: Money,
    to_pay: Type.String({ ...Money, description: 'Opening balance and total' }),
    issues: Type.Array(Issue, { description: 'What was missing' }),
    created_at: Instant,
    published_at: Nullable(Instant),
  },
  { $id: 'Bill' },
)
export type Bill = Static<typeof Bill>
export const Bills = Page(Type.Unsafe<Bill>(Type.Ref('Bill')))

const billsQuery = {
  ...cursorQuery,
  month: Type.Optional(Month),
  revisions: Type.Optional(Choice(['all'], { description: 'Also those that a newer run has replaced' })),
}
export const BillsOfHouseQuery = Closed({ ...billsQuery, ordering: Ordering('apartment') })
export const BillsOfApartmentQuery = Closed({ ...billsQuery, ordering: Ordering('month') })
export type BillsQuery = { month?: string; revisions?: 'all' }
export const CsvQuery = Closed({ month: Month })

export const NewPayment = Closed({
  amount: MoneyInput('0.01'),
  paid_on: Day,
  reference: Type.Optional(Text(200, { examples: ['Платёжное поручение № 17'] })),
  bill: Type.Optional(Id('What the payer meant; money belongs to the account of the flat')),
})
export type NewPayment = Static<typeof NewPayment>
export const Payment = Type.Object({
  id: Type.Integer(),
  apartment: Type.Integer(),
  amount: Money,
  paid_on: Day,
  reference: Type.String(),
  bill: Nullable(Type.Integer()),
  balance: Type.String({ ...Money, description: 'Of the flat after it' }),
  created_by: Nullable(Type.Integer()),
  created_at: Instant,
})
export type Payment = Static<typeof Payment>

export const Statement = Page(
  Type.Object({
    id: Type.Integer(),
    at: Instant,
    kind: Choice(['bill', 'payment']),
    detail: Type.String(),
    bill: Nullable(Type.Integer()),
    amount: Type.String({ ...Money, description: 'Below zero: paid' }),
    balance: Type.String({ ...Money, description: 'After it' }),
  }),
  { balance: Type.String({ ...Money, description: 'Of the flat now; below zero: paid in advance' }) },
)
export type Statement = Static<typeof Statement>
export const StatementQuery = Closed({ ...cursorQuery, ordering: Ordering('created_at', 'id') })

const Debtor = Type.Object({
  apartment: Type.Object({ id: Type.Integer(), number: Type.String() }),
  balance: Money,
  since: Type.String({ ...Instant, description: 'The oldest bill that is not covered; money covers the oldest first' }),
  days_0_30: Money,
  days_31_90: Money,
  days_over_90: Money,
})
export type Debtor = Static<typeof Debtor>
export const Debtors = Page(Debtor, { total: Type.String({ ...Money, description: 'Of all debtors of the house' }) })
export const DebtorsQuery = Closed({ ...pageQuery, ordering: Ordering('balance') })

export const NewRecalculation = Closed({
  amount: Type.Unsafe<string>({
    type: ['string', 'number'],
    'x-money': { signed: true },
    description: 'Below zero: in favour of the flat',
    examples: ['-150.00'],
  }),
  reason: Line(500, { examples: ['Воды не было 12–14 ноября'] }),
})
export type NewRecalculation = Static<typeof NewRecalculation>
export const Recalculation = Type.Object({
  id: Type.Integer(),
  apartment: Type.Integer(),
  amount: Money,
  reason: Type.String(),
  month: Nullable(Type.String({ ...MonthOut, description: 'Of a revision that came after the publication' })),
  bill: Nullable(Type.Integer({ description: 'The published bill that it went into' })),
  created_by: Nullable(Type.Integer()),
  created_at: Instant,
})
export type Recalculation = Static<typeof Recalculation>
export const Recalculations = Page(Recalculation)
export const RecalculationsQuery = Closed({ ...cursorQuery, ordering: Ordering('created_at', 'id') })
