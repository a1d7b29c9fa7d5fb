/*
 * accounts: who people are, how they log in, and who changed what.
 *
 *   URL                                            function             tables                        jobs
 *   POST   /api/auth/register, /auth/users         register             users, codes                  accounts.letters
 *   POST   /api/auth/login, /auth/jwt/create       login                users, logins, devices, notices      accounts.notices
 *   POST   /api/auth/refresh, /auth/jwt/refresh    refreshSession       users, logins, refresh_tokens
 *   POST   /api/auth/logout                        closeSession         logins
 *   GET    /api/auth/ways                          accountsSettings
 *   GET    /api/auth/oidc/login                    beginOidc
 *   GET    /api/auth/oidc/callback                 identityOf, logInByIdentity  identities, users, logins, refresh_tokens
 *   POST   /api/login                              sendCode             codes                         accounts.sms
 *   POST   /api/verify                             logInByPhone         codes, users, logins, refresh_tokens
 *   POST   /api/auth/password/reset                requestReset         codes                         accounts.letters
 *   POST   /api/auth/password/reset/confirm        resetPassword        codes, users, logins, tokens
 *   POST   /api/auth/email/confirm                 confirmEmail         codes, users
 *   POST   /auth                                   createMachineToken   users, tokens
 *   GET    /api/profile                            getProfile           users
 *   PATCH  /api/profile                            changeProfile        users, codes, notices         accounts.letters, accounts.notices
 *   POST   /api/profile/password                   changePassword       users, logins, tokens, notices    accounts.notices
 *   POST   /api/profile/phone                      sendCode             codes                         accounts.sms
 *   POST   /api/profile/phone/verify               linkPhone            codes, users, notices         accounts.notices
 *   POST   /api/profile/email/confirm              requestConfirmation  codes                         accounts.letters
 *   GET    /api/profile/sessions                   listSessions         logins
 *   DELETE /api/profile/sessions                   endOtherSessions     logins
 *   DELETE /api/profile/sessions/:id               endSession           logins
 *   GET    /api/profile/tokens                     listMachineTokens    tokens
 *   POST   /api/profile/tokens                     createScopedToken    users, tokens
 *   DELETE /api/profile/tokens/:id                 revokeMachineToken   tokens
 *   GET    /api/admin/users                        listUsers            users
 *   PATCH  /api/admin/users/:id                    changeUser           users, logins
 *   GET    /api/admin/audit                        listAudit            platform.audit_log
 */
import type { Module } from '../platform/module.ts'
import { authenticate } from './callers.ts'
import { codeSecret, sweepCodes } from './codes.ts'
import { mailLinks, releaseHeld } from './letters.ts'
import { messages } from './messages.ts'
import { sendNotices, sweepNotices } from './notices.ts'
import { routes } from './routes.ts'
import { AuditEntry, Profile, TokenPair, UserRow } from './schemas.ts'
import { seed } from './seed.ts'
import { sweepSessions } from './sessions.ts'
import { settings } from './settings.ts'
import { sendSms } from './sms.ts'

export { createFirstAdmin, setAdministrator } from './administrators.ts'
export { phoneDigits } from './phones.ts'
export { register } from './users.ts'

export const accounts: Module = {
  name: 'accounts',
  messages,
  settings,
  outboxKinds: ['sms'],
  routes,
  authenticate,
  seed,
  shapes: [AuditEntry, Profile, TokenPair, UserRow],
  secrets: { code: codeSecret },
  jobs: {
    // A code is worth something for five minutes, so the pauses between tries stay short.
    'accounts.sms': { handle: sendSms, batchSize: 20, retryLimit: 20, retryDelayMax: 20 },
    'accounts.letters': { handle: mailLinks, batchSize: 50 },
    'accounts.notices': { handle: sendNotices, batchSize: 20 },
  },
  loops: [
    { name: 'accounts.sessions', everySeconds: 3600, run: sweepSessions },
    { name: 'accounts.codes', everySeconds: 600, run: sweepCodes },
    { name: 'accounts.notices', everySeconds: 3600, run: sweepNotices },
    { name: 'accounts.held_letters', everySeconds: 60, run: releaseHeld },
  ],
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
      name: 'no code was compared more often than it may be',
      sql: 'select id from accounts.codes where tries > 5 or others_tries > 5',
    },
    {
      name: 'no two people invited each other',
      sql: `select a.id, b.id other from accounts.users a join accounts.users b on a.invited_by = b.id and b.invited_by = a.id`,
    },
  ],
}
