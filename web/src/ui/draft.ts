import { useState } from 'react'
import { useProfile } from '../accounts/queries.ts'
import { kept } from './kept.ts'

/** What somebody typed and has not sent, kept in this browser through a reload and the loss of the connection. */
export function useDraft(name: string) {
  const { data: profile } = useProfile()
  const place = `dvor-${name}-${profile?.id ?? 0}`
  const [state, setState] = useState({ place, text: kept.get(place) })
  const text = state.place === place ? state.text : kept.get(place)
  return {
    /** Null: nothing was typed. */
    text,
    set: (typed: string | null) => {
      kept.set(place, typed)
      setState({ place, text: typed })
    },
  }
}
