import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import { Choice, Closed, Id, Instant, Money, Month, Nullable } from '../http/schemas.ts'
import { Issue, MonthOut } from './schemas-bills.ts'

const statuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const
const Status = Choice([...statuses], { examples: ['completed'] })
const Progress = Type.Number({ minimum: 0, maximum: 1, description: 'From 0 to 1; never goes back' })

export const Run = Type.Object(
  {
    id: Type.Integer(),
    house: Type.Integer(),
    month: MonthOut,
    status: Status,
    total: Type.Integer({ description: 'Flats, frozen at the start' }),
    processed: Type.Integer(),
    skipped: Type.Integer({ description: 'Flats whose bill of the run before was confirmed unchanged' }),
    incomplete: Type.Integer({ description: 'Flats whose bill lacks a line' }),
    progress: Progress,
    amount: Type.String({ ...Money, description: 'Sum of its bills so far' }),
    current: Type.Boolean({ description: 'Its bills are those that count for the month' }),
    error: Nullable(Type.String({ description: 'Why it failed' })),
    created_by: Nullable(Type.Integer()),
    created_at: Instant,
    started_at: Nullable(Instant),
    finished_at: Nullable(Instant),
    published_at: Nullable(Instant),
    published_by: Nullable(Type.Integer()),
  },
  { $id: 'BillingRun' },
)
export type Run = Static<typeof Run>
export const Runs = Page(Type.Unsafe<Run>(Type.Ref('BillingRun')))
export const NewRun = Closed({ month: Month })

const runsQuery = {
  ...cursorQuery,
  month: Type.Optional(Month),
  status: Type.Optional(Status),
  ordering: Ordering('created_at', 'id'),
}
export const RunsOfHouseQuery = Closed(runsQuery)
export const RunsQuery = Closed({ ...runsQuery, house: Type.Optional(Id()) })
export type RunsQuery = Static<typeof RunsQuery>

const town = {
  houses: Type.Integer({ description: 'That have a run of this month' }),
  total: Type.Integer({ description: 'Flats' }),
  processed: Type.Integer(),
  progress: Progress,
  amount: Money,
  statuses: Type.Record(Type.String(), Type.Integer(), { examples: [{ completed: 12, running: 1, queued: 30 }] }),
}
export const TownRuns = Type.Object({ month: MonthOut, started: Type.Integer(), ...town })
export type TownRuns = Static<typeof TownRuns>
export const TownProgress = Type.Object(town)
export const TownQuery = Closed({ month: Month })

export const Preview = Type.Object({
  apartments: Type.Integer(),
  incomplete: Type.Integer({ description: 'Flats whose bill would lack a line' }),
  missing_readings: Type.Array(Type.Object({ apartment: Type.Integer(), meter: Type.Integer(), month: MonthOut }), {
    description: 'Of this month or the one before, by flat; the first thousand',
  }),
  missing_count: Type.Integer(),
  amount: Money,
})
export type Preview = Static<typeof Preview>

export const IncompleteFlat = Type.Object({
  id: Type.Integer({ description: 'The flat' }),
  number: Type.String(),
  bill: Type.Integer(),
  issues: Type.Array(Issue),
})
export type IncompleteFlat = Static<typeof IncompleteFlat>
export const IncompleteFlats = Page(IncompleteFlat)
export const IncompleteQuery = Closed({ ...cursorQuery, ordering: Ordering('id') })

export const Comparison = Type.Object({
  apartment: Type.Integer(),
  number: Type.String(),
  bill: Type.Integer(),
  total: Money,
  before: Nullable(Type.String({ ...Money, description: 'Of the current bill of the month before' })),
  difference: Money,
  status: Type.String(),
})
export type Comparison = Static<typeof Comparison>
export const Comparisons = Page(Comparison)
export const ComparisonQuery = Closed(pageQuery)
