import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { mayEverything, mayRead, roles, type User } from '../platform/access.ts'
import { fieldFault, notFound } from '../platform/errors.ts'
import type { App } from '../platform/http.ts'
import type { Platform } from '../platform/module.ts'
import { pageAnswer, pageQuery, pageRequest } from '../platform/pages.ts'
import { Choice, Closed, IdParams, NoContent, problems, Ref, Text } from '../platform/schemas.ts'
import { createMachineToken } from './callers.ts'
import { clearSession, refreshTokenOf, sendSession, wantsCookies } from './cookies.ts'
import {
  Credentials,
  MachineCredentials,
  MachineTokens,
  Profile,
  ProfileChange,
  RefreshBody,
  Registration,
  TokenPair,
  UserChange,
  UserRow,
  Users,
} from './schemas.ts'
import { closeSession, openSession, refreshSession } from './sessions.ts'
import { changeProfile, changeUser, getProfile, listUsers, login, register } from './users.ts'

const tags = ['accounts']
/** Hashing is the dearest thing that a stranger can make us do. */
const rateLimit = { max: 60, timeWindow: 60_000 }

/** A browser's refresh and logout need no body. */
const emptyBody = async (req: FastifyRequest) => {
  req.body ??= {}
}

export function routes(app: App, platform: Platform): void {
  const { db } = platform

  for (const url of ['/api/auth/register', '/auth/users']) {
    app.post(
      url,
      {
        config: { access: 'anyone', rateLimit },
        schema: {
          summary: 'Sign up by name, address and password',
          tags,
          body: Registration,
          response: { 201: Ref(Profile, 'Profile'), ...problems(400, 429, 503) },
        },
      },
      async (req, reply) => reply.code(201).send(await register(platform, req.body, req.locale)),
    )
  }
  for (const url of ['/api/auth/login', '/auth/jwt/create']) {
    app.post(
      url,
      {
        config: { access: 'anyone', rateLimit },
        schema: {
          summary: 'Log in by name or address and password',
          tags,
          body: Credentials,
          response: { 200: Ref(TokenPair, 'TokenPair'), ...problems(400, 401, 429, 503) },
        },
      },
      async (req, reply) => {
        const name = req.body.username ?? req.body.email
        if (!name) throw fieldFault('/username', 'validation.required')
        const user = await login(platform, name, req.body.password)
        return sendSession(platform, req, reply, await openSession(platform, user))
      },
    )
  }
  for (const url of ['/api/auth/refresh', '/auth/jwt/refresh']) {
    app.post(
      url,
      {
        config: { access: 'anyone', rateLimit },
        preValidation: emptyBody,
        schema: {
          summary: 'Spend a refresh token for the next pair',
          tags,
          body: RefreshBody,
          response: { 200: Ref(TokenPair, 'TokenPair'), ...problems(400, 401, 403, 429, 503) },
        },
      },
      async (req, reply) =>
        sendSession(platform, req, reply, await refreshSession(platform, refreshTokenOf(platform, req))),
    )
  }
  app.post(
    '/api/auth/logout',
    {
      config: { access: 'user', refreshCookie: true },
      preValidation: emptyBody,
      schema: {
        summary: 'End this login',
        description: 'In a browser the cookies name the login, and they are taken away.',
        tags,
        body: RefreshBody,
        response: { 204: NoContent, ...problems(400, 401, 403, 503) },
      },
    },
    async (req, reply) => {
      await closeSession(db, req.user, refreshTokenOf(platform, req))
      if (wantsCookies(req) || req.cookies.refresh) clearSession(reply)
      return reply.code(204).send()
    },
  )
  app.post(
    '/auth',
    {
      config: { access: 'anyone', rateLimit },
      schema: {
        summary: 'A long-lived token for a machine',
        tags,
        body: MachineCredentials,
        response: { 200: Type.Object({ token: Type.String() }), ...problems(400, 401, 429, 503) },
      },
    },
    async (req) => {
      const user: User = await login(platform, req.body.username, req.body.password)
      return { token: await createMachineToken(db, user) }
    },
  )

  app.get(
    '/api/profile',
    {
      config: { access: 'user' },
      schema: { summary: 'One’s own account', tags, response: { 200: Ref(Profile, 'Profile'), ...problems(401, 503) } },
    },
    async (req) => getProfile(db, req.user.id),
  )
  app.patch(
    '/api/profile',
    {
      config: { access: 'user' },
      schema: {
        summary: 'Change one’s own names and address',
        tags,
        body: ProfileChange,
        response: { 200: Ref(Profile, 'Profile'), ...problems(400, 401, 409, 503) },
      },
    },
    async (req) => changeProfile(platform, req.user, req.body),
  )
  app.get(
    '/api/profile/tokens',
    {
      config: { access: 'user' },
      schema: {
        summary: 'One’s own machine tokens',
        tags,
        querystring: Closed(pageQuery),
        response: { 200: MachineTokens, ...problems(400, 401, 503) },
      },
    },
    async (req) => {
      const page = pageRequest(req)
      const own = db.selectFrom('accounts.tokens').where('user_id', '=', req.user.id).where('revoked_at', 'is', null)
      const rows = await own
        .select(['id', 'created_at', 'last_used_at'])
        .orderBy('id', 'desc')
        .limit(page.limit)
        .offset(page.offset)
        .execute()
      const { n } = await own.select((e) => e.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
      return pageAnswer(page, rows, n)
    },
  )
  app.delete(
    '/api/profile/tokens/:id',
    {
      config: { access: ['owner'] },
      schema: {
        summary: 'Revoke a machine token',
        tags,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 404, 503) },
      },
    },
    async (req, reply) => {
      const { numUpdatedRows } = await db
        .updateTable('accounts.tokens')
        .set({ revoked_at: new Date().toISOString() })
        .where('id', '=', req.params.id)
        .where('user_id', '=', req.user.id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      if (!numUpdatedRows) throw notFound()
      return reply.code(204).send()
    },
  )

  app.get(
    '/api/admin/users',
    {
      config: { access: mayRead },
      schema: {
        summary: 'All users',
        tags,
        querystring: Closed({
          ...pageQuery,
          search: Type.Optional(Text(200)),
          role: Type.Optional(Choice([...roles])),
        }),
        response: { 200: Users, ...problems(400, 401, 403, 503) },
      },
    },
    async (req) => listUsers(platform, req, req.query),
  )
  app.patch(
    '/api/admin/users/:id',
    {
      config: { access: mayEverything },
      schema: {
        summary: 'Set role, block or unblock',
        tags,
        params: IdParams,
        body: UserChange,
        response: { 200: Ref(UserRow, 'User'), ...problems(400, 401, 403, 404, 409, 503) },
      },
    },
    async (req) => changeUser(platform, req.params.id, req.body),
  )
}
