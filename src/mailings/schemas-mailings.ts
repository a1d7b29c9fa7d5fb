import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import { Choice, Closed, Instant, Nullable, Text } from '../http/schemas.ts'
import { Counts, mailingStatuses, OperatorCode, Phone } from './schemas.ts'

const HourMinute = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', examples: ['09:00'] })
const LocalWindow = Closed(
  { from: HourMinute, to: HourMinute },
  {
    description: "Hours of the client's own day, over midnight where `to` is earlier",
    examples: [{ from: '09:00', to: '21:00' }],
  },
)
const codes = { maxItems: 1000, uniqueItems: true }

/** Of clients; or of another module, whose parameters stand beside its name and are checked against its own schema. */
export const Filter = Type.Object(
  {
    operator_codes: Type.Optional(Type.Array(OperatorCode, { ...codes, examples: [['999', '916']] })),
    tags: Type.Optional(Type.Array(Text(64), { ...codes, examples: [['жильцы']] })),
    audience: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'In place of codes and tags; its parameters stand beside it. GET /api/mailings/audiences lists them.',
        examples: ['housing.debtors'],
      }),
    ),
  },
  {
    additionalProperties: Type.Unknown(),
    description: 'A client matches one of the codes and one of the tags; an empty list filters nothing',
    examples: [{ operator_codes: ['999'], tags: ['жильцы'] }],
  },
)
export type Filter = Static<typeof Filter>

const text = Text(1000, {
  minLength: 1,
  description: 'May hold `{phone}`, `{tag}` and what the audience offers',
  examples: ['Завтра с 9 до 18 не будет горячей воды.'],
})

const KeptFilter = Type.Object(
  {
    operator_codes: Type.Optional(Type.Array(Type.String())),
    tags: Type.Optional(Type.Array(Type.String())),
    audience: Type.Optional(Type.String()),
  },
  { additionalProperties: Type.Unknown(), description: 'Codes and tags, or an audience and its parameters' },
)

export const Mailing = Type.Object(
  {
    id: Type.Integer(),
    text: Type.String(),
    starts_at: Instant,
    ends_at: Instant,
    filter: KeptFilter,
    local_window: Nullable(Type.Object({ from: Type.String(), to: Type.String() })),
    status: Choice([...mailingStatuses], { examples: ['running'] }),
    counts: Type.Object(Counts.properties, {
      description: 'What is under way is `processing`; all 0 before the start',
    }),
    unreachable: Type.Integer({ description: 'People of the audience who have given no phone' }),
    created_by: Nullable(Type.Integer()),
    created_at: Instant,
    updated_at: Instant,
    started_at: Nullable(Instant),
    finished_at: Nullable(Instant),
    paused_at: Nullable(Instant),
    pause_reason: Nullable(Type.String({ description: 'Why it paused by itself; null for a pause by hand' })),
  },
  { $id: 'Mailing' },
)
export type Mailing = Static<typeof Mailing>
export const Mailings = Page(Type.Unsafe<Mailing>(Type.Ref('Mailing')))

const mailing = {
  text,
  starts_at: Type.String({ ...Instant, description: 'In the past: it begins at once' }),
  ends_at: Type.String({ ...Instant, description: 'Nothing is sent from then on', examples: ['2026-11-21T18:00:00Z'] }),
  filter: Filter,
  local_window: Nullable(LocalWindow),
}
export const NewMailing = Closed({
  ...mailing,
  filter: Type.Optional(Filter),
  local_window: Type.Optional(mailing.local_window),
})
export type NewMailing = Static<typeof NewMailing>
export const WholeMailing = Closed(mailing)
export type WholeMailing = Static<typeof WholeMailing>
export const MailingChange = Type.Partial(WholeMailing, { additionalProperties: false })
export type MailingChange = Static<typeof MailingChange>
/** What of a mailing people edit. */
export const mailingEdits = Object.keys(mailing)

export const MailingsQuery = Closed({
  ...cursorQuery,
  status: Type.Optional(Choice([...mailingStatuses])),
  ordering: Ordering('created_at', 'id'),
})
export type MailingsQuery = Static<typeof MailingsQuery>

export const PreviewRequest = Closed({
  filter: Filter,
  text: Type.Optional(text),
  starts_at: Type.Optional(Type.String({ ...Instant, description: 'Now unless given' })),
  ends_at: Type.Optional(Instant),
  local_window: Type.Optional(mailing.local_window),
})
export type PreviewRequest = Static<typeof PreviewRequest>
const SmsParts = Type.Object({
  most: Type.Integer({ description: 'Parts of the longest message' }),
  total: Type.Integer({ description: 'Parts of all that would be sent' }),
})
export const Preview = Type.Object({
  count: Type.Integer({ description: 'Messages that the start would make' }),
  sample: Type.Array(
    Type.Object({
      phone: Phone,
      operator_code: OperatorCode,
      tag: Type.String(),
      timezone: Type.String(),
      text: Nullable(Type.String({ description: 'As this one would get it; null without a text' })),
    }),
    { description: 'Ten of them' },
  ),
  stopped: Type.Integer({ description: 'Of the count: on the stop list, so nothing is sent' }),
  outside_window: Type.Integer({ description: 'Of the count: whose local hours do not come before the end' }),
  unreachable: Type.Integer({ description: 'Beside the count: people who have given no phone' }),
  parts: Nullable(SmsParts),
})
export type Preview = Static<typeof Preview>

const Placeholder = Type.Object({ name: Type.String({ examples: ['sum'] }), label: Type.String() })
export const Audience = Type.Object({
  name: Type.String({ examples: ['housing.debtors'] }),
  label: Type.String({ examples: ['Должники'] }),
  parameters: Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of its parameters' }),
  placeholders: Type.Array(Placeholder, { description: 'What a text to it may hold' }),
})
export type Audience = Static<typeof Audience>
export const Audiences = Page(Audience)
export const AudiencesQuery = Closed(pageQuery)

export const Retried = Type.Object({ count: Type.Integer({ description: 'Messages that go out again' }) })
