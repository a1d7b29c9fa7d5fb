import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answer, api, cursorOf } from '../api.ts'

const first = undefined as string | undefined
const path = (id: number) => ({ path: { id } })
export const gridRows = 100

/** What the bookkeeper looks at. */
export const staffQueries = {
  flats: (house: number, search: string) =>
    infiniteQueryOptions({
      queryKey: ['housing', 'flats', house, search],
      queryFn: ({ pageParam: cursor }) =>
        answer(
          api.GET('/api/houses/{id}/apartments', {
            params: { ...path(house), query: { cursor, page_size: 50, ...(search ? { search } : {}) } },
          }),
        ),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
      placeholderData: keepPreviousData,
    }),
  /** Never the rows of another month meanwhile: what is typed there would be kept for the wrong one. */
  month: (house: number, query: { month: string; page: number; missing?: boolean }) =>
    queryOptions({
      queryKey: ['housing', 'month', house, query],
      queryFn: () =>
        answer(
          api.GET('/api/houses/{id}/readings', {
            params: { ...path(house), query: { ...query, page_size: gridRows } },
          }),
        ),
    }),
  /** The runs of a month, the newest first. */
  runs: (house: number, month: string) =>
    queryOptions({
      queryKey: ['housing', 'runs', house, month],
      queryFn: () =>
        answer(
          api.GET('/api/houses/{id}/billing-runs', {
            params: { ...path(house), query: { month, page_size: 20, ordering: '-id' } },
          }),
        ),
    }),
  /** How far every house is with a month. */
  town: (month: string) =>
    queryOptions({
      queryKey: ['housing', 'town', month],
      queryFn: () => answer(api.GET('/api/billing-runs/progress', { params: { query: { month } } })),
    }),
  failed: (month: string) =>
    queryOptions({
      queryKey: ['housing', 'town', month, 'failed'],
      queryFn: () =>
        answer(api.GET('/api/billing-runs', { params: { query: { month, status: 'failed', page_size: 50 } } })),
    }),
  /** What a reading was before each correction. */
  changes: (reading: number) =>
    queryOptions({
      queryKey: ['housing', 'changes', reading],
      queryFn: () =>
        answer(api.GET('/api/readings/{id}/changes', { params: { ...path(reading), query: { page_size: 50 } } })),
    }),
  incomplete: (run: number) =>
    queryOptions({
      queryKey: ['housing', 'incomplete', run],
      queryFn: () =>
        answer(api.GET('/api/billing-runs/{id}/incomplete', { params: { ...path(run), query: { page_size: 50 } } })),
    }),
  comparison: (run: number, page: number) =>
    queryOptions({
      queryKey: ['housing', 'comparison', run, page],
      queryFn: () =>
        answer(
          api.GET('/api/billing-runs/{id}/comparison', { params: { ...path(run), query: { page, page_size: 20 } } }),
        ),
      placeholderData: keepPreviousData,
    }),
  debtors: (house: number, page: number) =>
    queryOptions({
      queryKey: ['housing', 'debtors', house, page],
      queryFn: () =>
        answer(api.GET('/api/houses/{id}/debtors', { params: { ...path(house), query: { page, page_size: 50 } } })),
      placeholderData: keepPreviousData,
    }),
  tariffs: () =>
    queryOptions({
      queryKey: ['housing', 'tariffs'],
      queryFn: () =>
        answer(api.GET('/api/tariffs', { params: { query: { page_size: 100, ordering: '-valid_from' } } })),
    }),
  recalculations: (flat: number) =>
    queryOptions({
      queryKey: ['housing', 'recalculations', flat],
      queryFn: () =>
        answer(api.GET('/api/apartments/{id}/recalculations', { params: { ...path(flat), query: { page_size: 20 } } })),
    }),
}
