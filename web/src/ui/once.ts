import { useRef } from 'react'
import { newKey } from '../api.ts'
import { keptInTab } from './kept.ts'

type Sent = { content: string; key: string }
const nothing: Sent = { content: '', key: '' }

function read(place: string): Sent {
  try {
    return { ...nothing, ...(JSON.parse(keptInTab.get(place) ?? '{}') as Partial<Sent>) }
  } catch {
    return nothing
  }
}

/**
 * One Idempotency-Key for as long as the same thing is sent: a double press and a retry do it once. With a `name` also
 * after a reload, for the answer may have been lost.
 */
export function useOnce(name?: string) {
  const place = name && `dvor-once-${name}`
  const last = useRef<Sent>(undefined)
  const keep = (sent: Sent) => {
    last.current = sent
    if (place) keptInTab.set(place, sent.key ? JSON.stringify(sent) : null)
  }
  return {
    keyFor: (content: unknown) => {
      const text = JSON.stringify(content)
      last.current ??= place ? read(place) : nothing
      if (last.current.content !== text) keep({ content: text, key: newKey() })
      return { 'Idempotency-Key': last.current.key }
    },
    /** It is done: the same thing again is meant. */
    finish: () => keep(nothing),
  }
}
