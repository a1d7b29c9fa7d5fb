/*
 * accounts: who people are and how they log in.
 *
 *   URL                                            function            tables                      jobs
 *   POST   /api/auth/register, /auth/users         register            users
 *   POST   /api/auth/login, /auth/jwt/create       login, openSession  users, logins, refresh_tokens
 *   POST   /api/auth/refresh, /auth/jwt/refresh    refreshSession      logins, refresh_tokens
 *   POST   /api/auth/logout                        closeSession        logins
 *   POST   /auth                                   createMachineToken  tokens
 *   GET    /api/profile                            getProfile          users
 *   PATCH  /api/profile                            changeProfile       users
 *   GET    /api/profile/tokens                     (in the route)      tokens
 *   DELETE /api/profile/tokens/:id                 (in the route)      tokens
 *   GET    /api/admin/users                        listUsers           users
 *   PATCH  /api/admin/users/:id                    changeUser          users, logins
 */
import type { Module } from '../platform/module.ts'
import { authenticate } from './callers.ts'
import { messages } from './messages.ts'
import { routes } from './routes.ts'
import { Profile, TokenPair, UserRow } from './schemas.ts'
import { seed } from './seed.ts'
import { sweepSessions } from './sessions.ts'

export { createFirstAdmin, setAdministrator } from './administrators.ts'
export { register } from './users.ts'

export const accounts: Module = {
  name: 'accounts',
  messages,
  routes,
  authenticate,
  seed,
  shapes: [Profile, TokenPair, UserRow],
  sweeps: { 'accounts.sessions': { everySeconds: 3600, run: sweepSessions } },
  invariants: [
    {
      name: 'there is an active administrator',
      sql: `select 'nobody' problem where exists (select from accounts.users)
            and not exists (select from accounts.users where role = 'admin' and is_active)`,
    },
    {
      name: 'a login family has at most one refresh token that is not spent',
      sql: `select login_id from accounts.refresh_tokens where spent_at is null group by login_id having count(*) > 1`,
    },
    {
      name: 'no two people invited each other',
      sql: `select a.id, b.id other from accounts.users a join accounts.users b on a.invited_by = b.id and b.invited_by = a.id`,
    },
  ],
}
