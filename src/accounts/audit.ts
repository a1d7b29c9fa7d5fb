import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import { countRows, cursorAnswer, cursorRequest, type PageOf, walk } from '../http/pages.ts'
import type { Db } from '../platform/database.ts'
import type { AuditEntry, AuditQuery } from './schemas.ts'

/** The audit log, newest first, by who, what, on what and when. */
export async function listAudit(db: Db, req: FastifyRequest, query: AuditQuery): Promise<PageOf<AuditEntry>> {
  const page = cursorRequest(req)
  const found = db
    .selectFrom('platform.audit_log as a')
    .$if(query.user !== undefined, (q) => q.where('a.user_id', '=', query.user!))
    .$if(query.action !== undefined, (q) => q.where('a.action', '=', query.action!))
    .$if(query.subject !== undefined, (q) => q.where('a.subject', '=', query.subject!))
    .$if(query.subject_id !== undefined, (q) => q.where('a.subject_id', '=', query.subject_id!))
    .$if(query.from !== undefined, (q) => q.where('a.at', '>=', query.from!))
    .$if(query.to !== undefined, (q) => q.where('a.at', '<', query.to!))
  const { after, order } = walk(page, sql`a.id`)
  const rows = await found
    .leftJoin('accounts.users as u', 'u.id', 'a.user_id')
    .select([
      'a.id',
      'a.at',
      sql<
        AuditEntry['user']
      >`case when u.id is not null then json_build_object('id', u.id, 'full_name', u.full_name) end`.as('user'),
      'a.action',
      'a.subject',
      'a.subject_id',
      'a.before',
      'a.after',
      'a.address',
      'a.request_id',
    ])
    .where(after)
    .orderBy(order)
    .limit(page.limit + 1)
    .offset(page.offset)
    .execute()
  const count = await countRows(db, page, (limit) => found.select('a.id').modifyEnd(limit))
  return cursorAnswer(page, rows as AuditEntry[], count)
}
