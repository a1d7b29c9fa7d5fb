import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page } from '../http/pages.ts'
import { Choice, Closed, Id, Instant, Line, Nullable, PersonRef, Ref, Text } from '../http/schemas.ts'
import type { Role } from '../platform/access.ts'

const Email = Type.String({ format: 'email', maxLength: 254, examples: ['anna@example.org'] })
const Name = (example: string) => Text(150, { examples: [example] })
const names = {
  first_name: Type.Optional(Name('Анна')),
  last_name: Type.Optional(Name('Соколова')),
  patronymic: Type.Optional(Name('Игоревна')),
}
export const NewPassword = Type.String({ minLength: 8, maxLength: 128, format: 'text', examples: ['red-sparrow-42'] })
const GivenPassword = Type.String({ maxLength: 128, format: 'text', examples: ['red-sparrow-42'] })
const Username = Type.String({ minLength: 3, maxLength: 150, format: 'username', examples: ['anna'] })
const Login = Type.String({ minLength: 1, maxLength: 254, format: 'text', examples: ['anna'] })

export const Registration = Closed({
  username: Username,
  email: Email,
  password: NewPassword,
  ...names,
  invite_code: Type.Optional(Type.String({ maxLength: 16, format: 'text', examples: ['K7MP4X'] })),
})
export type Registration = Static<typeof Registration>

export const Credentials = Closed(
  { username: Type.Optional(Login), email: Type.Optional(Login), password: GivenPassword },
  { examples: [{ username: 'anna', password: 'red-sparrow-42' }] },
)
export const MachineCredentials = Closed({ username: Login, password: GivenPassword })

export const TokenPair = Type.Object(
  {
    access: Type.String({ description: 'Bearer token of 15 minutes' }),
    refresh: Type.Optional(Type.String({ description: 'Serves once; absent where cookies hold it' })),
    expires_in: Type.Integer({ examples: [900] }),
  },
  { $id: 'TokenPair' },
)
export const RefreshBody = Closed({
  refresh: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'A browser sends its cookie instead' }),
  ),
})

const Phone = Type.Union([Type.String({ minLength: 1, maxLength: 40 }), Type.Integer({ minimum: 1 })], {
  description: 'Any usual spelling; without a country it is Russian',
  examples: ['8 (912) 345-67-89'],
})
const Code = Type.Union([Type.String({ minLength: 1, maxLength: 16 }), Type.Integer({ minimum: 0 })], {
  description: 'The code of the SMS',
  examples: ['493817'],
})
export const PhoneBody = Closed({ phone: Phone })
export const PhoneCode = Closed({ phone: Phone, token: Code })
export const CodeSent = Type.Object({
  phone: Type.String({ description: 'E.164 digits', examples: ['79123456789'] }),
  retry_after: Type.Integer({ description: 'Seconds until another code may be asked for', examples: [60] }),
})
export const PhoneSession = Type.Object({
  ...TokenPair.properties,
  created: Type.Boolean({ description: 'True when this made the account' }),
})

const LinkToken = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'What stands behind the # of the link',
  examples: ['12.mZ3…'],
})
export const EmailBody = Closed({ email: Email })
export const LinkBody = Closed({ token: LinkToken })
export const ResetBody = Closed({ token: LinkToken, password: NewPassword })
export const PasswordChange = Closed(
  {
    current_password: Type.Optional(
      Type.String({ maxLength: 128, description: 'Needed where there is one', examples: ['red-sparrow-42'] }),
    ),
    password: NewPassword,
  },
  { examples: [{ current_password: 'red-sparrow-42', password: 'blue-sparrow-43' }] },
)

export const Profile = Type.Object(
  {
    id: Type.Integer(),
    username: Type.String({ examples: ['anna'] }),
    email: Nullable(Type.String()),
    email_confirmed: Type.Boolean(),
    phone: Nullable(Type.String()),
    first_name: Type.String(),
    last_name: Type.String(),
    patronymic: Type.String(),
    full_name: Type.String(),
    locale: Nullable(Choice(['ru', 'en'])),
    role: Type.Unsafe<Role>(Type.Ref('Role')),
    invite_code: Type.String(),
    foreign_invite_code: Nullable(Type.String()),
    activated_your_code: Type.Array(Type.String()),
    created_at: Instant,
  },
  { $id: 'Profile' },
)
export type Profile = Static<typeof Profile>

