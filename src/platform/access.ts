import { AppError } from './errors.ts'

/** Letters and decimal digits of any script, and @ . + - _; the database accepts each of these in any locale. */
export const usernamePattern = /^[\p{L}\p{Nd}@.+_-]{3,150}$/u

// Alphabets whose letters are taken for one another's.
const alike = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Coptic', 'Cherokee', 'Lisu'].map(
  (script) => new RegExp(`\\p{Script=${script}}`, 'u'),
)

/**
 * Whether a text can be a new username: of the alphabet above, in the form that NFKC gives, and not of mixed alphabets or
 * digits, so that nobody is `аdmin` with a Cyrillic а (decision 72).
 */
export function isUsername(text: string): boolean {
  if (!usernamePattern.test(text) || text.normalize('NFKC') !== text) return false
  const letters = text.match(/\p{L}/gu) ?? []
  const foreign = (text.match(/(?![0-9])\p{Nd}/gu) ?? []).length > 0
  const own = alike.filter((script) => letters.some((letter) => script.test(letter)))
  if (own.length && foreign) return false
  if (foreign && /[0-9]/.test(text)) return false
  return own.every((script) => letters.every((letter) => script.test(letter)))
}

/** Roles by name. A module adds its own by declaration, and names them in its manifest and in its migration. */
export interface Roles {
  user: true
  admin: true
  auditor: true
}
export type Role = keyof Roles

/**
 * Who may call a route. `anyone`; `self`, everybody who is logged in, about their own account and logins; `user`,
 * the same, but an auditor only reads; or the roles that may. `owner` among them lets every user in, and the function
 * finds the row through the caller, so that a foreign row is the same 404 as a missing one.
 */
export type Access = 'anyone' | 'self' | 'user' | readonly (Exclude<Role, 'user'> | 'owner')[]

/**
 * The caller of a request; for the audit log from where and by which request. `auth_time`: when they proved who they are
 * (seconds), and `token_version`, which user their token is of, are absent for machine tokens and cookies; `login`, by
 * which login they came, for machine tokens. `scopes`: what a machine token is limited to.
 */
export type User = {
  id: number
  role: Role
  login?: number
  auth_time?: number
  token_version?: number
  scopes?: string[]
  address?: string
  request_id?: string
}

export const mayEverything = ['admin'] as const
/** Administrators, and the auditor who reads all and changes nothing. */
export const mayRead = ['admin', 'auditor'] as const

const reads = (method: string) => method === 'GET' || method === 'HEAD'

/** Throws 401 or 403 unless the caller may call a route of this access. */
export function checkAccess(access: Access, method: string, user: User | undefined): void {
  if (access === 'anyone') return
  if (!user) throw new AppError(401, 'request.not_logged_in')
  if (!mayCall(access, method, user.role)) throw new AppError(403, 'request.forbidden')
}

/** True when a caller of this role gets past the declaration of a route. */
export function mayCall(access: Access, method: string, role: Role): boolean {
  if (access === 'anyone' || access === 'self') return true
  // An auditor reads all and changes nothing, not even what they own from before.
  if (role === 'auditor' && !reads(method)) return false
  return access === 'user' || access.includes('owner') || access.includes(role as 'admin')
}

export type Caller = 'anonymous' | 'stranger' | 'owner' | Exclude<Role, 'user'>
/** Everybody whose permissions differ, when these roles are given. */
export const callersOf = (roles: readonly Role[]): Caller[] => [
  'anonymous',
  'stranger',
  'owner',
  ...roles.filter((role) => role !== 'user'),
]
/** `yes`; `own`: the answer holds the caller's own rows; `no`: 403, or 404 where the row itself is hidden; `login`: 401. */
export type Permission = 'yes' | 'own' | 'no' | 'login'

/**
 * What a route of this access answers a caller: the row of the matrix in docs/accounts.md, and what the tests expect.
 * A stranger is a user without a role to whom the row does not belong.
 */
export function permission(access: Access, method: string, url: string, caller: Caller): Permission {
  if (caller === 'anonymous') return access === 'anyone' ? 'yes' : 'login'
  const role = caller === 'stranger' || caller === 'owner' ? 'user' : caller
  if (!mayCall(access, method, role)) return 'no'
  const byOwner = access === 'self' || (typeof access !== 'string' && !access.includes(role as 'admin'))
  if (!byOwner || (access === 'self' && !url.includes('/:'))) return 'yes'
  // Without an id in the address everybody is the owner of what they see.
  if (!url.includes('/:')) return 'own'
  return caller === 'owner' ? 'yes' : 'no'
}

/** What a machine token must name to call routes of a module by this method: `collects:read`, `collects:write`. */
export const scopeOf = (module: string, method: string): string => `${module}:${reads(method) ? 'read' : 'write'}`

/** True unless the caller came by a token whose scopes lack this one. */
export const mayWithin = (user: User | undefined, scope: string | undefined): boolean =>
  !user?.scopes || scope === undefined || user.scopes.includes(scope)

/** True when the caller has one of the roles, so that a function may look past ownership. */
export function hasRole(user: User | undefined, ...allowed: readonly Role[]): boolean {
  return user !== undefined && allowed.includes(user.role)
}
