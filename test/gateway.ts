import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'

/** What a gateway does with a request; `ok` alone acknowledges. */
export type Deed =
  | 'ok'
  | 'hang'
  | '500'
  | '400'
  | '429'
  | 'code'
  | 'garbage'
  | 'html'
  | 'drip'
  | 'long'
  | 'reset before'
  | 'reset after'
  | 'redirect'
export type Seen = {
  /** When it was seen, and when it can have come at the earliest: this process may have been elsewhere in between. */
  at: number
  since: number
  id: number
  path: string
  authorization: string | undefined
  phone: string
  text: string
  deed: Deed
  acknowledged: boolean
}
type Script = (request: { id: number; nth: number; ofThis: number }) => Deed | Promise<Deed>

const ok = '{"code":0,"message":"OK"}'

/** The gateway of the contract, on its own clock: it does what the script says of each request, and keeps what it saw. */
export async function startGateway(script: Script = () => 'ok', port = 0) {
  const seen: Seen[] = []
  const perId = new Map<number, number>()
  let answer = script
  let pulses = [Date.now(), Date.now()]
  const pulse = setInterval(() => (pulses = [pulses[1]!, Date.now()]), 2)
  let open = 0
  let most = 0
  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    most = Math.max(most, ++open)
    res.once('close', () => open--)
    void serve(req, res)
  })
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const at = Date.now()
    const id = Number(req.url!.split('/').at(-1))
    const ofThis = (perId.get(id) ?? 0) + 1
    perId.set(id, ofThis)
    const { url: path = '', headers } = req
    const one: Seen = {
      at,
      since: pulses[0]!,
      id,
      path,
      authorization: headers.authorization,
      phone: '',
      text: '',
      deed: 'ok',
      acknowledged: false,
    }
    seen.push(one)
    const deed = await answer({ id, nth: seen.length, ofThis })
    one.deed = deed
    if (deed === 'reset before') return void req.socket.resetAndDestroy()
    let body = ''
    try {
      for await (const chunk of req) body += chunk
    } catch {
      return
    }
    const { id: idOfBody, phone, text } = JSON.parse(body)
    if (idOfBody !== id) throw new Error(`the body names ${idOfBody}, the address ${id}`)
    Object.assign(one, { phone: String(phone), text })
    const json = (status: number, text: string, headers = {}) =>
      res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
    if (deed === 'ok') {
      one.acknowledged = true
      json(200, ok)
    } else if (deed === '500') json(500, '{"error":"down"}')
    else if (deed === '400') json(400, '{"error":"no such number"}')
    else if (deed === '429') json(429, '{}', { 'retry-after': '1' })
    else if (deed === 'code') json(200, '{"code":7,"message":"no money"}')
    else if (deed === 'garbage') json(200, '{"code":')
    else if (deed === 'html') res.writeHead(200, { 'content-type': 'text/html' }).end('<html>OK</html>')
    else if (deed === 'redirect') res.writeHead(302, { location: '/elsewhere' }).end()
    else if (deed === 'long') json(200, ok + ' '.repeat(200_000))
    else if (deed === 'reset after') req.socket.resetAndDestroy()
    else if (deed === 'drip') {
      res.writeHead(200, { 'content-length': 1000 })
      while (!res.destroyed) {
        res.write(' ')
        await sleep(50)
      }
    }
  }
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', 4096, done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    /** The most requests that were under way at once. */
    most: () => most,
    follow(next: Script) {
      answer = next
    },
    async [Symbol.asyncDispose]() {
      clearInterval(pulse)
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
export type FakeGateway = Awaited<ReturnType<typeof startGateway>>

let made = 0

/** A mailing that runs, to so many new clients, written as its start would. Times are SQL intervals from now. */
export async function makeMailing(
  pool: pg.Pool,
  messages: number,
  options: { text?: string; ends?: string; due?: string; timezone?: string; window?: [string, string] } = {},
  paused = false,
): Promise<number> {
  const {
    text = 'Здравствуйте, {phone}',
    ends = '10 minutes',
    due = '0 s',
    timezone = 'Europe/Moscow',
    window,
  } = options
  const base = 79_000_000_000 + made
  made += messages
  const { rows } = await pool.query(
    `with mailing as (
       insert into mailings.mailings (text, starts_at, ends_at, status, started_at, local_from, local_to, paused_at)
       values ($1, now() - interval '1 minute', clock_timestamp() + $2::interval, 'running', now(), $7, $8, case when $9 then now() end) returning id),
     people as (
       insert into mailings.clients (phone, operator_code, tag, timezone)
       select ($3::bigint + n)::text, substr(($3::bigint + n)::text, 2, 3), 'tag' || n % 3, $6 from generate_series(1, $4::int) n
       returning id, phone, operator_code),
     made as (
       insert into mailings.messages (mailing_id, client_id, phone, operator_code, due_at)
       select m.id, p.id, p.phone, p.operator_code, now() + $5::interval from mailing m, people p order by p.id
       returning mailing_id, id, operator_code),
     counted as (
       insert into mailings.counters (mailing_id, operator_code, total)
       select mailing_id, operator_code, count(*) from made group by 1, 2)
     select mailing_id::int id, min(id)::bigint first, max(id)::bigint last from made group by mailing_id`,
    [text, ends, base, messages, due, timezone, window?.[0] ?? null, window?.[1] ?? null, paused],
  )
  const { id, first, last } = rows[0]
  await pool.query('update mailings.mailings set first_message_id = $2, last_message_id = $3 where id = $1', [
    id,
    first,
    last,
  ])
  await pool.query(`select pg_notify('dvor', 'loop mailings.sender')`)
  return id
}

/** How the messages of a mailing stand, from its counters. */
export async function countsOf(pool: pg.Pool, mailing: number) {
  const { rows } = await pool.query(
    `select sum(total)::int total, sum(sent)::int sent, sum(error)::int error, sum(expired)::int expired,
       sum(attempts)::int attempts, sum(total - sent - error - expired)::int processing
     from mailings.counters where mailing_id = $1`,
    [mailing],
  )
  return rows[0] as Record<'total' | 'sent' | 'error' | 'expired' | 'attempts' | 'processing', number>
}
