import type { Claimed, Place } from './claim.ts'
import { queueStart } from './claim.ts'

/** No call begins in the last moment before the end, for it would reach the gateway after it. */
const marginMs = 50
/** setTimeout counts no further. */
const longestTimerMs = 2 ** 31 - 1

/** A running mailing as a sender sees it; times are those of performance.now(). */
export type Line = {
  id: number
  text: string
  /** When something of it is due next, as far as is known. */
  dueAt: number
  /** Where its queue goes on: what stands before was claimed. Forgotten at each look, for messages may come back before it. */
  place: Place
  /** Its end, measured by the database's clock and counted from before it was asked, so that it never lies too late. */
  endsAt: number
  underWay: number
  touched: boolean
  cut: AbortController
  timer: NodeJS.Timeout | undefined
}

export const openLine = (id: number, text: string): Line => ({
  id,
  text,
  dueAt: Number.POSITIVE_INFINITY,
  place: queueStart,
  endsAt: 0,
  underWay: 0,
  touched: false,
  cut: new AbortController(),
  timer: undefined,
})

/** True while a call of it may still begin. */
export const mayBegin = (line: Line, now: number) => now < line.endsAt - marginMs

/** Sets its end, at which calls under way are cut off. */
export function endLineAt(line: Line, endsAt: number): void {
  line.endsAt = endsAt
  clearTimeout(line.timer)
  const leftMs = endsAt - performance.now()
  if (leftMs > 0 && line.cut.signal.aborted) line.cut = new AbortController()
  line.timer = setTimeout(
    () => (performance.now() >= endsAt ? line.cut.abort() : endLineAt(line, endsAt)),
    Math.min(Math.max(leftMs, 0), longestTimerMs),
  )
}

export function closeLine(line: Line): void {
  clearTimeout(line.timer)
}

/** Shares room among mailings in turn: as much to each, and what does not divide to those whose turn it is. */
export function share(lines: Line[], room: number, turn: number): { line: Line; quota: number }[] {
  if (!lines.length || room < 1) return []
  const order = lines.map((_, i) => lines[(i + turn) % lines.length]!)
  const [each, more] = [Math.floor(room / lines.length), room % lines.length]
  return order.map((line, i) => ({ line, quota: each + (i < more ? 1 : 0) })).filter(({ quota }) => quota > 0)
}

/** A claimed message that waits here for its moment, and the last moment at which its call may begin. */
export type Ready = { message: Claimed; line: Line; startBy: number }
