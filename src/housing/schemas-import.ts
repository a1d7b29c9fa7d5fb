import { type Static, Type } from 'typebox'
import { Closed, Nullable, Text } from '../http/schemas.ts'

const Count = Type.Integer({ minimum: 0 })
export const ImportReport = Type.Object({
  dry_run: Type.Boolean(),
  rows: Count,
  created: Type.Object({ apartments: Count, meters: Count, readings: Count }),
  unchanged: Type.Integer({ description: 'Rows of which all was there already' }),
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
export type ImportReport = Static<typeof ImportReport>

export const ImportQuery = Closed({
  columns: Type.Optional(
    Text(500, {
      description:
        'Fields in the order of the columns, an empty one to pass over: `number,area,,account`. Unless given, the heads tell.',
      examples: ['number,area,account,kind,serial,installed_on,initial_value,month,value'],
    }),
  ),
  dry_run: Type.Optional(Type.Boolean({ description: 'Tells what would be, and keeps nothing; files up to 64 MiB' })),
})
