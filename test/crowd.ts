import { createHash } from 'node:crypto'
import pg from 'pg'

export type Member = { id: number; headers: { authorization: string } }

/** Many people with machine tokens, the first an administrator; written straight into the database: hashing their passwords would take minutes. */
export async function makeCrowd(databaseUrl: string, count: number, email = false): Promise<Member[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const names = Array.from({ length: count }, (_, i) => `crowd${i}`)
    const codes = names.map((_, i) => i.toString(36).toUpperCase().padStart(6, '0'))
    const { rows } = await client.query(
      `insert into accounts.users (username, email, first_name, invite_code, role)
       select n, case when $3 then n || '@example.org' end, n, c, case when n = 'crowd0' then 'admin' else 'user' end from unnest($1::text[], $2::text[]) t(n, c) order by c returning id::int`,
      [names, codes, email],
    )
    const tokens = names.map((n) => `token-of-${n}`)
    await client.query(
      `insert into accounts.tokens (user_id, hash, last_used_at) select *, now() from unnest($1::bigint[], $2::bytea[])`,
      [rows.map((r) => r.id), tokens.map((t) => createHash('sha256').update(t).digest())],
    )
    return rows.map((row, i) => ({ id: row.id, headers: { authorization: `Token ${tokens[i]}` } }))
  } finally {
    await client.end()
  }
}
