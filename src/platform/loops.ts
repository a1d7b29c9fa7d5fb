import { randomUUID } from 'node:crypto'
import type { Logger } from './log.ts'
import { type Notices, notify } from './notices.ts'

/**
 * Work that has no end: what is due is done whenever somebody wakes it, and every so many seconds besides. One process
 * at a time runs a loop, unless it runs `everywhere`. An aborted signal says: finish what you hold, and return.
 */
export type Loop<P> = {
  name: string
  everySeconds: number
  everywhere?: true
  run(platform: P, signal: AbortSignal): Promise<void>
}

const topicOf = (name: string) => `loop ${name}`
const freed = 'leases'

/** Has the loop run at once when the transaction commits, in whichever process it runs; once for many wakes. */
export const wake = (tx: Parameters<typeof notify>[0], name: string): Promise<void> => notify(tx, topicOf(name))

/**
 * Runs the loops in this process, each whenever its lease is ours. Leases last for `termMs` and are renewed each third of
 * it; who could not renew stops a quarter before the end, counted from before it asked, so that no clock but the database's
 * matters. Returns how to stop: signals abort, runs end, leases go to whoever waits.
 */
export function startLoops<P extends { log: Logger; notices: Notices }>(
  platform: P,
  loops: Loop<P>[],
  { termMs = 20_000 } = {},
): () => Promise<void> {
  const { notices, log } = platform
  const holder = randomUUID()
  const turns = new Map(loops.map((loop) => [loop.name, takeTurns(platform, loop)]))
  const leased = loops.filter((loop) => !loop.everywhere).map((loop) => loop.name)
  const silenced = loops.map(({ name }) => notices.on(topicOf(name), () => turns.get(name)!.wake()))
  let stopped = false
  let next: NodeJS.Timeout | undefined
  let end: NodeJS.Timeout | undefined
  let renewing: Promise<void> | undefined

  const yieldAll = () => {
    for (const name of leased) turns.get(name)!.end()
  }
  async function renewOnce(): Promise<void> {
    const asked = performance.now()
    const rows = await notices.query<{ name: string }>(
      `insert into platform.leases as l (name, holder, expires_at)
       select name, $2::uuid, clock_timestamp() + make_interval(secs => $3) from unnest($1::text[]) name order by name
       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
         where l.holder = excluded.holder or l.expires_at < clock_timestamp()
       returning name`,
      [leased, holder, termMs / 1000],
    )
    if (stopped) return
    clearTimeout(end)
    end = setTimeout(yieldAll, asked + termMs * 0.75 - performance.now())
    const ours = new Set(rows.map((row) => row.name))
    for (const name of leased) ours.has(name) ? turns.get(name)!.begin() : turns.get(name)!.end()
  }
  function renew(): void {
    if (stopped || renewing) return
    clearTimeout(next)
    let pauseMs = termMs / 3
    renewing = renewOnce()
      .catch((error) => {
        pauseMs = termMs / 20
        log.debug({ err: error }, 'leases could not be renewed')
      })
      .finally(() => {
        renewing = undefined
        if (!stopped) next = setTimeout(renew, pauseMs)
      })
  }

  for (const loop of loops) if (loop.everywhere) turns.get(loop.name)!.begin()
  if (leased.length) {
    // The connection calls it as soon as it listens, and again after each gap.
    silenced.push(notices.on(freed, renew))
    next = setTimeout(renew, termMs / 20)
  }

  return async () => {
    stopped = true
    for (const silence of silenced) silence()
    clearTimeout(next)
    clearTimeout(end)
    await Promise.all([...turns.values()].map((turn) => turn.end()))
    await renewing
    // Whoever cannot be told finds the leases when they run out.
    await notices
      .query('delete from platform.leases where holder = $1', [holder])
      .then(() => notify(notices, freed))
      .catch(() => {})
  }
}

/** The turns of one loop in this process, between `begin` and `end`: never two at once, and none forgotten. */
function takeTurns<P extends { log: Logger }>(platform: P, loop: Loop<P>) {
  const log = platform.log.child({ loop: loop.name })
  let control: AbortController | undefined
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let again = false
  let failures = 0

  function plan(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (running) again = true
      else running = once(control!.signal).then(planNext)
    }, ms)
  }
  async function once(signal: AbortSignal): Promise<void> {
    again = false
    try {
      await loop.run(platform, signal)
      failures = 0
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, failures: ++failures }, 'a loop failed; it runs again in its turn')
    }
  }
  function planNext(): void {
    running = undefined
    const pauseSeconds = failures ? Math.min(300, 2 ** failures) * (0.5 + Math.random() / 2) : loop.everySeconds
    if (control) plan(again && !failures ? 0 : pauseSeconds * 1000)
  }

  return {
    begin() {
      if (control) return
      control = new AbortController()
      // A run that lost the lease before may still be ending.
      if (running) again = true
      else plan(Math.random() * 1000)
    },
    wake() {
      // After a failure its pause holds, whoever calls.
      if (!control || failures) return
      if (running) again = true
      else plan(0)
    },
    async end() {
      control?.abort()
      control = undefined
      clearTimeout(timer)
      await running
    },
  }
}
