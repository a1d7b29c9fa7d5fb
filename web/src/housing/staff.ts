import { useProfile } from '../accounts/queries.ts'

/** Whether the person may change houses, or only reads them. */
export function useMayWrite(): boolean {
  const { data } = useProfile()
  return data?.role === 'admin' || data?.role === 'bookkeeper'
}
