import { sql } from 'kysely'
import { Closed, Id } from '../http/schemas.ts'
import type { Audience } from '../platform/module.ts'

/** Whom mailings can be sent to. Who gave without a name is known to administrators alone, and so to no mailing. */
export const audiences: Audience[] = [
  {
    name: 'collects.givers',
    parameters: Closed({ collect: Id() }),
    references: { collect: { table: 'collects.collects', title: 'title' } },
    placeholders: ['name', 'sum'],
    people: ({ collect }: { collect: number }) => sql`
      select u.phone, null::text timezone, jsonb_build_object(
          'name', coalesce(nullif(trim(u.first_name || ' ' || u.patronymic), ''), u.full_name),
          'sum', sum(p.amount)::numeric(18, 2)::text) fields
      from collects.payments p join accounts.users u on u.id = p.payer_id
      where p.collect_id = ${collect} and p.status = 'completed' and not p.is_anonymous and u.is_active
      group by u.id`,
  },
]
