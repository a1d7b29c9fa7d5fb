import { useState } from 'react'
import { useProfile } from '../accounts/queries.ts'

/** What somebody typed and has not sent, kept in this browser through a reload and the loss of the connection. */
export function useDraft(name: string) {
  const { data: profile } = useProfile()
  const place = `dvor-${name}-${profile?.id ?? 0}`
  const [state, setState] = useState({ place, text: localStorage.getItem(place) })
  const text = state.place === place ? state.text : localStorage.getItem(place)
  return {
    /** Null: nothing was typed. */
    text,
    set: (typed: string | null) => {
      if (typed === null) localStorage.removeItem(place)
      else localStorage.setItem(place, typed)
      setState({ place, text: typed })
    },
  }
}
