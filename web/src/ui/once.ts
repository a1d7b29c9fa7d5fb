import { useRef } from 'react'
import { newKey } from '../api.ts'

/** One Idempotency-Key for as long as the same thing is sent: a double press and a retry do it once. */
export function useOnce() {
  const last = useRef({ content: '', key: '' })
  return {
    keyFor: (content: unknown) => {
      const text = JSON.stringify(content)
      if (last.current.content !== text) last.current = { content: text, key: newKey() }
      return { 'Idempotency-Key': last.current.key }
    },
    /** It is done: the same thing again is meant. */
    finish: () => {
      last.current = { content: '', key: '' }
    },
  }
}
