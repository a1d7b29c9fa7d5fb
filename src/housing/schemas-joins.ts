import { type Static, Type } from 'typebox'
import { Closed, Instant, MonthInput } from '../http/schemas.ts'

export const JoinCode = Type.Object({
  id: Type.Integer(),
  apartment: Type.Integer(),
  code: Type.String({ examples: ['7KQ2M-XW9RD'], description: 'Told once' }),
  expires_at: Instant,
  created_at: Instant,
})
export type JoinCode = Static<typeof JoinCode>
export const Join = Closed({
  code: Type.String({
    minLength: 1,
    maxLength: 40,
    format: 'line',
    examples: ['7KQ2M-XW9RD'],
    description: 'As on the paper; case, spaces and dashes do not matter',
  }),
})
export const SheetQuery = Closed({
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Of 400 flats each' })),
})
export const NewReminders = Closed({ month: MonthInput })
export const Reminders = Type.Object({ count: Type.Integer({ description: 'Letters that go' }) })
