import type { Platform } from '../platform/module.ts'
import { notify } from '../platform/notices.ts'
import { type Claimed, giveBack } from './claim.ts'
import { mailingTopic } from './expire.ts'
import { pauseAbove, pauseFailing, type Result, recordResults } from './record.ts'

const gatherMs = 20
const atOnce = 500
/** With so many unrecorded nothing more is claimed, so that memory is bounded while the database is slow or away. */
const mostHeld = 4000
const tellEveryMs = 200

/** Gathers results and writes many of them at once; what cannot be written is tried again until its lease is over. */
export function openRecorder(platform: Platform, leaseMs: number) {
  const { log, notices } = platform
  const results: { at: number; result: Result }[] = []
  const back: { at: number; message: Claimed }[] = []
  const untold = new Set<number>()
  let toldAt = 0
  let timer: NodeJS.Timeout | undefined
  let teller: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let closing = false

  function plan(): void {
    if (writing) return
    if (closing || results.length >= atOnce) write()
    else timer ??= setTimeout(write, gatherMs)
  }
  function write(): void {
    clearTimeout(timer)
    timer = undefined
    writing ??= flush().finally(() => {
      writing = undefined
      if (results.length || back.length) plan()
    })
  }

  async function flush(): Promise<void> {
    const [now, given] = [results.splice(0, 1000), back.splice(0, 1000)]
    try {
      if (given.length)
        await giveBack(
          platform,
          given.map(({ message }) => message),
        )
      given.length = 0
      if (now.length) await record(now.map(({ result }) => result))
    } catch (error) {
      log.warn({ err: error, results: now.length }, 'results wait for the database')
      const since = performance.now() - leaseMs
      // Whose lease is over is due again anyway. A give-back whose outcome is unknown must not be repeated for long either.
      results.unshift(...now.filter(({ at }) => at > since))
      back.unshift(...given.filter(({ at }) => at > since))
      await new Promise((done) => setTimeout(done, 250))
    }
  }

  async function record(batch: Result[]): Promise<void> {
    // Of one message twice, by a lease that ran out in between, only the later attempt can be meant.
    const answered = await recordResults(platform, [...new Map(batch.map((r) => [r.message.id, r])).values()])
    for (const { mailing_id, errors } of answered) {
      untold.add(mailing_id)
      if (errors <= pauseAbove) continue
      const last = batch.findLast((r) => r.message.mailing_id === mailing_id && r.outcome.error)
      if (await pauseFailing(platform, mailing_id, last?.outcome.reason ?? ''))
        log.warn({ mailing_id, errors }, 'a mailing is paused: the gateway refuses more than it takes')
    }
    tell()
  }

  /** Tells whoever watches, at most some times a second. */
  function tell(): void {
    clearTimeout(teller)
    const wait = toldAt + tellEveryMs - performance.now()
    if (wait > 0 && !closing) {
      teller = setTimeout(tell, wait)
      return
    }
    toldAt = performance.now()
    for (const id of untold) void notify(notices, mailingTopic(id)).catch(() => {})
    untold.clear()
  }

  return {
    add(result: Result): void {
      results.push({ at: performance.now(), result })
      plan()
    },
    giveBack(message: Claimed): void {
      back.push({ at: performance.now(), message })
      plan()
    },
    isFull: () => results.length + back.length >= mostHeld,
    isIdle: () => !results.length && !back.length && !writing,
    /** Writes what it holds; for two seconds it tries. */
    async close(): Promise<void> {
      closing = true
      const until = performance.now() + 2000
      while ((results.length || back.length || writing) && performance.now() < until) {
        write()
        await Promise.race([writing, new Promise((done) => setTimeout(done, 100))])
      }
      clearTimeout(timer)
      tell()
    },
  }
}
