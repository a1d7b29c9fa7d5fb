import { Navigate, Outlet, useLocation } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import type { Role } from '../module.ts'
import { refreshSession, useSession } from '../session.ts'
import { Failure, Forbidden, Waiting } from './states.tsx'

/** Lets only those through who are signed in, and of them, if roles are named, only those; the rest learn why. */
export function Guard({ roles }: { roles?: Role[] }) {
  const session = useSession()
  const { pathname, search, hash } = useLocation()
  const profile = useProfile()
  if (session === 'visitor')
    return <Navigate to={`/sign-in?next=${encodeURIComponent(pathname + search + hash)}`} replace />
  if (session === 'away') return <Failure order={1} error={new Problem(0)} retry={refreshSession} />
  if (profile.isError) return <Failure order={1} error={profile.error} retry={profile.refetch} />
  if (!profile.data) return <Waiting />
  return roles && !roles.includes(profile.data.role) ? <Forbidden /> : <Outlet />
}
