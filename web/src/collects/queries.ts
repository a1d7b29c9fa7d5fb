import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answer, api, cursorOf, type Shapes } from '../api.ts'

export type Collect = Shapes['Collect']
export type Update = Shapes['CollectUpdate']
export type Expense = Shapes['Expense']
export type FeedItem = Shapes['FeedItem']
export type Payment = Shapes['Payment']
export type Occasion = Collect['occasion']
export type Status = Collect['status']

export const occasions = [
  'yard',
  'charity',
  'birthday',
  'new_year',
  'wedding',
  'funeral',
  'other',
] as const satisfies Occasion[]
export const statuses = ['active', 'ended', 'closed'] as const satisfies Status[]
export const orderings = ['-created_at', 'ends_at', '-collected_amount', '-donors_count'] as const
export const paymentStatuses = ['completed', 'refunded', 'pending', 'failed'] as const satisfies Payment['status'][]

export const pageSize = 12

type Organised = { author: { id: number }; organisers: { id: number }[] }
type Person = { id: number; role: string }

/** True for the author of a collect, its co-organisers and administrators. */
export const organises = (person: Person | undefined, { author, organisers }: Organised) =>
  person !== undefined &&
  (person.role === 'admin' || person.id === author.id || organisers.some(({ id }) => id === person.id))

export type ListFilter = {
  page: number
  occasion?: Occasion
  status?: Status
  search?: string
  ordering?: (typeof orderings)[number]
}

const first = undefined as string | undefined

export const collectQueries = {
  list: (filter: ListFilter) =>
    queryOptions({
      queryKey: ['collects', 'list', filter],
      queryFn: () => answer(api.GET('/api/collects', { params: { query: { ...filter, page_size: pageSize } } })),
      placeholderData: keepPreviousData,
    }),
  detail: (id: number) =>
    queryOptions({
      queryKey: ['collects', 'detail', id],
      queryFn: () => answer(api.GET('/api/collects/{id}', { params: { path: { id } } })),
    }),
  feed: (id: number) =>
    infiniteQueryOptions({
      queryKey: ['collects', 'feed', id],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/collects/{id}/payments', { params: { path: { id }, query: { cursor, page_size: 10 } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  updates: (id: number) =>
    infiniteQueryOptions({
      queryKey: ['collects', 'updates', id],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/collects/{id}/updates', { params: { path: { id }, query: { cursor, page_size: 5 } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  expenses: (id: number) =>
    infiniteQueryOptions({
      queryKey: ['collects', 'expenses', id],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/collects/{id}/expenses', { params: { path: { id }, query: { cursor, page_size: 10 } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  totals: (page: number) =>
    queryOptions({
      queryKey: ['collects', 'totals', page],
      queryFn: () => answer(api.GET('/api/payments/totals', { params: { query: { page, page_size: 10 } } })),
      placeholderData: keepPreviousData,
    }),
  payments: (filter: { status?: Payment['status'] }) =>
    infiniteQueryOptions({
      queryKey: ['collects', 'payments', filter],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/payments', { params: { query: { ...filter, cursor } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
}
