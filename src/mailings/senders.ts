import { run } from '../platform/database.ts'
import { mailingLag, mailingMessages } from '../platform/metrics.ts'
import type { Platform } from '../platform/module.ts'
import type { GatewayState } from './schemas-gateway.ts'
import { mailingsSettings } from './settings.ts'

/** What a sender is granted, and the database's time at which it was. */
export type Grant = { permits: number; slots: number; first_slot_ms: number | null; now_ms: number }
export type Standing = {
  id: string
  test?: boolean
  under_way: number
  wanted_slots: number
  spacing_ms: number
  term_ms: number
  breaker: string
  latency_ms: object | null
}

/** How far ahead moments of the rate are given away. */
export const slotsAheadMs = 250

/** Says what this sender does, and asks how many calls it may have under way and which moments of the rate are its own. */
export async function admit({ pool }: Platform, concurrency: number, s: Standing): Promise<Grant> {
  const [grant] = await run<Grant>(
    pool,
    'select permits, slots, first_slot_ms, now_ms from mailings.admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      s.id,
      s.test ?? false,
      s.under_way,
      s.wanted_slots,
      concurrency,
      s.spacing_ms,
      slotsAheadMs,
      s.term_ms,
      s.breaker,
      s.latency_ms && JSON.stringify(s.latency_ms),
    ],
  )
  return grant!
}

/** Its calls are over; how it saw the gateway stays for a day. */
export async function leave({ pool }: Platform, id: string): Promise<void> {
  await run(
    pool,
    `with gone as (delete from mailings.senders where id <> $1 and seen_at < clock_timestamp() - interval '1 day')
     update mailings.senders set in_flight = 0, under_way = 0, expires_at = clock_timestamp() where id = $1`,
    [id],
  )
}

/** Sets the gauges of messages and of how late the latest of them is. */
export async function measureMessages({ pool }: Platform): Promise<void> {
  const [now] = await run<Record<'processing' | 'sent' | 'error' | 'expired' | 'lag', number>>(
    pool,
    `select c.*, l.lag from (
       select coalesce(sum(total - sent - error - expired), 0)::float8 processing, coalesce(sum(sent), 0)::float8 sent,
         coalesce(sum(error), 0)::float8 error, coalesce(sum(expired), 0)::float8 expired from mailings.counters) c,
       (select coalesce(greatest(extract(epoch from clock_timestamp() - min(d.due_at)), 0), 0)::float8 lag
        from mailings.mailings m cross join lateral (
          select due_at from mailings.messages where mailing_id = m.id and status = 'processing' order by due_at limit 1) d
        where m.status = 'running' and m.paused_at is null) l`,
  )
  const { lag, ...byStatus } = now!
  for (const [status, count] of Object.entries(byStatus)) mailingMessages.set({ status }, count)
  mailingLag.set(lag)
}

/** How the gateway does, over all processes that send: the worst breaker, the calls under way, and what the latest says of its time. */
export async function gatewayState(platform: Platform): Promise<GatewayState> {
  const { GATEWAY_URL, GATEWAY_CONCURRENCY, GATEWAY_RATE, GATEWAY_TIMEOUT_MS } = mailingsSettings(platform)
  const [state] = await run<Pick<GatewayState, 'breaker' | 'in_flight' | 'latency_ms' | 'senders'>>(
    platform.pool,
    `select case when bool_or(breaker = 'open') filter (where live) then 'open'
         when bool_or(breaker = 'half_open') filter (where live) then 'half_open' else 'closed' end breaker,
       coalesce(sum(under_way) filter (where live), 0)::int in_flight, (count(*) filter (where live and not is_test))::int senders,
       (array_agg(latency_ms order by seen_at desc) filter (where latency_ms is not null))[1] latency_ms
     from (select *, expires_at > clock_timestamp() live from mailings.senders) s`,
  )
  return {
    sandbox: GATEWAY_URL === 'sandbox',
    ...state!,
    concurrency: GATEWAY_CONCURRENCY,
    rate: GATEWAY_RATE || null,
    timeout_ms: GATEWAY_TIMEOUT_MS,
  }
}
