import { csvLine } from '../http/csv.ts'
import { type CursorRequest, cursorAnswer } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import type { Source } from '../platform/cache.ts'
import { run } from '../platform/database.ts'
import { notFound } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform } from '../platform/module.ts'
import { mayOrganise } from './organisers.ts'
import type { FeedItem } from './schemas.ts'

/** Who gave to the collect $1; who did it anonymously has no name here. */
export const newestSql = `
  select p.id, p.amount, p.created_at, case when not p.is_anonymous then u.full_name end full_name, p.comment
  from collects.payments p join accounts.users u on u.id = p.payer_id
  where p.collect_id = $1 and p.status = 'completed'`

/** The whole feed of a collect; a donor who gave anonymously has no name in it. */
export function collectFeed(id: number, page: CursorRequest): Source {
  return {
    scopes: [`collect:${id}`, 'names'],
    async read(client) {
      const [collect] = await run<{ n: number }>(
        client,
        'select payments_count n from collects.collects where id = $1',
        [id],
      )
      if (!collect) throw notFound()
      const [compare, order] = page.descending ? ['<', 'desc'] : ['>', 'asc']
      // Within a collect the order of ids is that of created_at, see the index.
      const rows = await run<FeedItem>(
        client,
        `${newestSql} and p.id ${compare} $2 order by p.id ${order} limit $3 offset $4`,
        [id, page.id ?? (page.descending ? Number.MAX_SAFE_INTEGER : 0), page.limit + 1, page.offset],
      )
      return { answer: cursorAnswer(page, rows, { count: page.withCount ? collect.n : null }) }
    },
  }
}

const csvColumns = ['id', 'created_at', 'full_name', 'amount', 'comment'] as const
const rowsAtOnce = 1000

/** The feed as CSV for its organisers, oldest first; a thousand at a time, however long it is. */
export async function feedCsv(
  { db, pool, translate }: Platform,
  user: User,
  id: number,
  locale: Locale,
): Promise<AsyncIterable<string>> {
  await mayOrganise(db, user, id, 'auditor')
  const anonymous = translate(locale, 'collects.anonymous')
  return (async function* () {
    yield csvLine([...csvColumns])
    for (let after = 0; ; ) {
      const rows = await run<FeedItem>(pool, `${newestSql} and p.id > $2 order by p.id limit ${rowsAtOnce}`, [
        id,
        after,
      ])
      yield rows.map((row) => csvLine(csvColumns.map((name) => row[name] ?? anonymous))).join('')
      if (rows.length < rowsAtOnce) return
      after = rows.at(-1)!.id
    }
  })()
}
