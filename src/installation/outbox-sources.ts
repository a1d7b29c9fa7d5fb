import { type CursorRequest, cursorAnswer, type PageOf } from '../http/pages.ts'
import { fieldFault } from '../platform/errors.ts'
import type { OutboxEntry, Platform } from '../platform/module.ts'

type Count = { count: number | null; count_is_estimate?: boolean }
/** Entries in the order of their ids, which is that of their making. */
export type Stream = {
  list(from: { id: number; descending: boolean; limit: number }): Promise<OutboxEntry[]>
  count(page: CursorRequest): Promise<Count>
}

/** Ids of the first source begin here, for those of the letters are small; each further one as far behind. */
const spanOfIds = 10 ** 12

/** What modules show from tables of their own, under ids that are no letter's. */
export function sourcesOf(platform: Platform) {
  return platform.outboxSources.map((source, i) => {
    const first = (i + 1) * spanOfIds
    const shown = (entry: OutboxEntry) => ({ ...entry, id: entry.id + first })
    const stream: Stream = {
      list: async ({ id, ...from }) => (await source.list(platform, { ...from, id: id - first })).map(shown),
      count: async (page) => ({ count: page.withCount ? await source.count(platform) : null }),
    }
    return {
      kind: source.kind,
      stream,
      has: (id: number) => id > first && id < first + spanOfIds,
      find: async (id: number) => await source.find(platform, id - first).then((entry) => entry && shown(entry)),
    }
  })
}

const highest = 10 ** 14

/**
 * A page of several streams by time. Its cursor bears a border in each of them, in halves of an id: at an entry of the stream
 * that it stands on, and in the others just behind the last one that came before.
 */
export async function merge(streams: Stream[], page: CursorRequest): Promise<PageOf<OutboxEntry>> {
  const { descending } = page
  const [start, step] = descending ? [2 * highest + 1, -1] : [0, 1]
  const borders = page.id === null ? streams.map(() => start) : [page.id, ...(page.key?.split(',') ?? [])].map(Number)
  if (borders.length !== streams.length || !borders.every(Number.isSafeInteger))
    throw fieldFault('/cursor', 'validation.cursor')
  // The walk begins behind the entry at which it stands.
  for (const [i, border] of borders.entries()) if (border % 2 === 0) borders[i] = border + step
  const limit = page.offset + page.limit + 1
  const waiting = await Promise.all(
    streams.map((stream, i) => {
      const id = descending ? Math.ceil(borders[i]! / 2) : Math.floor(borders[i]! / 2)
      return stream.list({ id, descending, limit })
    }),
  )
  const merged: { id: number; key: string | null; entry: OutboxEntry }[] = []
  const at = ([entry]: OutboxEntry[]) => Date.parse(entry!.created_at)
  for (
    let left = waiting.filter((w) => w.length);
    left.length && merged.length < limit;
    left = left.filter((w) => w.length)
  ) {
    // At one instant the letters are the newer ones, in either direction.
    const next = left.reduce((best, other) => {
      const later = (at(other) - at(best)) * step
      return later < 0 || (later === 0 && !descending) ? other : best
    })
    const i = waiting.indexOf(next)
    const entry = next.shift()!
    borders[i] = 2 * entry.id
    const [id, ...others] = borders
    merged.push({ id: id!, key: others.length ? others.join(',') : null, entry })
    borders[i]! += step
  }
  const counts = await Promise.all(streams.map((stream) => stream.count(page)))
  const isEstimate = counts.some((c) => c.count_is_estimate)
  const count = page.withCount ? counts.reduce((sum, c) => sum + c.count!, 0) : null
  const answer = cursorAnswer(page, merged.slice(page.offset), {
    count,
    ...(isEstimate ? { count_is_estimate: true } : {}),
  })
  return { ...answer, results: answer.results.map((row) => row.entry) }
}
