import { plainQuery } from '../http/pages.ts'
import { Closed, IdParams, NoContent, Ref } from '../http/schemas.ts'
import { etagOf, sendTagged } from '../platform/etags.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { requireRecentLogin } from './access-tokens.ts'
import { sendSession } from './cookies.ts'
import { deviceOf } from './devices.ts'
import { requestConfirmation } from './letters.ts'
import { changePassword } from './passwords.ts'
import { linkPhone, phoneDigits, sendCode } from './phones.ts'
import { originOf, rateLimit } from './routes-login.ts'
import {
  CodeSent,
  CreatedMachineToken,
  Logins,
  MachineTokens,
  newMachineToken,
  PasswordChange,
  PhoneBody,
  PhoneCode,
  Profile,
  ProfileChange,
  profileEdits,
  TokenPair,
} from './schemas.ts'
import { endOtherSessions, endSession, listSessions } from './sessions.ts'
import { createScopedToken, listMachineTokens, revokeMachineToken } from './tokens.ts'
import { changeProfile, getProfile } from './users.ts'

const recent =
  'Needs a login of the last 10 minutes, else 403 `accounts.login_again`; refreshing is no login, and machine tokens can’t.'

/** One's own account. */
export function profileRoutes(app: App, platform: Platform): void {
  const { db } = platform

  app.get(
    '/api/profile',
    {
      config: { access: 'self' },
      schema: { summary: 'One’s own account', response: { 200: Ref(Profile, 'Profile') } },
    },
    async (req, reply) => {
      const profile = await getProfile(db, req.user.id)
      const body = Buffer.from(reply.serialize(profile) as string)
      reply.header('cache-control', 'private, no-cache')
      return sendTagged(req, reply, { body, etag: etagOf(body, profile, profileEdits) }) as never
    },
  )
  app.patch(
    '/api/profile',
    {
      config: { access: 'self', versioned: true, refuses: [403, 409] },
      schema: {
        summary: 'Change one’s own names and address, take an invite',
        description: `An invite is taken once. A new address gets a letter that confirms it. ${recent}`,
        body: ProfileChange,
        response: { 200: Ref(Profile, 'Profile') },
      },
    },
    async (req) => changeProfile(platform, req.user, req.body, req.locale, req.headers['if-match']),
  )
  app.post(
    '/api/profile/password',
    {
      config: { access: 'self', rateLimit, refuses: [403] },
      schema: {
        summary: 'Set one’s own password',
        description: `Ends every login and machine token of the account, and answers a new login. ${recent}`,
        body: PasswordChange,
        response: { 200: Ref(TokenPair, 'TokenPair') },
      },
    },
    async (req, reply) =>
      sendSession(platform, req, reply, await changePassword(platform, req.user, req.body, deviceOf(req))),
  )
  app.post(
    '/api/profile/phone',
    {
      config: { access: 'self', rateLimit, refuses: [403] },
      schema: {
        summary: 'Ask for a code that joins a number to one’s account',
        description: recent,
        body: PhoneBody,
        response: { 200: CodeSent },
      },
    },
    async (req) => {
      requireRecentLogin(req.user)
      return sendCode(platform, 'phone', phoneDigits(req.body.phone), originOf(req), req.user.id)
    },
  )
  app.post(
    '/api/profile/phone/verify',
    {
      config: { access: 'self', refuses: [403] },
      schema: {
        summary: 'Join a number to one’s account by the code of the SMS',
        description: recent,
        body: PhoneCode,
        response: { 200: Ref(Profile, 'Profile') },
      },
    },
    async (req) => linkPhone(platform, req.user, phoneDigits(req.body.phone), String(req.body.token).trim()),
  )
  app.post(
    '/api/profile/email/confirm',
    {
      config: { access: 'self', rateLimit, refuses: [409] },
      schema: { summary: 'Send the letter that confirms one’s address again', response: { 204: NoContent } },
    },
    async (req) => requestConfirmation(platform, req.user, req.locale),
  )
  app.get(
    '/api/profile/sessions',
    {
      config: { access: 'self' },
      schema: {
        summary: 'One’s own logins, with device, address and last use',
        querystring: Closed(plainQuery),
        response: { 200: Logins },
      },
    },
    async (req) => listSessions(db, req.user, req),
  )
  app.delete(
    '/api/profile/sessions',
    {
      config: { access: 'self' },
      schema: {
        summary: 'End all logins but this',
        description: 'Their access tokens write no more and read nothing that is for staff.',
        response: { 204: NoContent },
      },
    },
    async (req) => endOtherSessions(db, req.user),
  )
  app.delete(
    '/api/profile/sessions/:id',
    {
      config: { access: 'self' },
      schema: { summary: 'End a login', params: IdParams, response: { 204: NoContent } },
    },
    async (req) => endSession(db, req.user, req.params.id),
  )
  app.get(
    '/api/profile/tokens',
    {
      config: { access: 'self' },
      schema: {
        summary: 'One’s own machine tokens',
        querystring: Closed(plainQuery),
        response: { 200: MachineTokens },
      },
    },
    async (req) => listMachineTokens(db, req.user, req),
  )
  app.post(
    '/api/profile/tokens',
    {
      config: { access: 'self', rateLimit, refuses: [403] },
      schema: {
        summary: 'Make a machine token of few scopes',
        description: `A scope names a module and what may be done there. The token is shown this once. ${recent}`,
        body: newMachineToken(platform.scopes),
        response: { 201: CreatedMachineToken },
      },
    },
    async (req) => createScopedToken(db, req.user, req.body),
  )
  app.delete(
    '/api/profile/tokens/:id',
    {
      config: { access: 'self' },
      schema: { summary: 'Revoke a machine token', params: IdParams, response: { 204: NoContent } },
    },
    async (req) => revokeMachineToken(db, req.user, req.params.id),
  )
}
