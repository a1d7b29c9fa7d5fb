import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { NoContent, Ref } from '../http/schemas.ts'
import { fieldFault } from '../platform/errors.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { clearSession, refreshTokenOf, sendLogin, sendSession, wantsCookies } from './cookies.ts'
import { deviceOf } from './devices.ts'
import { confirmEmail } from './letters.ts'
import { requestReset, resetPassword } from './passwords.ts'
import { logInByPhone, phoneDigits, sendCode } from './phones.ts'
import {
  CodeSent,
  Credentials,
  EmailBody,
  LinkBody,
  MachineCredentials,
  PhoneBody,
  PhoneCode,
  PhoneSession,
  Profile,
  RefreshBody,
  Registration,
  ResetBody,
  TokenPair,
} from './schemas.ts'
import { closeSession, refreshSession } from './sessions.ts'
import { createMachineToken } from './tokens.ts'
import { checkLogin, login, type Origin, register } from './users.ts'

/** Hashing is the dearest thing that a stranger can make us do. */
export const rateLimit = { max: 60, timeWindow: 60_000 }

/** From where a request comes, for limits and the audit log, and the language of what is sent for it. */
export const originOf = (req: FastifyRequest): Required<Origin> => ({
  address: req.ip,
  request_id: req.id,
  locale: req.locale,
})

/** A browser's refresh and logout need no body. */
const emptyBody = async (req: FastifyRequest) => {
  req.body ??= {}
}

const browsers =
  'With the header `X-Dvor-Session: cookie` the answer has no `refresh`: it and a cookie that only reads are set.'

/** Ways in and out. */
export function loginRoutes(app: App, platform: Platform): void {
  const { db } = platform

  for (const url of ['/api/auth/register', '/auth/users']) {
    app.post(
      url,
      {
        config: { access: 'anyone', rateLimit },
        schema: {
          summary: 'Sign up by name, address and password',
          body: Registration,
          response: { 201: Ref(Profile, 'Profile') },
        },
      },
      async (req) => register(platform, req.body, originOf(req)),
    )
  }
  for (const url of ['/api/auth/login', '/auth/jwt/create']) {
    app.post(
      url,
      {
        config: { access: 'anyone', rateLimit, refuses: [401] },
        schema: {
          summary: 'Log in by name or address and password',
          description: browsers,
          body: Credentials,
          response: { 200: Ref(TokenPair, 'TokenPair') },
        },
      },
      async (req, reply) => {
        const name = req.body.username ?? req.body.email
        if (!name) throw fieldFault('/username', 'validation.required')
        return sendLogin(platform, req, reply, await login(platform, name, req.body.password, deviceOf(req)))
      },
    )
  }
  for (const url of ['/api/auth/refresh', '/auth/jwt/refresh']) {
    app.post(
      url,
      {
        config: { access: 'anyone', rateLimit, refuses: [401, 403] },
        preValidation: emptyBody,
        schema: {
          summary: 'Spend a refresh token for the next pair',
          description: `The same one again within 30 seconds gets the same pair; any older one ends the login. ${browsers}`,
          body: RefreshBody,
          response: { 200: Ref(TokenPair, 'TokenPair') },
        },
      },
      async (req, reply) =>
        sendSession(platform, req, reply, await refreshSession(platform, refreshTokenOf(platform, req), req.ip)),
    )
  }
  app.post(
    '/api/auth/logout',
    {
      config: { access: 'self', refreshCookie: true, refuses: [403] },
      preValidation: emptyBody,
      schema: {
        summary: 'End this login',
        description: 'In a browser the cookies name the login, and they are taken away.',
        body: RefreshBody,
        response: { 204: NoContent },
      },
    },
    async (req, reply) => {
      await closeSession(db, req.user, refreshTokenOf(platform, req))
      if (wantsCookies(req) || req.cookies.refresh) clearSession(reply)
      return reply.code(204).send()
    },
  )
  app.post(
    '/api/login',
    {
      config: { access: 'anyone', rateLimit },
      schema: {
        summary: 'Ask for a code by SMS',
        description:
          'The answer is the same whether anybody has the number. A code lives 5 minutes, serves once and dies after 5 wrong tries; ' +
          'a new one may be asked for once in 60 seconds, 5 times an hour and 10 times a day for a number.',
        body: PhoneBody,
        response: { 200: CodeSent },
      },
    },
    async (req) => sendCode(platform, 'login', phoneDigits(req.body.phone), originOf(req)),
  )
  app.post(
    '/api/verify',
    {
      config: { access: 'anyone', rateLimit: { max: 300, timeWindow: 60_000 }, refuses: [403] },
      schema: {
        summary: 'Log in by the code of an SMS',
        description: `The first time this makes the account. ${browsers}`,
        body: PhoneCode,
        response: { 200: PhoneSession },
      },
    },
    async (req, reply) => {
      const { phone, token } = req.body
      const session = await logInByPhone(
        platform,
        phoneDigits(phone),
        String(token).trim(),
        originOf(req),
        deviceOf(req),
      )
      return sendLogin(platform, req, reply, session)
    },
  )

  app.post(
    '/api/auth/password/reset',
    {
      config: { access: 'anyone', rateLimit },
      schema: {
        summary: 'Ask for a letter that sets a forgotten password anew',
        description: 'The answer is the same whether anybody has the address. The link serves once, for an hour.',
        body: EmailBody,
        response: { 204: NoContent },
      },
    },
    async (req) => requestReset(platform, req.body.email, { address: req.ip, locale: req.locale }),
  )
  app.post(
    '/api/auth/password/reset/confirm',
    {
      config: { access: 'anyone', rateLimit },
      schema: {
        summary: 'Set a password by the link of that letter',
        description: 'Ends every login and machine token of the account.',
        body: ResetBody,
        response: { 204: NoContent },
      },
    },
    async (req) => resetPassword(platform, originOf(req), req.body.token, req.body.password),
  )
  app.post(
    '/api/auth/email/confirm',
    {
      config: { access: 'anyone', rateLimit },
      schema: { summary: 'Confirm an address by the link of a letter', body: LinkBody, response: { 204: NoContent } },
    },
    async (req) => confirmEmail(platform, originOf(req), req.body.token),
  )

  app.post(
    '/auth',
    {
      config: { access: 'anyone', rateLimit, refuses: [401] },
      schema: {
        summary: 'A long-lived token for a machine',
        body: MachineCredentials,
        response: { 200: Type.Object({ token: Type.String() }) },
      },
    },
    async (req) => {
      const checked = await checkLogin(platform, req.body.username, req.body.password, req.ip)
      return { token: await createMachineToken(db, checked, originOf(req)) }
    },
  )
}
