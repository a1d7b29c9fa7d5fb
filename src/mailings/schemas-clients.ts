import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page } from '../http/pages.ts'
import { Closed, Instant, Line, Nullable, PersonRef, Text } from '../http/schemas.ts'
import { type Client, OperatorCode, Phone } from './schemas.ts'

const client = {
  phone: Phone,
  operator_code: Type.String({ ...OperatorCode, description: 'Digits 2 to 4 of the phone unless given' }),
  tag: Text(64, { examples: ['подъезд 2'] }),
  timezone: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$', examples: ['Europe/Moscow'] }),
}
export const Clients = Page(Type.Unsafe<Client>(Type.Ref('Client')))
export const NewClient = Closed({ ...Type.Partial(Closed(client)).properties, phone: client.phone })
export type NewClient = Static<typeof NewClient>
export const WholeClient = Closed({ ...client, operator_code: Type.Optional(client.operator_code) })
export const ClientChange = Type.Partial(Closed(client), { additionalProperties: false })
export type ClientChange = Static<typeof ClientChange>
/** What of a client people edit. */
export const clientEdits = Object.keys(client)

export const clientFilters = {
  operator_code: Type.Optional(OperatorCode),
  tag: Type.Optional(Text(64)),
  search: Type.Optional(Text(100, { description: 'Part of the phone in any spelling, or of the tag' })),
}
export const ClientsQuery = Closed({ ...cursorQuery, ...clientFilters, ordering: Ordering('created_at', 'id') })
export const ClientFilters = Closed(clientFilters)
export type ClientFilters = Static<typeof ClientFilters>

/** A number as people write it. */
const AnyPhone = Line(40, { description: 'In any usual spelling', examples: ['+7 999 123-45-67'] })
export const Stop = Type.Object({
  phone: Phone,
  reason: Type.String(),
  created_by: Nullable(PersonRef),
  created_at: Instant,
})
export type Stop = Static<typeof Stop>
export const Stops = Page(Stop)
export const NewStop = Closed({ phone: AnyPhone, reason: Type.Optional(Text(300, { examples: ['просил не писать'] })) })
export type NewStop = Static<typeof NewStop>
export const StopsQuery = Closed({
  ...cursorQuery,
  search: Type.Optional(Text(100, { description: 'Part of the phone in any spelling, or of the reason' })),
  ordering: Ordering('created_at', 'id'),
})
export const StopParams = Closed({ phone: AnyPhone })

const Count = Type.Integer({ minimum: 0 })
export const ClientsReport = Type.Object({
  dry_run: Type.Boolean(),
  created: Count,
  skipped: Type.Integer({ description: 'Rows whose phone was there already, or stood above in the file' }),
  faulty: Count,
  errors: Type.Array(
    Type.Object({
      line: Type.Integer({ description: 'Of the file; its head is line 1' }),
      field: Nullable(Type.String()),
      message: Type.String(),
    }),
    { description: 'The first 100 faulty rows' },
  ),
  columns: Type.Array(
    Type.Object({ header: Type.String(), field: Nullable(Type.String({ description: 'null: passed over' })) }),
    { description: 'What each column of the file was taken for' },
  ),
})
export type ClientsReport = Static<typeof ClientsReport>
export const ClientsImportQuery = Closed({
  columns: Type.Optional(
    Text(500, {
      description:
        'Fields in the order of the columns, an empty one to pass over: `phone,,tag`. Unless given, the heads tell.',
      examples: ['phone,operator_code,tag,timezone'],
    }),
  ),
  dry_run: Type.Optional(
    Type.Boolean({ description: 'Tells what would be, and keeps nothing; up to a million numbers' }),
  ),
})
export const ClientsExportQuery = Closed({
  ...clientFilters,
  bom: Type.Optional(Type.Boolean({ description: 'Begins with the mark by which spreadsheet programs know UTF-8' })),
})
