import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answer, api, cursorOf, type Shapes } from '../api.ts'

export type Product = Shapes['Product']
export type Order = Shapes['Order']
export type Category = Product['category']
export type Status = Order['status']

export const categories = [
  'home',
  'electronics',
  'clothing',
  'books',
  'services',
  'other',
] as const satisfies Category[]
export const orderings = ['price', '-price', 'name', '-created_at'] as const
export const statuses = ['pending', 'processing', 'shipped', 'delivered', 'cancelled'] as const satisfies Status[]

export type Step = Exclude<Status, 'pending'>
/** Where an order may go from each status, the usual step first. */
export const stepsFrom: Record<Status, Step[]> = {
  pending: ['processing', 'cancelled'],
  processing: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}

export const pageSize = 12
export const rowsPerPage = 20

export type ProductFilter = {
  page: number
  page_size: number
  category?: Category
  search?: string
  price_min?: string
  price_max?: string
  in_stock?: boolean
  stock_max?: number
  ordering?: (typeof orderings)[number]
}
export type OrderFilter = { status?: Status; user?: number; created_from?: string; created_to?: string }

const first = undefined as string | undefined

export const shopQueries = {
  products: (query: ProductFilter) =>
    queryOptions({
      queryKey: ['shop', 'products', query],
      queryFn: () => answer(api.GET('/api/products', { params: { query } })),
      placeholderData: keepPreviousData,
    }),
  product: (id: number) =>
    queryOptions({
      queryKey: ['shop', 'product', id],
      queryFn: () => answer(api.GET('/api/products/{id}', { params: { path: { id } } })),
    }),
  orders: (filter: { status?: Status }) =>
    infiniteQueryOptions({
      queryKey: ['shop', 'orders', filter],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/orders', { params: { query: { ...filter, cursor, page_size: rowsPerPage } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  allOrders: (filter: OrderFilter) =>
    infiniteQueryOptions({
      queryKey: ['shop', 'all-orders', filter],
      queryFn: ({ pageParam: cursor }) =>
        answer(api.GET('/api/admin/orders', { params: { query: { ...filter, cursor, page_size: rowsPerPage } } })),
      initialPageParam: first,
      getNextPageParam: (last) => cursorOf(last.next),
    }),
  order: (id: number) =>
    queryOptions({
      queryKey: ['shop', 'order', id],
      queryFn: () => answer(api.GET('/api/orders/{id}', { params: { path: { id } } })),
    }),
  /** `standing` is what the order has come to: when it moves, so has its history. */
  history: (id: number, standing: string) =>
    queryOptions({
      queryKey: ['shop', 'history', id, standing],
      queryFn: () =>
        answer(api.GET('/api/orders/{id}/history', { params: { path: { id }, query: { page_size: 100 } } })),
      placeholderData: keepPreviousData,
    }),
}
