import { sql } from 'kysely'
import { type CursorRequest, cursorAnswer } from '../http/pages.ts'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import type { Source } from '../platform/cache.ts'
import { run, sqlOf, type Tx, transaction } from '../platform/database.ts'
import { fieldFault, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { withPicture } from '../platform/pictures.ts'
import { lockOrganised, mayOrganise } from './organisers.ts'
import type { Expense, NewExpense } from './schemas-news.ts'

const columns = `e.id, json_build_object('id', u.id, 'full_name', u.full_name) author, e.amount, e.what, e.spent_on,
  '/files/' || e.receipt receipt, e.created_at`
const source = 'from collects.expenses e join accounts.users u on u.id = e.author_id'

/** The ledger of a collect: what was spent, what is left of what came in. */
export function expenseList(id: number, page: CursorRequest): Source {
  return {
    scopes: [`collect:${id}`, 'names'],
    async read(client) {
      const [sums] = await run<{ n: number; spent_amount: string; left_amount: string }>(
        client,
        `select (select count(*) from collects.expenses where collect_id = c.id) n, spent_amount,
           collected_amount - spent_amount left_amount from collects.collects c where c.id = $1`,
        [id],
      )
      if (!sums) throw notFound()
      const { n, spent_amount, left_amount } = sums
      const [compare, order] = page.descending ? ['<', 'desc'] : ['>', 'asc']
      const rows = await run<Expense>(
        client,
        `select ${columns} ${source} where e.collect_id = $1 and e.id ${compare} $2 order by e.id ${order} limit $3 offset $4`,
        [id, page.id ?? (page.descending ? Number.MAX_SAFE_INTEGER : 0), page.limit + 1, page.offset],
      )
      return {
        answer: { ...cursorAnswer(page, rows, { count: page.withCount ? n : null }), spent_amount, left_amount },
      }
    },
  }
}

// The collect is locked, so its sum and its expenses change together.
const addSpent = (tx: Tx, id: number, amount: string) =>
  sql`update collects.collects set spent_amount = spent_amount + ${amount}::numeric where id = ${id}`.execute(tx)

/** Enters what was spent; more than came in is fine, for organisers add of their own. */
export async function spend(
  platform: Platform,
  user: User,
  id: number,
  input: NewExpense,
  upload: Buffer | undefined,
  once: Once | undefined,
): Promise<Expense> {
  if (upload) await mayOrganise(platform.db, user, id)
  return withPicture(
    platform,
    'receipts',
    upload,
    (receipt) =>
      change(platform.db, once, async (tx) => {
        await lockOrganised(tx, user, id)
        const { rows } = await sql<{ is_future: boolean }>`
          select ${input.spent_on}::date > (now() at time zone ${platform.config.TIMEZONE})::date is_future`.execute(tx)
        if (rows[0]!.is_future) throw fieldFault('/spent_on', 'collects.spent_in_future')
        const made = await tx
          .insertInto('collects.expenses')
          .values({ ...input, collect_id: id, author_id: user.id, receipt: receipt ?? null })
          .returning('id')
          .executeTakeFirstOrThrow()
        await addSpent(tx, id, input.amount)
        await recordExpense(tx, user, 'spend', made.id, undefined, { collect: id, ...input, receipt: receipt ?? null })
        const [expense] = await sqlOf(tx)<Expense>(`select ${columns} ${source} where e.id = $1`, [made.id])
        return expense!
      }),
    () => !once?.replayed,
  )
}

const recordExpense = (tx: Tx, user: User, verb: string, id: number, before?: object, after?: object) =>
  recordChange(tx, user, { action: `collects.${verb}`, subject: 'collects.expenses', subject_id: id, before, after })

/** Takes an expense out of the ledger; the audit log keeps it. */
export async function removeExpense({ db, jobs }: Platform, user: User, id: number, expense: number): Promise<void> {
  await transaction(db, async (tx) => {
    await lockOrganised(tx, user, id)
    const before = await tx
      .deleteFrom('collects.expenses')
      .where('collect_id', '=', id)
      .where('id', '=', expense)
      .returning(['id', 'amount', 'what', 'spent_on', 'receipt'])
      .executeTakeFirst()
    if (!before) throw notFound()
    await addSpent(tx, id, `-${before.amount}`)
    if (before.receipt) await jobs.enqueue(tx, 'collects.remove_cover', [{ cover: before.receipt }])
    await recordExpense(tx, user, 'remove_expense', expense, before)
  })
}
