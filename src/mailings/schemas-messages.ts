import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page } from '../http/pages.ts'
import { Choice, Closed, Day, Id, Instant, Nullable } from '../http/schemas.ts'
import { Counts, counts, Message, mailingStatuses, messageStatuses, OperatorCode } from './schemas.ts'

const OfOperator = Type.Object({ operator_code: OperatorCode, ...counts })
const Moved = { sent: Type.Integer(), error: Type.Integer() }

export const Statistics = Page(
  Type.Object({
    id: Type.Integer(),
    status: Choice([...mailingStatuses]),
    starts_at: Instant,
    ends_at: Instant,
    counts: Counts,
  }),
  {
    mailings: Type.Integer(),
    messages: Counts,
    by_operator: Type.Array(OfOperator, { description: 'The largest first' }),
    by_day: Type.Array(Type.Object({ day: Day, ...Moved }), {
      description: "The last 31 days of the installation's time zone on which something was sent or became an error",
    }),
  },
)
export const StatisticsQuery = Closed({ ...cursorQuery, ordering: Ordering('created_at', 'id') })

const Percentile = Nullable(Type.Number({ description: 'Within 5 %; null before the first answer', examples: [48.2] }))
export const MailingStatistics = Type.Object({
  counts: Counts,
  by_operator: Type.Array(OfOperator, { description: 'The largest first' }),
  per_minute: Type.Array(Type.Object({ at: Instant, ...Moved }), {
    description: 'Minutes in which something was sent or became an error, the newest 10,080 of them, oldest first',
  }),
  attempts: Type.Integer({ description: 'Calls of the gateway that were recorded' }),
  latency_ms: Type.Object({ p50: Percentile, p95: Percentile, p99: Percentile }),
})
export type MailingStatistics = Static<typeof MailingStatistics>

const status = Type.Optional(Choice([...messageStatuses]))
export const Messages = Page(Type.Unsafe<Message>(Type.Ref('Message')))
export const MessagesQuery = Closed({
  ...cursorQuery,
  status,
  client: Type.Optional(Id()),
  ordering: Ordering('created_at', 'id'),
})
export type MessagesQuery = Static<typeof MessagesQuery>
export const MessagesCsvQuery = Closed({
  status: Type.Optional(Choice([...messageStatuses], { description: '`error` and `expired` unless given' })),
  bom: Type.Optional(Type.Boolean({ description: 'Begins with the mark by which spreadsheet programs know UTF-8' })),
})
export const WholeMessage = Type.Object({
  ...Message.properties,
  operator_code: OperatorCode,
  text: Type.String({ description: 'As the client gets it' }),
})
export type WholeMessage = Static<typeof WholeMessage>
