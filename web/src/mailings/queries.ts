import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answer, api, cursorOf, type Shapes } from '../api.ts'

export type Client = Shapes['Client']
export type Mailing = Shapes['Mailing']
export type Message = Shapes['Message']
export type Status = Mailing['status']
export type MessageStatus = Message['status']

export const statuses = ['scheduled', 'running', 'finished', 'cancelled'] as const satisfies Status[]
export const messageStatuses = ['sent', 'processing', 'error', 'expired'] as const satisfies MessageStatus[]

export type ClientFilter = { search?: string; operator_code?: string; tag?: string }

const first = undefined as string | undefined
const path = (id: number) => ({ path: { id } })

export const clientQueries = {
  clients: (filter: ClientFilter) =>
    infiniteQueryOptions({
      queryKey: ['mailings', 'clients', filter],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/clients', { params: { query: { ...filter, cursor, page_size: 50 } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
      placeholderData: keepPreviousData,
    }),
  stops: (search: string) =>
    infiniteQueryOptions({
      queryKey: ['mailings', 'stops', search],
      queryFn: ({ pageParam: cursor }) =>
        answer(
          api.GET('/api/clients/stops', { params: { query: { cursor, page_size: 50, ...(search && { search }) } } }),
        ),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
      placeholderData: keepPreviousData,
    }),
}

const audiences = () => answer(api.GET('/api/mailings/audiences'))

const soonMs = 5000

export const mailingQueries = {
  /** Asked again and again as long as one of them runs. */
  mailings: (status: Status | undefined) =>
    infiniteQueryOptions({
      queryKey: ['mailings', 'list', status],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/mailings', { params: { query: { cursor, page_size: 20, ...(status && { status }) } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
      placeholderData: keepPreviousData,
      refetchInterval: ({ state }) =>
        state.data?.pages.some((page) => page.results.some((one) => one.status === 'running')) ? soonMs : false,
    }),
  mailing: (id: number) =>
    queryOptions({
      queryKey: ['mailings', 'mailing', id],
      queryFn: () => answer(api.GET('/api/mailings/{id}', { params: path(id) })),
    }),
  /** `sent` and `error` over time and by operator code, again and again while it runs. */
  figures: (id: number, isRunning: boolean) =>
    queryOptions({
      queryKey: ['mailings', 'of', id, 'figures'],
      queryFn: () => answer(api.GET('/api/mailings/{id}/stats', { params: path(id) })),
      refetchInterval: isRunning ? soonMs : false,
    }),
  messages: (id: number, status: MessageStatus) =>
    infiniteQueryOptions({
      queryKey: ['mailings', 'of', id, 'messages', status],
      queryFn: ({ pageParam: cursor }) =>
        answer(
          api.GET('/api/mailings/{id}/messages', { params: { ...path(id), query: { status, cursor, page_size: 20 } } }),
        ),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
      placeholderData: keepPreviousData,
    }),
  statistics: queryOptions({
    queryKey: ['mailings', 'statistics'],
    queryFn: () => answer(api.GET('/api/mailings/stats', { params: { query: { page_size: 1 } } })),
  }),
  gateway: (isRunning: boolean) =>
    queryOptions({
      queryKey: ['mailings', 'gateway'],
      queryFn: () => answer(api.GET('/api/mailings/gateway')),
      refetchInterval: isRunning ? soonMs : false,
    }),
  audiences: queryOptions({
    queryKey: ['mailings', 'audiences'],
    queryFn: audiences,
    staleTime: 60_000,
  }),
}

export type Audience = Awaited<ReturnType<typeof audiences>>['results'][number]
