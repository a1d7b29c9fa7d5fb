const minuteMs = 60_000
const mostSteps = 1500

/** Minutes since midnight that a clock of the zone shows. */
function clockOf(zone: string): (instant: number) => number {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (instant) => {
    const [hour = 0, minute = 0] = clock.format(instant).split(':').map(Number)
    return hour * 60 + minute
  }
}

const minutesOf = (time: string) => {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return hour * 60 + minute
}

/**
 * The spans, in milliseconds, of a window in which the clock of a zone stands in the hours, over midnight where they end
 * before they begin. For the eye: as exact as a line on a screen, to a quarter of an hour at best.
 */
export function openSpans(
  from: Date,
  to: Date,
  hours: { from: string; to: string } | null,
  zone: string,
): [start: number, end: number][] {
  const [begin, end] = [from.getTime(), to.getTime()]
  if (!hours) return [[begin, end]]
  const [open, close] = [minutesOf(hours.from), minutesOf(hours.to)]
  const clock = clockOf(zone)
  const isOpen = (instant: number) => {
    const now = clock(instant)
    return open < close ? now >= open && now < close : now >= open || now < close
  }
  const step = Math.max(15 * minuteMs, Math.ceil((end - begin) / mostSteps / minuteMs) * minuteMs)
  const spans: [number, number][] = []
  // Steps stand on whole quarters, as hours do; only the first is cut.
  for (let at = begin; at < end; at = Math.floor(at / step) * step + step) {
    if (!isOpen(at)) continue
    const next = Math.min(Math.floor(at / step) * step + step, end)
    const last = spans.at(-1)
    if (last?.[1] === at) last[1] = next
    else spans.push([at, next])
  }
  return spans
}
