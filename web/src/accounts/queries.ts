import { queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api, type Shapes } from '../api.ts'
import type { Role } from '../module.ts'
import { useSession } from '../session.ts'

export type Profile = Shapes['Profile']

export const accountQueries = {
  profile: queryOptions({
    queryKey: ['accounts', 'profile'],
    queryFn: () => answer(api.GET('/api/profile')),
    staleTime: 60_000,
  }),
  ways: queryOptions({
    queryKey: ['accounts', 'ways'],
    queryFn: () => answer(api.GET('/api/auth/ways')),
    staleTime: Number.POSITIVE_INFINITY,
  }),
  sessions: queryOptions({
    queryKey: ['accounts', 'sessions'],
    queryFn: () => answer(api.GET('/api/profile/sessions', { params: { query: { page_size: 100 } } })),
  }),
  tokens: queryOptions({
    queryKey: ['accounts', 'tokens'],
    queryFn: () => answer(api.GET('/api/profile/tokens', { params: { query: { page_size: 100 } } })),
  }),
  users: (query: { page: number; search?: string; role?: Role }) =>
    queryOptions({
      queryKey: ['accounts', 'users', query],
      queryFn: () => answer(api.GET('/api/admin/users', { params: { query } })),
    }),
}

/** Whoever is signed in; no data for visitors. */
export function useProfile() {
  const session = useSession()
  return useQuery({ ...accountQueries.profile, enabled: session === 'member' })
}

/** One or two letters for the circle that stands for a person. */
export function initialsOf({ full_name, username }: { full_name: string; username?: string }): string {
  const words = (full_name || username || '?').split(/\s+/)
  return words
    .slice(0, 2)
    .map((word) => word[0]?.toUpperCase())
    .join('')
}
