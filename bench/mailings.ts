import { spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import { makeMailing, startGateway } from '../test/gateway.ts'
import { eventually, freePort, startProcess } from '../test/harness.ts'
import { caller, pace, rate } from './measure.ts'

const body = JSON.stringify({ id: 1_000_000, phone: 79_991_234_567, text: 'Завтра с 9 до 18 не будет горячей воды.' })

/**
 * A sink that answers after `delayMs`, in a process of its own; a worker, as in use, that sends mailings to it with so many
 * calls under way; and bare POSTs of undici with as many. Rates are of messages sent and recorded, from the first tenth to
 * the last.
 */
export async function prepareSending(
  pool: pg.Pool,
  settings: Record<string, string>,
  { concurrency, delayMs, messages }: { concurrency: number; delayMs: number; messages: number },
) {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const sink = spawn(process.execPath, ['bench/sink.ts'], {
    env: { ...process.env, PORT: String(port), DELAY_MS: String(delayMs) },
    stdio: 'inherit',
  })
  const bare = caller(origin, concurrency)
  const headers = { 'content-type': 'application/json' }
  const post = () => bare.call('POST', '/v1/send/1000000', 200, headers, body)
  await eventually('the sink answers', post)
  const worker = await startProcess(['worker'], {
    ...settings,
    GATEWAY_URL: origin,
    GATEWAY_CONCURRENCY: String(concurrency),
  })
  return {
    async sentPerSecond(): Promise<number> {
      const mailing = await makeMailing(pool, messages, {
        ends: '1 hour',
        text: 'Завтра с 9 до 18 не будет горячей воды.',
      })
      await pool.query('vacuum analyze mailings.messages')
      const samples: { at: number; sent: number }[] = []
      await eventually(
        'all are sent',
        async () => {
          const { rows } = await pool.query('select sum(sent)::int sent from mailings.counters where mailing_id = $1', [
            mailing,
          ])
          samples.push({ at: performance.now(), sent: rows[0].sent })
          return rows[0].sent === messages
        },
        300_000,
      )
      await pool.query(`update mailings.mailings set status = 'finished', finished_at = now() where id = $1`, [mailing])
      const from = samples.find((s) => s.sent >= messages / 10)!
      const to = samples.findLast((s) => s.sent <= messages * 0.9) ?? samples.at(-1)!
      return ((to.sent - from.sent) / (to.at - from.at)) * 1000
    },
    barePerSecond: () => rate(concurrency, 2, async () => void (await post())),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await bare.close()
      sink.kill()
    },
  }
}

/** What an API call takes while a worker sends to a gateway that fails in every way, and while it sends to one that answers. */
export async function prepareFailing(
  pool: pg.Pool,
  settings: Record<string, string>,
  api: { product: ReturnType<typeof caller>; headers: Record<string, string> },
) {
  const bad = ['500', '429', 'hang', 'garbage', 'html', 'drip', 'reset before', 'reset after'] as const
  const gateway = await startGateway()
  const worker = await startProcess(['worker'], {
    ...settings,
    GATEWAY_URL: gateway.url,
    GATEWAY_RATE: '200',
    GATEWAY_TIMEOUT_MS: '2000',
  })
  const read = () => api.product.call('GET', '/api/mailings?page_size=5', 200, api.headers)
  const during = async (fails: boolean) => {
    gateway.follow(({ nth }) => (fails && nth % 3 === 0 ? bad[(nth / 3) % bad.length]! : 'ok'))
    const mailing = await makeMailing(pool, 100_000, { ends: '1 hour' })
    const answers = await pace(read, new Promise((done) => setTimeout(done, 4000)))
    await pool.query('update mailings.mailings set paused_at = now() where id = $1', [mailing])
    return answers
  }
  return {
    whileItFails: () => during(true),
    whileItAnswers: () => during(false),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await gateway[Symbol.asyncDispose]()
    },
  }
}
