import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { transaction } from '../platform/database.ts'
import { type Loop, wake } from '../platform/loops.ts'
import { mailingAttempts } from '../platform/metrics.ts'
import type { Platform } from '../platform/module.ts'
import { type Claimed, claimMessages, findEnds, findRunning, postpone, queueStart, type Running } from './claim.ts'
import { expireMessages, mailingTopic } from './expire.ts'
import { callGateway, gatewayOf, type Outcome, retryPauseMs } from './gateway.ts'
import { closeLine, endLineAt, type Line, mayBegin, openLine, type Ready, share } from './lines.ts'
import { reasonOf } from './reasons.ts'
import { openRecorder } from './recorder.ts'
import { admit, leave, slotsAheadMs } from './senders.ts'
import { mailingsSettings } from './settings.ts'
import { openSlots } from './slots.ts'
import { renderText } from './text.ts'

/** A claimed message whose call has not begun by then is given back. */
const patienceMs = 1000
/** From the deadline of a call to the end of its lease: for its record, and for a database that is away for a moment. */
const marginMs = 5000
const standEveryMs = 300
const lookEveryMs = 1000
/** Calls under way get so long at a stop; what is not over then comes back when its lease ends. */
const drainMs = 4500
/** After so many 429 in a row nothing is claimed for as long as the gateway asks, or for a second. */
const laterInRow = 10
const longestLaterMs = 60_000

const idOf = () => randomUUID()

/**
 * Sends what is due, in every worker process: claims what it can begin now, calls the gateway, and records how it went.
 * Returns when nothing is due in the next second. At a stop it claims no more, and gives back what has not begun.
 */
