import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answer, api, cursorOf, type Shapes } from '../api.ts'

export type House = Shapes['House']
export type HouseDetail = Shapes['HouseDetail']
export type Apartment = Shapes['Apartment']
export type Meter = Shapes['Meter']
export type Reading = Shapes['Reading']
export type Tariff = Shapes['Tariff']
export type Run = Shapes['BillingRun']
export type Bill = Shapes['Bill']
export type Kind = Meter['kind']
export type Service = Tariff['service']

export const kinds = ['cold_water', 'hot_water'] as const satisfies Kind[]
export const services = ['cold_water', 'hot_water', 'maintenance'] as const satisfies Service[]

const first = undefined as string | undefined
const path = (id: number) => ({ path: { id } })

/** What residents look at. */
export const homeQueries = {
  houses: (query: { page: number; search?: string }) =>
    queryOptions({
      queryKey: ['housing', 'houses', query],
      queryFn: () => answer(api.GET('/api/houses', { params: { query: { ...query, ordering: 'address' } } })),
      placeholderData: keepPreviousData,
    }),
  house: (id: number) =>
    queryOptions({
      queryKey: ['housing', 'house', id],
      queryFn: () => answer(api.GET('/api/houses/{id}', { params: path(id) })),
    }),
  flat: (id: number) =>
    queryOptions({
      queryKey: ['housing', 'flat', id],
      queryFn: () => answer(api.GET('/api/apartments/{id}', { params: path(id) })),
    }),
  meters: (flat: number) =>
    queryOptions({
      queryKey: ['housing', 'meters', flat],
      queryFn: () =>
        answer(
          api.GET('/api/apartments/{id}/meters', {
            params: { ...path(flat), query: { page_size: 100, ordering: 'id' } },
          }),
        ),
    }),
  /** Of more than a year, whatever the order in which they were entered. */
  readings: (meter: number) =>
    queryOptions({
      queryKey: ['housing', 'readings', meter],
      queryFn: () =>
        answer(api.GET('/api/meters/{id}/readings', { params: { ...path(meter), query: { page_size: 40 } } })).then(
          ({ results }) => results.toSorted((a, b) => b.month.localeCompare(a.month)),
        ),
    }),
  water: (flat: number) =>
    queryOptions({
      queryKey: ['housing', 'water', flat],
      queryFn: () => answer(api.GET('/api/apartments/{id}/water', { params: path(flat) })),
    }),
  /** The tariffs that are valid in a month, a house's own before the general ones. */
  prices: (house: number, month: string) =>
    queryOptions({
      queryKey: ['housing', 'prices', house, month],
      queryFn: () =>
        answer(api.GET('/api/tariffs', { params: { query: { month, page_size: 100, ordering: '-valid_from' } } })).then(
          ({ results }) => {
            const priceOf = (service: Service) =>
              (
                results.find((t) => t.service === service && t.house === house) ??
                results.find((t) => t.service === service && t.house === null)
              )?.price
            return Object.fromEntries(services.map((service) => [service, priceOf(service)])) as Record<
              Service,
              string | undefined
            >
          },
        ),
      staleTime: 60_000,
    }),
}

/** Bills and accounts, for residents and for the bookkeeper. */
export const billQueries = {
  ofFlat: (flat: number) =>
    infiniteQueryOptions({
      queryKey: ['housing', 'bills', flat],
      queryFn: ({ pageParam: cursor }) =>
        answer(
          api.GET('/api/apartments/{id}/bills', {
            params: { ...path(flat), query: { cursor, page_size: 12 } },
          }),
        ),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  bill: (id: number) =>
    queryOptions({
      queryKey: ['housing', 'bill', id],
      queryFn: () => answer(api.GET('/api/bills/{id}', { params: path(id) })),
    }),
  /** The bill of a flat and month, if there is one. */
  ofMonth: (flat: number, month: string) =>
    queryOptions({
      queryKey: ['housing', 'bills', flat, month],
      queryFn: () =>
        answer(
          api.GET('/api/apartments/{id}/bills', { params: { ...path(flat), query: { month, page_size: 1 } } }),
        ).then(({ results }) => results[0] ?? null),
    }),
  statement: (flat: number) =>
    infiniteQueryOptions({
      queryKey: ['housing', 'statement', flat],
      queryFn: ({ pageParam: cursor }) =>
        answer(
          api.GET('/api/apartments/{id}/statement', { params: { ...path(flat), query: { cursor, page_size: 20 } } }),
        ),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
}
