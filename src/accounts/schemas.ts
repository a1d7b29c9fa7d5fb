import { type Static, Type } from 'typebox'
import { roles } from '../platform/access.ts'
import { Page } from '../platform/pages.ts'
import { Choice, Closed, Instant, Nullable, Text } from '../platform/schemas.ts'

const Email = Type.String({ format: 'email', maxLength: 254, examples: ['anna@example.org'] })
const Name = Text(150, { examples: ['Анна'] })
const names = { first_name: Type.Optional(Name), last_name: Type.Optional(Name), patronymic: Type.Optional(Name) }
export const NewPassword = Type.String({ minLength: 8, maxLength: 128, format: 'text', examples: ['red-sparrow-42'] })
const GivenPassword = Type.String({ maxLength: 128, examples: ['red-sparrow-42'] })
const Username = Type.String({ minLength: 3, maxLength: 150, format: 'username', examples: ['anna'] })
const Login = Type.String({ minLength: 1, maxLength: 254, examples: ['anna'] })

export const Registration = Closed({
  username: Username,
  email: Email,
  password: NewPassword,
  ...names,
  invite_code: Type.Optional(Type.String({ maxLength: 16, examples: ['K7MP4X'] })),
})
export type Registration = Static<typeof Registration>

export const Credentials = Closed({
  username: Type.Optional(Login),
  email: Type.Optional(Login),
  password: GivenPassword,
})
export const MachineCredentials = Closed({ username: Login, password: GivenPassword })

export const TokenPair = Type.Object(
  {
    access: Type.String({ description: 'Bearer token of 15 minutes' }),
    refresh: Type.Optional(Type.String({ description: 'Serves once; absent where cookies hold it' })),
    expires_in: Type.Integer({ examples: [900] }),
  },
  { $id: 'TokenPair' },
)
export const RefreshBody = Closed({ refresh: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) })

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
    role: Choice([...roles]),
    invite_code: Type.String(),
    foreign_invite_code: Nullable(Type.String()),
    activated_your_code: Type.Array(Type.String()),
    created_at: Instant,
  },
  { $id: 'Profile' },
)
export type Profile = Static<typeof Profile>

export const ProfileChange = Closed({
  ...names,
  email: Type.Optional(Email),
  locale: Type.Optional(Choice(['ru', 'en'])),
  foreign_invite_code: Type.Optional(Type.String({ maxLength: 16, examples: ['K7MP4X'] })),
})
export type ProfileChange = Static<typeof ProfileChange>

export const MachineToken = Type.Object({
  id: Type.Integer(),
  created_at: Instant,
  last_used_at: Nullable(Instant),
})
export const MachineTokens = Page(MachineToken)

export const UserRow = Type.Object(
  {
    id: Type.Integer(),
    username: Type.String(),
    email: Nullable(Type.String()),
    phone: Nullable(Type.String()),
    full_name: Type.String(),
    role: Choice([...roles]),
    is_active: Type.Boolean(),
    created_at: Instant,
  },
  { $id: 'User' },
)
export const Users = Page(UserRow)
export const UserChange = Closed({ role: Type.Optional(Choice([...roles])), is_active: Type.Optional(Type.Boolean()) })
export type UserChange = Static<typeof UserChange>
