import pg from 'pg'

export type Statement = { text: string; values: unknown[] }

/** The statements that this process sends to PostgreSQL during the work, as they are sent. */
export async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const seen: Statement[] = []
  const { query } = pg.Client.prototype
  // biome-ignore lint/suspicious/noExplicitAny: every form in which a statement may be given
  pg.Client.prototype.query = function (this: pg.Client, first: any, ...rest: any[]) {
    const text = typeof first === 'string' ? first : first?.text
    if (text) seen.push({ text, values: first.values ?? (Array.isArray(rest[0]) ? rest[0] : []) })
    return Reflect.apply(query, this, [first, ...rest])
  }
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
  return seen
}

/** The lines in which PostgreSQL says how it runs a statement; `without` a way that it takes only while tables are small. */
export async function planOf(
  pool: pg.Pool,
  { text, values }: Statement,
  { explain = 'explain', without = [] as ('seqscan' | 'indexscan')[] } = {},
): Promise<unknown[]> {
  const client = await pool.connect()
  try {
    await client.query(['begin', ...without.map((way) => `set local enable_${way} = off`)].join('; '))
    const { rows } = await client.query(`${explain} ${text}`, values)
    return rows.map((r) => r['QUERY PLAN'])
  } finally {
    await client.query('rollback')
    client.release()
  }
}
