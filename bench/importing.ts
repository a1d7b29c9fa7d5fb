import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { caller } from './measure.ts'

const rows = 100_000

/** Clients imported by HTTP, as a file of phones, operators, tags and zones, beside COPY of the same rows into the same table. */
export function prepareImport(
  pool: pg.Pool,
  api: { product: ReturnType<typeof caller>; headers: Record<string, string> },
) {
  const lines = Array.from({ length: rows }, (_, i) => {
    // In no order, as the numbers of people are.
    const phone = `79${String((i * 618_033_989) % 1_000_000_000).padStart(9, '0')}`
    return `${phone},${phone.slice(1, 4)},дом ${i % 40},Europe/Moscow\n`
  }).join('')
  const measured = async (work: () => Promise<unknown>) => {
    await pool.query('truncate mailings.clients cascade')
    const began = performance.now()
    await work()
    return rows / ((performance.now() - began) / 1000)
  }
  return {
    imported: () =>
      measured(() =>
        api.product.call(
          'POST',
          '/api/clients/import',
          200,
          { ...api.headers, 'content-type': 'text/csv' },
          `phone,operator_code,tag,timezone\n${lines}`,
        ),
      ),
    copied: () =>
      measured(async () => {
        const client = await pool.connect()
        try {
          const copy = client.query(
            copyFrom('copy mailings.clients (phone, operator_code, tag, timezone) from stdin (format csv)'),
          )
          copy.end(lines)
          await once(copy, 'finish')
        } finally {
          client.release()
        }
      }),
  }
}
