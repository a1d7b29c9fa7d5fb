import { useSearchParams } from 'react-router'

/** Filters that stand in the address, so that a list can be shared, reloaded and walked back. */
export function useQueryState() {
  const [params, setParams] = useSearchParams()
  const page = Math.max(1, Number(params.get('page')) || 1)
  return {
    page,
    get: (name: string) => params.get(name) ?? '',
    /** One of the allowed values, or undefined. */
    oneOf: <const T extends string>(name: string, allowed: readonly T[]) => allowed.find((v) => v === params.get(name)),
    /** Sets filters, '' removes one; another filter begins at the first page. */
    set: (changes: Record<string, string>) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old)
          next.delete('page')
          for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name)
          return next
        },
        { replace: !('page' in changes) },
      ),
    clear: () => setParams({}),
  }
}