export async function sendDue(platform: Platform, signal: AbortSignal): Promise<void> {
  const begun = performance.now()
  const running = await findRunning(platform)
  if (!running.some((r) => r.due_in_ms < lookEveryMs) || signal.aborted) return
  const {
    GATEWAY_CONCURRENCY: concurrency,
    GATEWAY_RATE: rate,
    GATEWAY_TIMEOUT_MS: timeoutMs,
  } = mailingsSettings(platform)
  const me = platform.own(idOf)
  const gateway = gatewayOf(platform)
  const { log, notices } = platform
  const leaseMs = timeoutMs + patienceMs + marginMs
  const recorder = openRecorder(platform, leaseMs)
  const slots = openSlots(rate)
  const lines = new Map<number, Line>()
  const silence = new Map<number, () => void>()
  const stale = new Set<number>()
  let ready: Ready[] = []
  let inFlight = 0
  let permits = 0
  let permitsUntil = 0
  let nextStand = 0
  let nextLook = 0
  let turn = 0
  let laters = 0
  let laterUntil = 0
  let stopped = false
  let starter: NodeJS.Timeout | undefined
  // How many calls end in a millisecond, and how long a claim takes: what will have ended when the next claim is there.
  let ended = 0
  let endedSince = performance.now()
  let endsPerMs = 0
  let claimMs = 5

  let kicked = false
  let awake = () => {}
  const kick = () => {
    kicked = true
    awake()
  }
  const nap = (ms: number) =>
    new Promise<void>((done) => {
      if (kicked || ms <= 0) return done()
      const timer = setTimeout(done, ms)
      awake = () => {
        clearTimeout(timer)
        done()
      }
    }).then(() => {
      kicked = false
    })

  /** Tells how we stand, and hears how many calls we may have under way. */
  async function stand(): Promise<void> {
    const asked = performance.now()
    const { breaker, latency_ms } = gateway.state()
    // What could begin in the time for which moments are given.
    const wanted = Math.max(0, permits - inFlight + Math.ceil(endsPerMs * slotsAheadMs) - slots.left(asked))
    const grant = await admit(platform, concurrency, {
      id: me,
      under_way: inFlight,
      wanted_slots: rate && hasDue() ? Math.max(wanted, 1) : 0,
      spacing_ms: slots.spacing,
      term_ms: leaseMs,
      breaker,
      latency_ms,
    })
    slots.add(grant, asked, performance.now())
    permits = grant.permits
    permitsUntil = asked + leaseMs - timeoutMs - patienceMs
    nextStand = performance.now() + (rate ? slotsAheadMs / 4 : permits ? standEveryMs : 50)
  }

  /** Looks which mailings there are, and what is due of them; those that are through are told to the clock. */
  async function look(rows?: Running[], asked = performance.now()): Promise<void> {
    rows ??= await findRunning(platform)
    nextLook = performance.now() + lookEveryMs
    const alive = new Set(rows.map((r) => r.id))
    for (const { id, text, ends_in_ms, due_in_ms } of rows) {
      let line = lines.get(id)
      if (!line) {
        line = openLine(id, text)
        lines.set(id, line)
        silence.set(
          id,
          notices.on(mailingTopic(id), () => lines.get(id)?.underWay && stale.add(id) && kick()),
        )
      }
      line.dueAt = asked + due_in_ms
      line.place = queueStart
      endLineAt(line, asked + ends_in_ms)
    }
    for (const line of lines.values()) {
      if (alive.has(line.id) || line.underWay) continue
      forget(line)
      if (line.touched) await wake(notices, 'mailings.clock').catch(() => {})
    }
  }
  function forget(line: Line): void {
    lines.delete(line.id)
    silence.get(line.id)?.()
    silence.delete(line.id)
    closeLine(line)
  }
  async function lookAtEnds(): Promise<void> {
    const ids = [...stale]
    stale.clear()
    const asked = performance.now()
    for (const { id, ends_in_ms } of await findEnds(platform, ids)) {
      const line = lines.get(id)
      if (line) endLineAt(line, asked + ends_in_ms)
    }
  }

  const dueLines = (now: number) => [...lines.values()].filter((line) => line.dueAt <= now && mayBegin(line, now))
  const hasDue = () => ready.length > 0 || dueLines(performance.now()).length > 0

  /** How many to claim now: what can begin now, and what will have ended when they are there. */
  function room(now: number): number {
    if (stopped || recorder.isFull() || now > permitsUntil || now < laterUntil) return 0
    const { breaker } = gateway.state()
    if (breaker !== 'closed') return breaker === 'open' && !gateway.restsMs() && !ready.length && permits ? 1 : 0
    const free = permits - inFlight - ready.length
    if (rate) return Math.min(free, slots.left(now) - ready.length)
    const ahead = Math.min(permits, Math.floor(endsPerMs * claimMs * 2))
    return free > 0 || ready.length <= ahead / 2 ? Math.min(free + ahead, 2000) : 0
  }

  async function claim(wanted: { line: Line; quota: number }[]): Promise<void> {
    const asked = performance.now()
    const rows = await claimMessages(
      platform,
      wanted.map(({ line, quota }) => ({ id: line.id, quota, from: line.place })),
      leaseMs,
    )
    const now = performance.now()
    claimMs += (now - asked - claimMs) * 0.2
    endsPerMs += (ended / Math.max(now - endedSince, 1) - endsPerMs) * 0.3
    ended = 0
    endedSince = now
    const got = new Map<number, number>()
    const aside: Record<'removed' | 'stopped' | 'closed', number[]> = { removed: [], stopped: [], closed: [] }
    for (const message of rows) {
      const line = lines.get(message.mailing_id)!
      got.set(line.id, (got.get(line.id) ?? 0) + 1)
      line.place = message
      line.touched = true
      if (message.verdict !== 'go') {
        aside[message.verdict].push(message.id)
        continue
      }
      endLineAt(line, asked + message.ends_in_ms)
      line.underWay++
      ready.push({ message, line, startBy: asked + patienceMs })
    }
    // Nothing more is due of these until the next look.
    for (const { line, quota } of wanted) if ((got.get(line.id) ?? 0) < quota) line.dueAt = Number.POSITIVE_INFINITY
    begin()
    await setAside(aside)
  }

  async function setAside({
    removed,
    stopped,
    closed,
  }: Record<'removed' | 'stopped' | 'closed', number[]>): Promise<void> {
    const expire = (ids: number[], reason: 'removed' | 'stopped' | 'window') =>
      transaction(platform.db, (tx) =>
        expireMessages(tx, sql`m.id = any(${ids}::bigint[]) and not m.claimed`, reason, ids.length),
      )
    if (removed.length) await expire(removed, 'removed')
    if (stopped.length) await expire(stopped, 'stopped')
    const late = closed.length ? await postpone(platform, closed) : []
    if (late.length) await expire(late, 'window')
  }

  /** Begins what is ready, as far as permits and moments go. */
  function begin(): void {
    clearTimeout(starter)
    let at = 0
    for (; at < ready.length && inFlight < permits; at++) {
      const now = performance.now()
      const next = ready[at]!
      if (stopped || now > next.startBy || now > permitsUntil) {
        release(next)
        continue
      }
      const slot = rate ? slots.take(now) : { latest: Number.POSITIVE_INFINITY }
      if (slot && 'waitMs' in slot) starter = setTimeout(begin, slot.waitMs)
      if (!slot || 'waitMs' in slot) break
      void call(next, slot.latest)
    }
    if (at) ready = ready.slice(at)
  }
  function release({ message, line }: Ready): void {
    line.underWay--
    recorder.giveBack(message)
  }

  async function call(next: Ready, latest: number): Promise<void> {
    const { message, line } = next
    inFlight++
    const outcome = await attempt(next, latest)
    inFlight--
    ended++
    if (outcome.kind === 'unsent') release(next)
    else {
      line.underWay--
      const now = performance.now()
      mailingAttempts.inc({ outcome: outcome.kind })
      log.info(
        {
          ...namesOf(message),
          attempt: message.attempt,
          outcome: outcome.kind,
          reason: outcome.reason ?? undefined,
          ms: outcome.answerMs ? Math.round(outcome.answerMs) : undefined,
        },
        'a message was tried',
      )
      hearLater(outcome.reason === 'status 429', outcome.retryAfterMs, now)
      // Cut off by our own stop and not by the end: nobody knows, so it is tried again when its lease is over.
      if (outcome.kind !== 'cut_off' || now >= line.endsAt)
        recorder.add({
          message,
          outcome,
          pauseMs: retryPauseMs(message.attempt!, line.endsAt - now, outcome.retryAfterMs),
        })
    }
    begin()
    kick()
  }
  async function attempt({ message, line, startBy }: Ready, latest: number): Promise<Outcome> {
    try {
      return await callGateway(platform, {
        id: message.id,
        phone: message.phone,
        text: renderText(line.text, { ...message.fields, phone: message.phone, tag: message.tag }),
        signal: line.cut.signal,
        mayStart: () => {
          const now = performance.now()
          return !stopped && now <= latest && now <= startBy && mayBegin(line, now)
        },
      })
    } catch (error) {
      log.error({ err: error, ...namesOf(message) }, 'a message could not be sent')
      return { kind: 'failed', reason: reasonOf('broken'), answerMs: null, error: null }
    }
  }
  function hearLater(later: boolean, askedMs: number | undefined, now: number): void {
    laters = later ? laters + 1 : 0
    if (laters >= laterInRow) laterUntil = now + Math.min(askedMs ?? 1000, longestLaterMs)
  }

  const stop = () => {
    stopped = true
    kick()
  }
  signal.addEventListener('abort', stop)
  let failures = 0
  try {
    await look(running, begun)
    while (!stopped) {
      try {
        const now = performance.now()
        if (now >= nextStand) await stand()
        if (now >= nextLook) await look()
        if (stale.size) await lookAtEnds()
        begin()
        const due = dueLines(performance.now())
        const wanted = share(due, room(performance.now()), turn++)
        if (wanted.length) await claim(wanted)
        else if (inFlight || ready.length || !recorder.isIdle()) await nap(Math.min(pauseMs(), 1000))
        else if (due.length) await nap(pauseMs())
        else {
          // All is through: one look more, and only then is it over.
          await look()
          if (![...lines.values()].some((line) => line.dueAt < performance.now() + lookEveryMs)) break
          await nap(Math.min(pauseMs(), ...[...lines.values()].map((l) => Math.max(5, l.dueAt - performance.now()))))
        }
        failures = 0
      } catch (error) {
        // What was claimed meanwhile and not heard of comes back when its lease ends.
        log.warn({ err: error, failures: ++failures }, 'the sender waits for the database')
        await nap(Math.min(5000, 100 * 2 ** failures))
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await drain()
  }

  /** Until something is to be done without being kicked. */
  function pauseMs(): number {
    const now = performance.now()
    const rests = gateway.restsMs()
    return Math.max(
      1,
      Math.min(nextStand - now, nextLook - now, rests || 1000, laterUntil > now ? laterUntil - now : 1000),
    )
  }

  async function drain(): Promise<void> {
    stopped = true
    clearTimeout(starter)
    for (const next of ready.splice(0)) release(next)
    const until = performance.now() + drainMs
    while (inFlight && performance.now() < until) await nap(until - performance.now())
    for (const line of lines.values()) line.cut.abort()
    while (inFlight) await nap(100)
    await recorder.close()
    for (const line of [...lines.values()]) forget(line)
    await leave(platform, me).catch(() => {})
  }
}

/** What every line of the log about a message bears, so that the whole story of each can be found. */
export const namesOf = (message: Pick<Claimed, 'id' | 'mailing_id' | 'client_id'>) => ({
  mailing_id: message.mailing_id,
  message_id: message.id,
  client_id: message.client_id,
})

export const senderLoop: Loop<Platform> = { name: 'mailings.sender', everySeconds: 1, everywhere: true, run: sendDue }
