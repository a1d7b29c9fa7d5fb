type Minute = { at: string; sent: number; error: number }

const minuteMs = 60_000
const mostBars = 48
/** Spans that people count in, in minutes. */
const spans = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440]

/** Minutes joined to so few spans that each is a bar; those between the first and the last in which nothing was, too. */
export function joinMinutes(minutes: Minute[]): { at: number; sent: number; error: number }[] {
  const [first, last] = [minutes[0], minutes.at(-1)]
  if (!first || !last) return []
  const begin = Date.parse(first.at)
  const end = Date.parse(last.at)
  const span = (spans.find((one) => (end - begin) / minuteMs / one < mostBars) ?? 1440) * minuteMs
  const start = Math.floor(begin / span) * span
  const joined = Array.from({ length: Math.floor((end - start) / span) + 1 }, (_, i) => ({
    at: start + i * span,
    sent: 0,
    error: 0,
  }))
  for (const { at, sent, error } of minutes) {
    const one = joined[Math.floor((Date.parse(at) - start) / span)]!
    one.sent += sent
    one.error += error
  }
  return joined
}
