import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api, Problem } from '../api.ts'
import type { mailingOf } from './draft.ts'

type Whole = NonNullable<ReturnType<typeof mailingOf>>
export type Preview = Awaited<ReturnType<typeof ask>>

const ask = ({ filter, text, starts_at, ends_at, local_window }: Whole) =>
  answer(
    api.POST('/api/mailings/preview', {
      body: { filter, starts_at, ends_at, local_window, ...(text && { text }) },
    }),
  )

/** Whom a mailing would reach. The start of one that begins at once moves on; nobody is asked again for that. */
export const previewOptions = ({ filter, text, starts_at, ends_at, local_window }: Whole) =>
  queryOptions({
    queryKey: ['mailings', 'preview', { filter, text, minute: starts_at.slice(0, 16), ends_at, local_window }],
    queryFn: () => ask({ filter, text, starts_at, ends_at, local_window }),
    staleTime: 30_000,
  })

const nothing: Whole = { text: '', starts_at: '', ends_at: '', filter: {}, local_window: null }

/** Whom a mailing would reach as it stands now, and what the server finds wrong with it, by the path of the field. */
export function usePreview(mailing: Whole | undefined) {
  const preview = useQuery({
    ...previewOptions(mailing ?? nothing),
    enabled: mailing !== undefined,
    placeholderData: keepPreviousData,
  })
  const faults = new Map(
    preview.error instanceof Problem ? preview.error.faults.map(({ path, message }) => [path, message]) : [],
  )
  return { ...preview, faults }
}
