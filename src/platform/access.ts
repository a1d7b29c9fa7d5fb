import { AppError } from './errors.ts'

export const roles = ['user', 'admin', 'operator', 'bookkeeper', 'storekeeper', 'auditor'] as const
export type Role = (typeof roles)[number]

/**
 * Who may call a route. `anyone`, `user` (logged in), or the roles that may; `owner` among them lets every user in,
 * and the function finds the row through the caller, so that a foreign row is the same 404 as a missing one.
 */
export type Access = 'anyone' | 'user' | readonly (Exclude<Role, 'user'> | 'owner')[]

/** The caller of a request, and for the audit log from where and by which request. */
export type User = { id: number; role: Role; address?: string; request_id?: string }

export const mayEverything = ['admin'] as const
/** Administrators, and the auditor who reads all and changes nothing. */
export const mayRead = ['admin', 'auditor'] as const

/** Throws 401 or 403 unless the caller may call a route of this access. */
export function checkAccess(access: Access, user: User | undefined): void {
  if (access === 'anyone') return
  if (!user) throw new AppError(401, 'request.not_logged_in')
  if (access === 'user' || access.includes('owner')) return
  if (!access.includes(user.role as 'admin')) throw new AppError(403, 'request.forbidden')
}

/** True when the caller has one of the roles, so that a function may look past ownership. */
export function hasRole(user: User | undefined, ...allowed: readonly Role[]): boolean {
  return user !== undefined && allowed.includes(user.role)
}
