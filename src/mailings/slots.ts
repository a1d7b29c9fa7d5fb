import type { Grant } from './senders.ts'

/** A hair more than 1 / rate between two calls, so that no second holds more than the rate although some start late. */
const hair = 1.03
/** A moment that passed by more than this is not used: later ones would be too near. */
const lateMs = 25
/** For so long the best sample of the database's clock is trusted. */
const sampleMs = 10_000

export const spacingMs = (rate: number) => (rate ? (1000 / rate) * hair : 0)

/** The moments of the rate that were given to this process, on its own clock. A process that stood still loses its moments. */
export function openSlots(rate: number) {
  const spacing = spacingMs(rate)
  let slots: { at: number; latest: number }[] = []
  // What performance.now() is ahead of the database's clock, from the quickest answer of late.
  let sample = { offset: 0, tripMs: Number.POSITIVE_INFINITY, taken: 0 }

  function drop(now: number): void {
    const first = slots.findIndex((slot) => slot.latest >= now)
    slots = first < 0 ? [] : first ? slots.slice(first) : slots
  }
  return {
    spacing,
    /** Adds what was granted between these two moments. */
    add(grant: Grant, asked: number, answered: number): void {
      const tripMs = answered - asked
      if (tripMs <= sample.tripMs || answered - sample.taken > sampleMs)
        sample = { offset: (asked + answered) / 2 - grant.now_ms, tripMs, taken: answered }
      for (let i = 0; i < grant.slots; i++) {
        const at = grant.now_ms + sample.offset + grant.first_slot_ms! + i * spacing
        slots.push({ at, latest: at + lateMs })
      }
    },
    /** How many are left. */
    left(now: number): number {
      drop(now)
      return slots.length
    },
    /** Takes the next moment if it has come; else tells how long it is until then, without one nothing. */
    take(now: number): { latest: number } | { waitMs: number } | undefined {
      drop(now)
      const next = slots[0]
      if (!next) return undefined
      if (next.at > now) return { waitMs: next.at - now }
      slots.shift()
      return next
    },
  }
}
