import { infiniteQueryOptions, queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api, cursorOf } from '../api.ts'

const organisation = queryOptions({
  queryKey: ['platform', 'organisation'],
  queryFn: () => answer(api.GET('/api/organisation')),
  staleTime: 60_000,
})

export const useOrganisation = () => useQuery(organisation)

type AnswerOf<Call extends () => Promise<unknown>> = Awaited<ReturnType<Call>>
const readHome = () => answer(api.GET('/api/home'))
export type HomeCard = AnswerOf<typeof readHome>['cards'][number]
export type Notification = AnswerOf<typeof readHome>['notifications'][number]
const unreadMs = 60_000

export const platformQueries = {
  home: queryOptions({ queryKey: ['platform', 'home'], queryFn: readHome }),
  /** How much is unread, asked for again while the page is open. */
  unread: queryOptions({
    queryKey: ['platform', 'unread'],
    queryFn: () => answer(api.GET('/api/notifications', { params: { query: { page_size: 1 } } })),
    refetchInterval: unreadMs,
    staleTime: unreadMs,
  }),
  notifications: infiniteQueryOptions({
    queryKey: ['platform', 'notifications'],
    queryFn: ({ pageParam }) => answer(api.GET('/api/notifications', { params: { query: { cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => cursorOf(last.next),
  }),
  letterKinds: queryOptions({
    queryKey: ['platform', 'letter-kinds'],
    queryFn: () => answer(api.GET('/api/profile/letters')),
  }),
  /** Apart from the one that everybody asks for: that may have been answered to a visitor, without requisites. */
  requisites: queryOptions({
    queryKey: ['platform', 'requisites'],
    queryFn: () => answer(api.GET('/api/organisation')),
  }),
  outbox: () =>
    infiniteQueryOptions({
      queryKey: ['platform', 'outbox'],
      queryFn: ({ pageParam }) => answer(api.GET('/api/outbox', { params: { query: { cursor: pageParam } } })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  sent: (id: number) =>
    queryOptions({
      queryKey: ['platform', 'outbox', id],
      queryFn: () => answer(api.GET('/api/outbox/{id}', { params: { path: { id } } })),
    }),
  jobs: (page: number) =>
    queryOptions({
      queryKey: ['platform', 'jobs', page],
      queryFn: () => answer(api.GET('/api/admin/jobs', { params: { query: { page } } })),
      refetchInterval: 5_000,
    }),
}
