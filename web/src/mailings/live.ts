import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { type Mailing, mailingQueries } from './queries.ts'

const askMs = 10_000

/** Keeps a mailing as the server tells of it, until it is over. The stream resumes by itself. */
export function useMailingEvents(id: number, isLive: boolean): void {
  const queries = useQueryClient()
  useEffect(() => {
    if (!isLive) return
    const key = mailingQueries.mailing(id).queryKey
    const events = new EventSource(`/api/mailings/${id}/events`)
    // Where no stream comes through, it is asked now and then.
    const ask = setInterval(() => void queries.invalidateQueries({ queryKey: key }), askMs)
    events.onmessage = ({ data }) => {
      const now = JSON.parse(data) as Mailing
      const before = queries.getQueryData(key)
      queries.setQueryData(key, now)
      if (before?.status !== now.status || before.paused_at !== now.paused_at)
        void queries.invalidateQueries({ queryKey: ['mailings', 'of', id] })
      if (now.status === 'finished' || now.status === 'cancelled') events.close()
    }
    return () => {
      clearInterval(ask)
      events.close()
    }
  }, [queries, id, isLive])
}

/** As far back as the rate looks. */
const windowMs = 15_000

/** Messages that come to their end in a second, over the last moments of this page; 0 until that is known. */
export function useRate({ counts, status, paused_at }: Mailing): number {
  const seen = useRef<{ at: number; done: number }[]>([])
  const [rate, setRate] = useState(0)
  const isMoving = status === 'running' && paused_at === null
  const done = counts.total - counts.processing
  useEffect(() => {
    if (!isMoving) seen.current = []
    const now = performance.now()
    seen.current = [...seen.current.filter(({ at }) => now - at < windowMs), { at: now, done }]
    const first = seen.current[0]!
    const seconds = (now - first.at) / 1000
    setRate(isMoving && seconds > 0.5 ? Math.max(0, (done - first.done) / seconds) : 0)
  }, [done, isMoving])
  return rate
}
