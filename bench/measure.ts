import { performance } from 'node:perf_hooks'
import { Pool } from 'undici'

export type Variant = { name: string; run(): Promise<number> }

const roundsOf = 5
const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** Runs the variants in turn, five rounds, and returns the median rate of each: only their ratios mean something. */
export async function compare(variants: Variant[]): Promise<Map<string, number>> {
  const rates = new Map<string, number[]>(variants.map((v) => [v.name, []]))
  for (const variant of variants) await variant.run()
  for (let round = 0; round < roundsOf; round++) {
    for (const variant of variants) rates.get(variant.name)!.push(await variant.run())
  }
  return new Map([...rates].map(([name, all]) => [name, median(all)]))
}

/** How many times a second `work` ends when so many callers repeat it for a while. An error ends the measurement. */
export async function rate(callers: number, seconds: number, work: (caller: number) => Promise<void>): Promise<number> {
  const began = performance.now()
  const until = began + seconds * 1000
  let done = 0
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < until) {
        await work(caller)
        done++
      }
    }),
  )
  return done / ((performance.now() - began) / 1000)
}

/** Answers of one caller a second (1 / median), one after the other with a pause between, while `until` goes on. */
export async function pace(read: () => Promise<unknown>, until: Promise<unknown>): Promise<number> {
  let isOver = false
  void until.finally(() => (isOver = true))
  const took: number[] = []
  while (!isOver) {
    const began = performance.now()
    await read()
    took.push(performance.now() - began)
    await new Promise((done) => setTimeout(done, 5))
  }
  return 1000 / median(took)
}

/** Calls a server over kept connections; any answer but the expected status is an error. */
export function caller(origin: string, connections: number) {
  const pool = new Pool(origin, { connections, pipelining: 1 })
  return {
    async call(
      method: 'GET' | 'POST',
      path: string,
      status: number,
      headers: Record<string, string> = {},
      body?: string,
    ) {
      const answer = await pool.request({ method, path, headers, body: body ?? null })
      const bytes = await answer.body.arrayBuffer()
      if (answer.statusCode !== status) throw new Error(`${method} ${path}: ${answer.statusCode} ${Buffer.from(bytes)}`)
      return Buffer.from(bytes)
    },
    close: () => pool.close(),
  }
}
