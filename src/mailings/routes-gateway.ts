import { IdParams, NoQuery } from '../http/schemas.ts'
import type { App } from '../platform/fastify.ts'
import type { Platform } from '../platform/module.ts'
import { GatewayState, NewTest, NewTextTest, SentTest } from './schemas-gateway.ts'
import { gatewayState } from './senders.ts'
import { sendTest } from './trial.ts'
import { readers, staff } from './viewers.ts'

/** The gateway, and one message that tries it. */
export function gatewayRoutes(app: App, platform: Platform): void {
  app.get(
    '/api/mailings/gateway',
    {
      config: { access: readers },
      schema: { summary: 'How the gateway does', querystring: NoQuery, response: { 200: GatewayState } },
    },
    () => gatewayState(platform),
  )
  app.post(
    '/api/mailings/:id/test',
    {
      config: { access: staff, idempotent: true, refuses: [409] },
      schema: {
        summary: 'Send one message of a mailing to try it',
        description:
          'Goes out at once, at any time of day and in any state of the mailing, and counts nowhere. Placeholders get samples. What the gateway said is in the answer. 409 for a number on the stop list.',
        params: IdParams,
        body: NewTest,
        response: { 200: SentTest },
      },
    },
    (req) => sendTest(platform, req.user, req.locale, req.params.id, req.body.phone, req.once),
  )
  app.post(
    '/api/mailings/test',
    {
      config: { access: staff, idempotent: true, refuses: [409] },
      schema: {
        summary: 'Send one message of a text to try it',
        description: 'As the test of a mailing, before there is one.',
        body: NewTextTest,
        response: { 200: SentTest },
      },
    },
    (req) => {
      const { phone, ...text } = req.body
      return sendTest(platform, req.user, req.locale, text, phone, req.once)
    },
  )
}
