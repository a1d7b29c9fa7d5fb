import type { User } from './access.ts'
import { type RunSql, sqlOf, type Tx } from './database.ts'

/** Who makes a change; nobody for the command line and for jobs. */
export type Actor = Pick<User, 'id' | 'address' | 'request_id'> | undefined

/**
 * A change for the audit log. `action` is `module.verb`, `subject` the table, `before` and `after` the fields of the
 * row; of two given sides only what differs is kept.
 */
export type Change = {
  action: string
  subject: string
  subject_id: number | null
  before?: object | undefined
  after?: object | undefined
}

// Who is meant stands in subject_id, so the log needs neither secrets nor personal data, and deletion leaves none behind.
const masked =
  /password|token|secret|hash|^code$|phone|email|username|^(first|last|full)_name$|^patronymic$|^payee$|account$/

/** The value as the log may keep it: sensitive fields say that there was something, not what. */
function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, v]) => [name, v !== null && v !== '' && masked.test(name) ? '***' : mask(v)]),
  )
}

function sides({ before, after }: Change): [string | null, string | null] {
  const kept = (side: object, other: object | undefined) =>
    Object.fromEntries(
      Object.entries(side).filter(
        ([name, v]) => !other || JSON.stringify(v) !== JSON.stringify((other as Record<string, unknown>)[name]),
      ),
    )
  return [
    before ? JSON.stringify(mask(kept(before, after))) : null,
    after ? JSON.stringify(mask(kept(after, before))) : null,
  ]
}

/** Writes who changed what into the audit log, in the transaction of the change: both are there or neither. */
export function recordChange(tx: Tx, actor: Actor, change: Change): Promise<void> {
  return recordChanges(sqlOf(tx), [{ actor, change }])
}

/** The same for many changes of one transaction, in one statement. */
export async function recordChanges(sql: RunSql, changes: { actor: Actor; change: Change }[]): Promise<void> {
  if (!changes.length) return
  const both = changes.map((c) => sides(c.change))
  await sql(
    `insert into platform.audit_log (user_id, action, subject, subject_id, before, after, address, request_id)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::jsonb[], $6::jsonb[], $7::text[], $8::text[])`,
    [
      changes.map((c) => c.actor?.id ?? null),
      changes.map((c) => c.change.action),
      changes.map((c) => c.change.subject),
      changes.map((c) => c.change.subject_id),
      both.map(([before]) => before),
      both.map(([, after]) => after),
      changes.map((c) => c.actor?.address ?? null),
      changes.map((c) => c.actor?.request_id ?? null),
    ],
  )
}
