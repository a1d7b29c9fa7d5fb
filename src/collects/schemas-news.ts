import { type Static, Type } from 'typebox'
import { cursorQuery, Page } from '../http/pages.ts'
import { Closed, Day, Id, Instant, Line, Money, MoneyInput, Nullable, PersonRef, Text } from '../http/schemas.ts'

const picture = (what: string, example: string) =>
  Nullable(Type.String({ description: `Address of ${what}, a JPEG of at most 1200×800`, examples: [example] }))

export const Update = Type.Object(
  {
    id: Type.Integer(),
    author: PersonRef,
    text: Type.String({ examples: ['Скамейки уже стоят!'] }),
    picture: picture('the picture', '/files/updates/9f2c….jpg'),
    is_thanks: Type.Boolean({ description: 'Thanks to all who gave' }),
    created_at: Instant,
  },
  { $id: 'CollectUpdate' },
)
export type Update = Static<typeof Update>
export const Updates = Page(Type.Unsafe<Update>(Type.Ref('CollectUpdate')))
export const NewUpdate = Closed({
  text: Text(5000, { minLength: 1, examples: ['Скамейки уже стоят!'] }),
  is_thanks: Type.Optional(Type.Boolean({ description: 'Thanks to all; a collect says them once', examples: [false] })),
})
export type NewUpdate = Static<typeof NewUpdate>

export const Expense = Type.Object(
  {
    id: Type.Integer(),
    author: PersonRef,
    amount: Money,
    what: Type.String({ examples: ['Доски и краска'] }),
    spent_on: Day,
    receipt: picture('a picture of the receipt', '/files/receipts/9f2c….jpg'),
    created_at: Instant,
  },
  { $id: 'Expense' },
)
export type Expense = Static<typeof Expense>
export const Expenses = Page(Type.Unsafe<Expense>(Type.Ref('Expense')), {
  spent_amount: Money,
  left_amount: Type.String({
    ...Money,
    description: 'Of what was collected; below zero organisers have added of their own',
  }),
})
export const NewExpense = Closed({
  amount: MoneyInput('0.01'),
  what: Line(300, { examples: ['Доски и краска'] }),
  spent_on: Day,
})
export type NewExpense = Static<typeof NewExpense>

export const NewOrganiser = Closed({
  user: Type.Union([Id(), Line(150)], {
    description: 'Id, username or invite code of a person',
    examples: ['K7MP4X'],
  }),
})
export type NewOrganiser = Static<typeof NewOrganiser>

/** Lists of news and of the ledger know one order, newest first or oldest. */
export const NewsQuery = Closed(cursorQuery)
export const UpdateParams = Closed({ id: Id(), update: Id() })
export const ExpenseParams = Closed({ id: Id(), expense: Id() })
export const OrganiserParams = Closed({ id: Id(), user: Id() })
