import { Type } from 'typebox'
import { plainQuery } from '../http/pages.ts'
import { Choice, Closed, IdParams, Ref, Text } from '../http/schemas.ts'
import { mayEverything, mayRead } from '../platform/access.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { changeUser, listUsers } from './administrators.ts'
import { listAudit } from './audit.ts'
import { AuditLog, AuditQuery, UserRow, Users, userChange } from './schemas.ts'

/** Users and what was changed, for administrators. */
export function adminRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/admin/users',
    {
      config: { access: mayRead },
      schema: {
        summary: 'All users',
        querystring: Closed({
          ...plainQuery,
          search: Type.Optional(Text(200)),
          role: Type.Optional(Choice(platform.roles)),
        }),
        response: { 200: Users },
      },
    },
    async (req) => listUsers(platform, req, req.query),
  )
  app.patch(
    '/api/admin/users/:id',
    {
      config: { access: mayEverything, refuses: [409] },
      schema: {
        summary: 'Set role, block or unblock',
        params: IdParams,
        body: userChange(platform.roles),
        response: { 200: Ref(UserRow, 'User') },
      },
    },
    async (req) => changeUser(platform, req.user, req.params.id, req.body),
  )
  app.get(
    '/api/admin/audit',
    {
      config: { access: mayRead },
      schema: {
        summary: 'Who changed what, when and from where',
        description: 'Of passwords, codes, numbers and addresses only that they changed is kept.',
        querystring: AuditQuery,
        response: { 200: AuditLog },
      },
    },
    async (req) => listAudit(platform.db, req, req.query),
  )
}
