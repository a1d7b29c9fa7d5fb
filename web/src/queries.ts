import { QueryClient } from '@tanstack/react-query'
import { isAway } from './api.ts'

/** What the server has said. Only what may succeed next time is asked again by itself. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (tries, error) => isAway(error) && tries < 2 },
    mutations: { networkMode: 'always' },
  },
})
