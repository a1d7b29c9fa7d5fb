import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import { Choice, Closed, Id, Instant, Line, Money, MoneyInput, Nullable, PersonRef, Text } from '../http/schemas.ts'

export const occasions = ['birthday', 'wedding', 'new_year', 'funeral', 'charity', 'yard', 'other'] as const
const Occasion = Choice([...occasions], { examples: ['yard'] })
const Status = Choice(['active', 'ended', 'closed'])

export const Collect = Type.Object(
  {
    id: Type.Integer(),
    author: PersonRef,
    title: Type.String({ examples: ['Скамейки во двор'] }),
    occasion: Occasion,
    description: Type.String(),
    target_amount: Nullable(Money),
    max_amount: Nullable(Type.String({ ...Money, description: 'The most that one payment may be' })),
    collected_amount: Money,
    spent_amount: Type.String({ ...Money, description: 'What organisers have entered into the ledger' }),
    donors_count: Type.Integer({ description: 'Different people' }),
    payments_count: Type.Integer(),
    cover: Nullable(
      Type.String({ description: 'Address of a JPEG of at most 1200×800', examples: ['/files/covers/9f2c….jpg'] }),
    ),
    ends_at: Instant,
    status: Status,
    created_at: Instant,
    updated_at: Instant,
  },
  { $id: 'Collect' },
)
export type Collect = Static<typeof Collect>

export const FeedItem = Type.Object(
  {
    id: Type.Integer(),
    amount: Money,
    created_at: Instant,
    full_name: Nullable(Type.String({ description: 'null when anonymous' })),
    comment: Type.String(),
  },
  { $id: 'FeedItem' },
)
export type FeedItem = Static<typeof FeedItem>

const newest = Type.Array(Type.Unsafe<FeedItem>(Type.Ref('FeedItem')), {
  description: 'The newest 20; the rest at /payments',
})
export const Organiser = PersonRef
export type Organiser = Static<typeof Organiser>
export const CollectDetail = Type.Object({
  ...Collect.properties,
  payments: newest,
  organisers: Type.Array(Organiser, { description: 'Besides the author' }),
})
export const Collects = Page(Type.Unsafe<Collect>(Type.Ref('Collect')))
export const Feed = Page(Type.Unsafe<FeedItem>(Type.Ref('FeedItem')))

const fields = {
  title: Line(200, { examples: ['Скамейки во двор'] }),
  occasion: Occasion,
  description: Text(10_000, { examples: ['Поставим четыре скамейки у второго подъезда.'] }),
  target_amount: Nullable(MoneyInput('0.01', 'null: no upper bound')),
  max_amount: Nullable(MoneyInput('1.00', 'null: one payment may be any sum')),
  ends_at: Type.String({ format: 'date-time', examples: ['2027-12-31T18:00:00+03:00'] }),
}
export const NewCollect = Closed({
  title: fields.title,
  occasion: fields.occasion,
  description: Type.Optional(fields.description),
  target_amount: Type.Optional(fields.target_amount),
  max_amount: Type.Optional(fields.max_amount),
  ends_at: fields.ends_at,
})
export type NewCollect = Static<typeof NewCollect>
export const CollectChange = Type.Partial(NewCollect, { additionalProperties: false })
export type CollectChange = Static<typeof CollectChange>
/** What of a collect people edit. */
export const collectEdits = [...Object.keys(CollectChange.properties), 'cover']

export const CollectsQuery = Closed({
  ...pageQuery,
  occasion: Type.Optional(Occasion),
  author: Type.Optional(Id()),
  status: Type.Optional(Status),
  search: Type.Optional(Text(200, { description: 'Part of title or description' })),
  ordering: Ordering('created_at', 'ends_at', 'collected_amount', 'donors_count'),
})
export type CollectsQuery = Static<typeof CollectsQuery>

const walk = Ordering('created_at', 'id')
export const FeedQuery = Closed({ ...cursorQuery, ordering: walk })

export const Payment = Type.Object(
  {
    id: Type.Integer(),
    collect: Type.Integer(),
    collect_title: Type.String(),
    payer: Nullable(Type.Integer({ description: 'null when anonymous, but for the payer and administrators' })),
    full_name: Nullable(Type.String()),
    amount: Money,
    status: Choice(['pending', 'completed', 'failed', 'refunded']),
    transaction_id: Type.String(),
    comment: Type.String(),
    is_anonymous: Type.Boolean(),
    created_at: Instant,
  },
  { $id: 'Payment' },
)
export type Payment = Static<typeof Payment>
export const Payments = Page(Type.Unsafe<Payment>(Type.Ref('Payment')))

const gift = {
  amount: MoneyInput('1.00'),
  transaction_id: Type.Optional(
    Line(64, { description: 'Made when absent; serves once', examples: ['bank-2026-11-21-0001'] }),
  ),
  comment: Type.Optional(Text(500, { examples: ['С соседским приветом!'] })),
  is_anonymous: Type.Optional(Type.Boolean({ examples: [false] })),
}
// Whole examples, for a transaction_id in them would serve only once.
const giftExample = { amount: '500.00', comment: 'С соседским приветом!', is_anonymous: false }
export const Gift = Closed(gift, { examples: [giftExample] })
export const NewPayment = Closed(
  { collect: Id('The collect'), ...gift },
  { examples: [{ collect: 1, ...giftExample }] },
)
export type NewPayment = Static<typeof NewPayment>
export const PaymentChange = Closed({ comment: Type.Optional(Text(500)), is_anonymous: Type.Optional(Type.Boolean()) })
export type PaymentChange = Static<typeof PaymentChange>

export const PaymentsQuery = Closed({
  ...cursorQuery,
  collect: Type.Optional(Id()),
  status: Type.Optional(Choice(['pending', 'completed', 'failed', 'refunded'])),
  ordering: walk,
})
export type PaymentsQuery = Static<typeof PaymentsQuery>

/** What one gave, by collect. */
export const PaymentTotals = Page(
  Type.Object({
    collect: Type.Integer(),
    title: Type.String(),
    amount: Money,
    payments_count: Type.Integer(),
    last_at: Instant,
  }),
)
export const TotalsQuery = Closed(pageQuery)
