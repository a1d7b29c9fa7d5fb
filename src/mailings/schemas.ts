import { type Static, Type } from 'typebox'
import { Choice, Instant, Nullable } from '../http/schemas.ts'

export const OperatorCode = Type.String({ pattern: '^\\d{3}$', examples: ['999'] })
export const Phone = Type.String({ pattern: '^7\\d{10}$', examples: ['79991234567'] })

export const Client = Type.Object(
  {
    id: Type.Integer(),
    phone: Phone,
    operator_code: OperatorCode,
    tag: Type.String(),
    timezone: Type.String({ examples: ['Europe/Moscow'] }),
    created_at: Instant,
  },
  { $id: 'Client' },
)
export type Client = Static<typeof Client>

export const mailingStatuses = ['scheduled', 'running', 'finished', 'cancelled'] as const
export const messageStatuses = ['processing', 'sent', 'error', 'expired'] as const

export const counts = {
  total: Type.Integer(),
  processing: Type.Integer(),
  sent: Type.Integer(),
  error: Type.Integer(),
  expired: Type.Integer(),
}
export const Counts = Type.Object(counts)
export type Counts = Static<typeof Counts>

export const Message = Type.Object(
  {
    id: Type.Integer(),
    mailing: Type.Integer(),
    client: Nullable(Type.Integer({ description: 'null once the client is removed' })),
    phone: Phone,
    status: Choice([...messageStatuses]),
    attempts: Type.Integer(),
    last_error: Nullable(Type.String()),
    created_at: Instant,
    sent_at: Nullable(Instant),
  },
  { $id: 'Message' },
)
export type Message = Static<typeof Message>
