import { CompiledQuery } from 'kysely'
import pg from 'pg'
import type { Tx } from './database.ts'
import type { Logger } from './log.ts'

/** The connection of a process that listens: short words between processes, sent by NOTIFY at commit. */
export type Notices = {
  /** Calls the listener when the topic is notified, and once after each gap in which a notice may have been missed. */
  on(topic: string, listener: () => void): () => void
  /** A short statement on this connection, which no crowd in the pool can delay; fails at once while it is away. */
  query<R>(text: string, values: unknown[]): Promise<R[]>
  close(): void
}

const channel = 'dvor'
const heartbeatMs = 5000
const patienceMs = 5000

/** Tells the listeners of a topic in all processes, if and when the transaction commits; equal notices of one become one. */
export async function notify(
  on: Tx | { query(text: string, values: string[]): Promise<unknown> },
  topic: string,
): Promise<void> {
  const text = `select pg_notify('${channel}', $1)`
  if ('executeQuery' in on) await on.executeQuery(CompiledQuery.raw(text, [topic]))
  else await on.query(text, [topic])
}

/** Listens from the first listener on. A lost or silent connection is replaced, and then every listener is called once. */
export function openNotices(connectionString: string, log: Logger): Notices {
  const listeners = new Map<string, Set<() => void>>()
  let client: pg.Client | undefined
  let listening = false
  let retry: NodeJS.Timeout | undefined
  let failures = 0
  let closed = false

  const call = (listener: () => void) => {
    try {
      listener()
    } catch (error) {
      log.error({ err: error }, 'a listener failed')
    }
  }

  let last: Promise<unknown> = Promise.resolve()
  /** One statement after the other; what fails without a code was silent too long, and still runs there. */
  function ask<R>(on: pg.Client, text: string, values: unknown[] = []): Promise<R[]> {
    const answer = last.then(async () => (await on.query(text, values)).rows as R[])
    last = answer.catch((error: { code?: string }) => {
      if (!error.code) cut(on)
    })
    return answer
  }

  async function open(): Promise<void> {
    const next = new pg.Client({
      connectionString,
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      application_name: 'dvor notices',
    })
    client = next
    next.on('error', () => {})
    next.on('notification', ({ payload }) => listeners.get(payload ?? '')?.forEach(call))
    const heartbeat = setInterval(() => {
      if (listening) ask(next, 'select 1').catch(() => {})
    }, heartbeatMs).unref()
    next.once('end', () => {
      clearInterval(heartbeat)
      listening = false
      if (closed) return
      if (!failures) log.warn('notices of other processes do not arrive until the database is back')
      retry = setTimeout(open, Math.min(5000, 100 * 2 ** failures++) * (0.5 + Math.random() / 2)).unref()
    })
    try {
      await next.connect()
      await ask(next, `listen ${channel}`)
    } catch {
      return cut(next)
    }
    listening = true
    failures = 0
    for (const one of listeners.values()) one.forEach(call)
  }

  return {
    on(topic, listener) {
      if (!client) void open()
      listeners.set(topic, (listeners.get(topic) ?? new Set()).add(listener))
      return () => {
        const others = listeners.get(topic)
        if (others?.delete(listener) && !others.size) listeners.delete(topic)
      }
    },
    async query(text, values) {
      if (!client || !listening) throw new Error('the connection for notices is away')
      return ask(client, text, values)
    },
    close() {
      closed = true
      clearTimeout(retry)
      if (client) cut(client)
    },
  }
}

/** Ends a connection without waiting for an answer that may never come. */
function cut(client: pg.Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}
