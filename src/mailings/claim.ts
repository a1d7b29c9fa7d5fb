import { run } from '../platform/database.ts'
import type { Platform } from '../platform/module.ts'

/** A mailing that has, or will have, messages to send. */
export type Running = { id: number; text: string; ends_in_ms: number; due_in_ms: number }

/** Running mailings that something waits in, with the time until it is due; those that are paused or over are left out. */
export async function findRunning({ pool }: Platform): Promise<Running[]> {
  return run<Running>(
    pool,
    `select m.id, m.text, extract(epoch from m.ends_at - clock_timestamp())::float8 * 1000 ends_in_ms,
       extract(epoch from d.due_at - clock_timestamp())::float8 * 1000 due_in_ms
     from mailings.mailings m cross join lateral (
       select due_at from mailings.messages where mailing_id = m.id and status = 'processing' order by due_at limit 1) d
     where m.status = 'running' and m.paused_at is null and m.ends_at > clock_timestamp()`,
  )
}

/** Time until the end of mailings, which an operator may move while calls are under way. */
export const findEnds = ({ pool }: Platform, ids: number[]) =>
  run<{ id: number; ends_in_ms: number }>(
    pool,
    `select id, extract(epoch from ends_at - clock_timestamp())::float8 * 1000 ends_in_ms
     from mailings.mailings where id = any($1::bigint[])`,
    [ids],
  )

/** What is wanted of a mailing: so many, from this place of its queue on. */
export type Wanted = { id: number; quota: number; from: Place }
export type Place = { due_at: string; id: number }
export const queueStart: Place = { due_at: '-infinity', id: 0 }

/** A message of a claim. `go`: it is ours until its lease ends; the rest must not be sent, or not now. */
export type Claimed = {
  id: number
  mailing_id: number
  client_id: number | null
  phone: string
  tag: string | null
  fields: Record<string, string> | null
  verdict: 'go' | 'removed' | 'stopped' | 'closed'
  /** Where it stood in the queue. */
  due_at: string
  attempt: number | null
  lease_ends_at: string | null
  ends_in_ms: number
}

/**
 * Takes what is due, at most the quota of each mailing, in one statement: everything that may forbid a message is tested in
 * it, on the database's clock. Who changes a mailing holds its row, so what it answered holds for every later claim; a
 * mailing that is being changed is passed over.
 */
export async function claimMessages({ pool }: Platform, wanted: Wanted[], leaseMs: number): Promise<Claimed[]> {
  return run<Claimed>(
    pool,
    // The plan must not depend on how many the planner expects: it knows no quota. So nothing is joined that could be hashed.
    `with running as materialized (
       select m.id, m.ends_at, m.local_from, m.local_to, w.quota, w.from_due, w.from_id
       from unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::bigint[]) w(mailing_id, quota, from_due, from_id)
       join mailings.mailings m on m.id = w.mailing_id
       where m.status = 'running' and m.paused_at is null and m.ends_at > clock_timestamp()
       order by m.id for share of m skip locked),
     picked as materialized (
       select r.id mailing_id, r.ends_at, r.local_from, r.local_to, d.* from running r cross join lateral (
         select m.id, m.client_id, m.phone, m.fields, m.due_at from mailings.messages m
         where m.mailing_id = r.id and m.status = 'processing' and m.due_at <= now()
           and (m.due_at, m.id) > (r.from_due, r.from_id)
         order by m.due_at, m.id limit r.quota for no key update of m skip locked) d
       limit 5000),
     judged as materialized (
       select p.*, c.tag, case
         when c.tag is null then 'removed'
         when exists (select from mailings.stops s where s.phone = p.phone) then 'stopped'
         when p.local_from is not null
           and mailings.opens_at(clock_timestamp(), c.timezone, p.local_from, p.local_to) > clock_timestamp() then 'closed'
         else 'go' end verdict
       from picked p left join lateral (
         select tag, timezone from mailings.clients where id = p.client_id limit 1) c on true),
     taken as (
       update mailings.messages m set claimed = true, attempts = m.attempts + 1,
         due_at = clock_timestamp() + make_interval(secs => $5::float8 / 1000)
       where m.id = any(array(select id from judged where verdict = 'go'))
       returning m.id, m.attempts, m.due_at)
     select j.id, j.mailing_id, j.client_id, j.phone, j.tag, j.fields, j.verdict, j.due_at, t.attempts attempt,
       t.due_at lease_ends_at, extract(epoch from j.ends_at - clock_timestamp())::float8 * 1000 ends_in_ms
     from judged j left join taken t using (id) order by j.mailing_id, j.due_at, j.id`,
    [
      wanted.map((w) => w.id),
      wanted.map((w) => w.quota),
      wanted.map((w) => w.from.due_at),
      wanted.map((w) => w.from.id),
      leaseMs,
    ],
  )
}

/**
 * Gives claims back as if they had not been: no byte of them was sent. Fenced by the end of the lease too, for the number of
 * the attempt is free again, and a repeat of this must not undo the next claim.
 */
export async function giveBack({ pool }: Platform, messages: Claimed[]): Promise<void> {
  await run(
    pool,
    `update mailings.messages m set claimed = false, attempts = m.attempts - 1, due_at = clock_timestamp()
     from unnest($1::bigint[], $2::int[], $3::timestamptz[]) r(id, attempt, lease_ends_at)
     where m.id = any(array(
         select m.id from mailings.messages m join unnest($1::bigint[]) r(id) using (id) order by m.id for no key update of m))
       and m.id = r.id and m.claimed and m.attempts = r.attempt and m.due_at = r.lease_ends_at`,
    [messages.map((m) => m.id), messages.map((m) => m.attempt), messages.map((m) => m.lease_ends_at)],
  )
}

/** Has messages wait until the local window of each opens; returns those for which it does not before the end. */
export async function postpone({ pool }: Platform, ids: number[]): Promise<number[]> {
  const rows = await run<{ id: number; late: boolean }>(
    pool,
    `with zones as materialized (
       select l.id, c.timezone, mailings.opens_at(clock_timestamp(), c.timezone, l.local_from, l.local_to) opens_at, l.ends_at
       from mailings.mailings l, (select distinct m.mailing_id, c.timezone from mailings.messages m
         join mailings.clients c on c.id = m.client_id where m.id = any($1::bigint[])) c
       where l.id = c.mailing_id),
     held as materialized (
       select m.id, z.opens_at, z.opens_at >= z.ends_at late from mailings.messages m
       join mailings.clients c on c.id = m.client_id join zones z on z.id = m.mailing_id and z.timezone = c.timezone
       where m.id = any($1::bigint[]) and m.status = 'processing' and not m.claimed order by m.id for no key update of m),
     moved as (update mailings.messages m set due_at = h.opens_at from held h where m.id = h.id and not h.late)
     select id, late from held`,
    [ids],
  )
  return rows.filter((r) => r.late).map((r) => r.id)
}
