import { useCallback, useEffect, useState } from 'react'
import { Navigate, Outlet, useLocation } from 'react-router'
import { useProfile } from '../accounts/queries.ts'
import { Problem } from '../api.ts'
import { knowsStaffWords, learnStaffWords } from '../i18n.ts'
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
  if (!roles) return <Outlet />
  return roles.includes(profile.data.role) ? <Staff /> : <Forbidden />
}

/** The screens of the staff, as soon as their words are there. */
function Staff() {
  const [ready, setReady] = useState(knowsStaffWords())
  const [failed, setFailed] = useState(false)
  const learn = useCallback(() => {
    setFailed(false)
    learnStaffWords().then(
      () => setReady(true),
      () => setFailed(true),
    )
  }, [])
  useEffect(() => {
    if (!ready) learn()
  }, [ready, learn])
  if (failed) return <Failure order={1} error={new Problem(0)} retry={learn} />
  return ready ? <Outlet /> : <Waiting />
}
