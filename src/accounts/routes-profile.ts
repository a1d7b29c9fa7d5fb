import type { App } from '../platform/http.ts'
import type { Platform } from '../platform/module.ts'
import { plainQuery } from '../platform/pages.ts'
import { Closed, IdParams, NoContent, problems, Ref } from '../platform/schemas.ts'
import { sendSession } from './cookies.ts'
import { requestConfirmation } from './letters.ts'
import { changePassword } from './passwords.ts'
import { originOf } from './routes-login.ts'
import {
  CodeSent,
  MachineTokens,
  PasswordChange,
  PhoneBody,
  PhoneCode,
  Profile,
  ProfileChange,
  TokenPair,
} from './schemas.ts'
import { openSession } from './sessions.ts'
import { linkPhone, phoneDigits, sendCode } from './sms.ts'
import { listMachineTokens, revokeMachineToken } from './tokens.ts'
import { changeProfile, getProfile } from './users.ts'

const tags = ['accounts']
const rateLimit = { max: 60, timeWindow: 60_000 }

/** One's own account. */
export function profileRoutes(app: App, platform: Platform): void {
  const { db } = platform

  app.get(
    '/api/profile',
    {
      config: { access: 'self' },
      schema: { summary: 'One’s own account', tags, response: { 200: Ref(Profile, 'Profile'), ...problems(401, 503) } },
    },
    async (req) => getProfile(db, req.user.id),
  )
  app.patch(
    '/api/profile',
    {
      config: { access: 'self' },
      schema: {
        summary: 'Change one’s own names and address, take an invite',
        description: 'An invite is taken once. A new address gets a letter that confirms it.',
        tags,
        body: ProfileChange,
        response: { 200: Ref(Profile, 'Profile'), ...problems(400, 401, 409, 503) },
      },
    },
    async (req) => changeProfile(platform, req.user, req.body, req.locale),
  )
  app.post(
    '/api/profile/password',
    {
      config: { access: 'self', rateLimit },
      schema: {
        summary: 'Set one’s own password',
        description: 'Ends every login and machine token of the account, and answers a new login.',
        tags,
        body: PasswordChange,
        response: { 200: Ref(TokenPair, 'TokenPair'), ...problems(400, 401, 429, 503) },
      },
    },
    async (req, reply) => {
      await changePassword(platform, req.user, req.body)
      return sendSession(platform, req, reply, await openSession(platform, req.user))
    },
  )
  app.post(
    '/api/profile/phone',
    {
      config: { access: 'self', rateLimit },
      schema: {
        summary: 'Ask for a code that joins a number to one’s account',
        tags,
        body: PhoneBody,
        response: { 200: CodeSent, ...problems(400, 401, 429, 503) },
      },
    },
    async (req) => sendCode(platform, 'phone', phoneDigits(req.body.phone), originOf(req), req.user.id),
  )
  app.post(
    '/api/profile/phone/verify',
    {
      config: { access: 'self' },
      schema: {
        summary: 'Join a number to one’s account by the code of the SMS',
        tags,
        body: PhoneCode,
        response: { 200: Ref(Profile, 'Profile'), ...problems(400, 401, 503) },
      },
    },
    async (req) => linkPhone(platform, req.user, phoneDigits(req.body.phone), String(req.body.token).trim()),
  )
  app.post(
    '/api/profile/email/confirm',
    {
      config: { access: 'self', rateLimit },
      schema: {
        summary: 'Send the letter that confirms one’s address again',
        tags,
        response: { 204: NoContent, ...problems(401, 409, 429, 503) },
      },
    },
    async (req, reply) => {
      await requestConfirmation(platform, req.user, req.locale)
      return reply.code(204).send()
    },
  )
  app.get(
    '/api/profile/tokens',
    {
      config: { access: 'self' },
      schema: {
        summary: 'One’s own machine tokens',
        tags,
        querystring: Closed(plainQuery),
        response: { 200: MachineTokens, ...problems(400, 401, 503) },
      },
    },
    async (req) => listMachineTokens(db, req.user, req),
  )
  app.delete(
    '/api/profile/tokens/:id',
    {
      config: { access: 'self' },
      schema: {
        summary: 'Revoke a machine token',
        tags,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 404, 503) },
      },
    },
    async (req, reply) => {
      await revokeMachineToken(db, req.user, req.params.id)
      return reply.code(204).send()
    },
  )
}
