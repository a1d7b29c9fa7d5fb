import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import { client, eventually } from '../test/harness.ts'

const people = 100_000
const bare = `
  insert into mailings.messages (mailing_id, client_id, phone, operator_code, status, due_at, last_error, fields)
  select $1, client_id, phone, operator_code, status, due_at, last_error, fields from public.bench_messages order by client_id`

/**
 * The audience of a mailing with local hours and a stop list, by HTTP and the clock of a worker as in use, beside one
 * INSERT … SELECT of the same rows into the same table. The hours come tomorrow, so that nothing is sent meanwhile.
 */
export async function prepareAudience(pool: pg.Pool, api: { url: string; headers: Record<string, string> }) {
  await pool.query(
    `insert into mailings.clients (phone, operator_code, tag, timezone)
     select '79' || lpad(n::text, 9, '0'), (900 + n % 100)::text, 'tag ' || n % 50,
       (array['Europe/Moscow', 'Asia/Yekaterinburg', 'Europe/Kaliningrad'])[1 + n % 3] from generate_series(1, $1::int) n`,
    [people],
  )
  await pool.query(
    `insert into mailings.stops (phone, reason) select phone, '' from mailings.clients where id % 100 = 0`,
  )
  await pool.query('vacuum analyze mailings.clients')
  const { rows } = await pool.query(
    `select to_char(now() - interval '12 hours', 'HH24:MI') "from", to_char(now() - interval '11 hours', 'HH24:MI') "to"`,
  )
  const http = client(api.url)
  const mailing = {
    text: 'x',
    starts_at: '2020-01-01T00:00:00Z',
    ends_at: '2099-01-01T00:00:00Z',
    local_window: rows[0],
  }
  const clean = () => pool.query('truncate mailings.messages, mailings.counters')
  const ours = async () => {
    const began = performance.now()
    const { status, body, text } = await http.post('/api/mailings', mailing, { headers: api.headers })
    if (status !== 201) throw new Error(text)
    await eventually('the mailing runs', async () => {
      const found = await pool.query(`select from mailings.mailings where id = $1 and status = 'running'`, [body.id])
      return found.rowCount === 1
    })
    return { id: body.id as number, rate: people / ((performance.now() - began) / 1000) }
  }
  const { id } = await ours()
  await pool.query(`create table public.bench_messages as select * from mailings.messages`)
  await clean()
  return {
    messagesPerSecond: async () => {
      const { rate } = await ours()
      await clean()
      return rate
    },
    insertOnly: async () => {
      const began = performance.now()
      await pool.query(bare, [id])
      const took = performance.now() - began
      await clean()
      return people / (took / 1000)
    },
    /** Others begin with nobody. */
    async [Symbol.asyncDispose]() {
      await pool.query('truncate mailings.mailings, mailings.clients, mailings.stops cascade')
    },
  }
}
