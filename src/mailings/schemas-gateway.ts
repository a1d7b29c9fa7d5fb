import { type Static, Type } from 'typebox'
import { Choice, Closed, Instant, Nullable, Text } from '../http/schemas.ts'
import { Phone } from './schemas.ts'

export const GatewayState = Type.Object({
  sandbox: Type.Boolean({ description: 'No gateway is set: messages go nowhere, and count as sent' }),
  breaker: Choice(['closed', 'open', 'half_open'], {
    description: 'Of the process that sees it worst: `open` while it is left alone, `half_open` while it is tried',
  }),
  in_flight: Type.Integer({ description: 'Calls under way, over all processes' }),
  senders: Type.Integer({ description: 'Processes that send now' }),
  concurrency: Type.Integer({ description: 'Calls under way at most' }),
  rate: Nullable(Type.Integer({ description: 'Calls a second at most; null without a limit' })),
  timeout_ms: Type.Integer(),
  latency_ms: Nullable(Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number() })),
})
export type GatewayState = Static<typeof GatewayState>

export const NewTest = Closed({ phone: Type.String({ maxLength: 40, examples: ['79991234567'] }) })
export type NewTest = Static<typeof NewTest>

export const NewTextTest = Closed({
  ...NewTest.properties,
  text: Text(1000, { minLength: 1, examples: ['Завтра с 9 до 18 не будет горячей воды.'] }),
  audience: Type.Optional(
    Text(64, { description: 'Whose placeholders the text may hold', examples: ['housing.debtors'] }),
  ),
})
export type TextTest = Pick<Static<typeof NewTextTest>, 'text' | 'audience'>

export const SentTest = Type.Object({
  id: Type.Integer({ description: 'By which the gateway knows it' }),
  mailing: Nullable(Type.Integer({ description: 'null for a text that was not kept' })),
  phone: Phone,
  text: Type.String({ description: 'As it was sent, with samples for placeholders' }),
  status: Choice(['processing', 'sent', 'error'], {
    description: '`processing` only in the answer to a repeated Idempotency-Key',
  }),
  last_error: Nullable(Type.String()),
  created_at: Instant,
})
export type SentTest = Static<typeof SentTest>