export const ProfileChange = Closed(
  {
    ...names,
    email: Type.Optional(Email),
    locale: Type.Optional(Choice(['ru', 'en'])),
    foreign_invite_code: Type.Optional(Type.String({ maxLength: 16, format: 'text', examples: ['K7MP4X'] })),
  },
  { examples: [{ first_name: 'Анна', last_name: 'Соколова', patronymic: 'Игоревна' }] },
)
export type ProfileChange = Static<typeof ProfileChange>
/** What of a profile people edit. */
export const profileEdits = Object.keys(ProfileChange.properties)

export const LoginRow = Type.Object({
  id: Type.Integer(),
  device: Nullable(Type.String({ description: 'As it names itself', examples: ['Firefox, Windows'] })),
  address: Nullable(Type.String({ description: 'Of the last use' })),
  created_at: Instant,
  last_used_at: Type.String({
    format: 'date-time',
    description: 'The login or its last refresh, so up to 15 minutes ago',
  }),
  current: Type.Boolean({ description: 'The one that asks' }),
})
export const Logins = Page(LoginRow)

export const MachineToken = Type.Object({
  id: Type.Integer(),
  name: Nullable(Type.String({ description: 'null: it was made by POST /auth' })),
  scopes: Nullable(Type.Array(Type.String(), { description: 'null: all that its user may' })),
  expires_at: Nullable(Instant),
  addresses: Nullable(Type.Array(Type.String())),
  created_at: Instant,
  last_used_at: Nullable(Instant),
})
export const MachineTokens = Page(MachineToken)
export const CreatedMachineToken = Type.Object({
  ...MachineToken.properties,
  token: Type.String({ description: 'Shown this once' }),
})
export const newMachineToken = (scopes: string[]) =>
  Closed(
    {
      name: Line(100, { examples: ['Табло в подъезде'] }),
      scopes: Type.Array(Choice(scopes), {
        minItems: 1,
        maxItems: scopes.length,
        uniqueItems: true,
        examples: [scopes.slice(0, 1)],
      }),
      expires_at: Type.Optional(Type.String({ format: 'date-time', examples: ['2030-01-01T00:00:00Z'] })),
      addresses: Type.Optional(
        Type.Array(Type.String({ maxLength: 50 }), {
          minItems: 1,
          maxItems: 50,
          description: 'Addresses and networks (CIDR) that it is taken from; any without this',
          examples: [['203.0.113.0/24']],
        }),
      ),
    },
    { examples: [{ name: 'Табло в подъезде', scopes: ['collects:read'] }] },
  )
export type NewMachineToken = Static<ReturnType<typeof newMachineToken>>

export const UserRow = Type.Object(
  {
    id: Type.Integer(),
    username: Type.String(),
    email: Nullable(Type.String()),
    phone: Nullable(Type.String()),
    full_name: Type.String(),
    role: Type.Unsafe<Role>(Type.Ref('Role')),
    is_active: Type.Boolean(),
    created_at: Instant,
  },
  { $id: 'User' },
)
export const Users = Page(Ref(UserRow, 'User'))
export const userChange = (roles: Role[]) =>
  Closed(
    { role: Type.Optional(Choice(roles)), is_active: Type.Optional(Type.Boolean()) },
    { examples: [{ role: 'auditor', is_active: true }] },
  )
export type UserChange = Static<ReturnType<typeof userChange>>

export const AuditQuery = Closed({
  ...cursorQuery,
  ordering: Ordering('id', 'created_at'),
  user: Type.Optional(Id('Who changed it')),
  action: Type.Optional(Text(100, { examples: ['accounts.change_user'] })),
  subject: Type.Optional(Text(100, { examples: ['accounts.users'] })),
  subject_id: Type.Optional(Id()),
  from: Type.Optional(Type.String({ format: 'date-time', description: 'From this instant on' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Before this instant' })),
})
export type AuditQuery = Static<typeof AuditQuery>
export const AuditEntry = Type.Object(
  {
    id: Type.Integer(),
    at: Instant,
    user: Nullable(PersonRef),
    action: Type.String({ examples: ['accounts.change_user'] }),
    subject: Type.String({ description: 'The table', examples: ['accounts.users'] }),
    subject_id: Nullable(Type.Integer()),
    before: Nullable(Type.Record(Type.String(), Type.Unknown())),
    after: Nullable(Type.Record(Type.String(), Type.Unknown())),
    address: Nullable(Type.String()),
    request_id: Nullable(Type.String({ description: 'The `instance` of its answer and the request of the log' })),
  },
  { $id: 'AuditEntry' },
)
export type AuditEntry = Static<typeof AuditEntry>
export const AuditLog = Page(AuditEntry)
