import { Type } from 'typebox'
import { streamEvents } from '../http/events.ts'
import { cursorRequest, pageRequest } from '../http/pages.ts'
import { IdParams, NoContent, NoQuery, Ref } from '../http/schemas.ts'
import { sendEdition } from '../platform/etags.ts'
import type { App } from '../platform/fastify.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { cancelMailing, pauseMailing, resumeMailing, retryMailing } from './active.ts'
import { mailingTopic } from './expire.ts'
import { listAudiences } from './filters.ts'
import { changeMailing, createMailing, getMailing, listMailings, mailingState, removeMailing } from './mailings.ts'
import { previewMailing } from './preview.ts'
import { wordPause } from './reasons.ts'
import {
  Audiences,
  AudiencesQuery,
  Mailing,
  MailingChange,
  Mailings,
  MailingsQuery,
  mailingEdits,
  NewMailing,
  Preview,
  PreviewRequest,
  Retried,
  WholeMailing,
} from './schemas-mailings.ts'
import { readers, staff } from './viewers.ts'

const aMailing = Ref(Mailing, 'Mailing')
const eventStream = { content: { 'text/event-stream': { schema: Type.String() } } }

/** Mailings, and what is done with those that run. */
export function mailingRoutes(app: App, platform: Platform): void {
  /** Why it paused is kept as a code, for it is read in more than one language. */
  const worded = (req: { locale: Locale }, mailing: Mailing): Mailing => ({
    ...mailing,
    pause_reason: wordPause(platform.translate, req.locale, mailing.pause_reason),
  })
  app.get(
    '/api/mailings',
    {
      config: { access: readers },
      schema: { summary: 'Mailings', querystring: MailingsQuery, response: { 200: Mailings } },
    },
    async (req) => {
      const page = await listMailings(platform, req.query, cursorRequest(req))
      return { ...page, results: page.results.map((mailing) => worded(req, mailing)) }
    },
  )
  app.post(
    '/api/mailings',
    {
      config: { access: staff, idempotent: true },
      schema: {
        summary: 'Add a mailing',
        description:
          'It begins by itself at `starts_at`, at once where that has come, and its audience is taken then. At `ends_at` what is not sent stays so.',
        body: NewMailing,
        response: { 201: aMailing },
      },
    },
    async (req) => createMailing(platform, req.user, req.body, req.once),
  )
  app.post(
    '/api/mailings/preview',
    {
      config: { access: staff },
      schema: {
        summary: 'Whom a mailing would reach now',
        description:
          'Counted, not estimated, in one snapshot; nothing is written. With a text: as ten of them would get it, and how many SMS it comes to. With `ends_at` and `local_window`: who would be outside it.',
        body: PreviewRequest,
        response: { 200: Preview },
      },
    },
    async (req) => previewMailing(platform, req.body),
  )
  app.get(
    '/api/mailings/audiences',
    {
      config: { access: readers },
      schema: {
        summary: 'Audiences of other modules',
        description: 'What may stand in `filter` in place of codes and tags: those of the modules that run.',
        querystring: AudiencesQuery,
        response: { 200: Audiences },
      },
    },
    async (req) => listAudiences(platform, req.locale, pageRequest(req)),
  )
  app.get(
    '/api/mailings/:id',
    {
      config: { access: readers },
      schema: {
        summary: 'A mailing',
        description: 'Counts are those of this instant.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: aMailing },
      },
    },
    async (req, reply) =>
      sendEdition(req, reply, worded(req, await getMailing(platform.db, req.params.id)), mailingEdits) as never,
  )
  const changing = (summary: string) => ({
    summary,
    description:
      'Once it has started only `ends_at` and `local_window` change, for what is not yet sent; the rest, and all after its end: 409.',
    params: IdParams,
    response: { 200: aMailing },
  })
  app.put(
    '/api/mailings/:id',
    {
      config: { access: staff, versioned: true, refuses: [409] },
      schema: { ...changing('Replace a mailing'), body: WholeMailing },
    },
    async (req) =>
      worded(req, await changeMailing(platform, req.user, req.params.id, req.body, req.headers['if-match'])),
  )
  app.patch(
    '/api/mailings/:id',
    {
      config: { access: staff, versioned: true, refuses: [409] },
      schema: { ...changing('Change a mailing'), body: MailingChange },
    },
    async (req) =>
      worded(req, await changeMailing(platform, req.user, req.params.id, req.body, req.headers['if-match'])),
  )
  app.delete(
    '/api/mailings/:id',
    {
      config: { access: staff },
      schema: {
        summary: 'Remove a mailing and its messages',
        description: 'One that runs is stopped first.',
        params: IdParams,
        response: { 204: NoContent },
      },
    },
    async (req) => removeMailing(platform, req.user, req.params.id),
  )
  const steering = <const R extends object>(summary: string, description: string, response: R) => ({
    config: { access: staff, idempotent: true, refuses: [409] },
    schema: { summary, description, params: IdParams, response },
  })
  const answered = { 200: aMailing }
  app.post(
    '/api/mailings/:id/cancel',
    steering(
      'Cancel a mailing',
      'Nothing is claimed after the answer; what was `processing` becomes `expired`, of a large one within seconds. A finished or cancelled one: 409.',
      answered,
    ),
    async (req) => cancelMailing(platform, req.user, req.params.id, req.once),
  )
  app.post(
    '/api/mailings/:id/pause',
    steering('Pause a mailing', 'Nothing new is claimed; its end stays. Not running or paused: 409.', answered),
    async (req) => pauseMailing(platform, req.user, req.params.id, req.once),
  )
  app.post(
    '/api/mailings/:id/resume',
    steering('Go on with a paused mailing', 'Not paused: 409.', answered),
    async (req) => resumeMailing(platform, req.user, req.params.id, req.once),
  )
  app.post(
    '/api/mailings/:id/retry',
    steering(
      'Send those in error again',
      'Before its end; a finished one runs again. Those whose local window does not open before the end stay in error.',
      { 200: Retried },
    ),
    async (req) => retryMailing(platform, req.user, req.params.id, req.once),
  )
  app.get(
    '/api/mailings/:id/events',
    {
      config: { access: readers },
      schema: {
        summary: 'A mailing as it goes',
        description:
          'Server-sent events, each the mailing with its counts as they are now; the last one when it is over.',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: eventStream },
      },
    },
    async (req, reply) =>
      streamEvents(platform, req, reply, {
        topic: mailingTopic(req.params.id),
        read: async () => {
          const { data, ...state } = await mailingState(platform, req.params.id)
          return { ...state, data: worded(req, data) }
        },
      }) as never,
  )
}
