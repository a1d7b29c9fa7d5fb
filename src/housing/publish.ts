import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { type Tx, transaction } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'
import { tell } from './billing.ts'
import { getRun } from './runs.ts'
import type { Run } from './schemas-runs.ts'
import { lockHouse } from './viewers.ts'

/** Why a run cannot be published now, by the code of the words. */
async function refusalOf(tx: Tx, run: Run): Promise<string | undefined> {
  if (run.published_at) return 'housing.already_published'
  const month = `${run.month}-01`
  const { rows } = await sql<{ running: boolean; published: boolean; settled: boolean }>`
    select
      exists (select from housing.billing_runs where house_id = ${run.house} and month = ${month}::date
        and status in ('queued', 'running')) running,
      exists (select from housing.billing_runs where house_id = ${run.house} and month = ${month}::date
        and published_at is not null) published,
      exists (select from housing.recalculations c join housing.bill_lines l on l.recalculation_id = c.id
        join housing.run_bills m on m.run_id = ${run.id} and m.apartment_id = c.apartment_id and m.bill_id = l.bill_id
        where c.bill_id is not null) settled`.execute(tx)
  const { running, published, settled } = rows[0]!
  if (running) return 'housing.run_in_progress'
  if (published) return 'housing.month_published'
  if (!run.current) return 'housing.run_not_current'
  if (settled) return 'housing.run_again'
  return undefined
}

/**
 * Publishes the bills of a run: they are frozen with their opening balances, charged to the accounts, shown to residents
 * and mailed to them; from then on the readings of the month are closed.
 */
export async function publishRun({ db, jobs }: Platform, user: User, id: number): Promise<Run> {
  const { house } = await getRun(db, id)
  return transaction(db, async (tx) => {
    await sql`set local statement_timeout = '5min'`.execute(tx)
    await lockHouse(tx, house, 'update')
    await sql`select from housing.billing_runs where id = ${id} for no key update`.execute(tx)
    const before = await getRun(tx, id)
    const refusal = await refusalOf(tx, before)
    if (refusal) throw new AppError(409, refusal)
    await sql`select from housing.apartments a
      where a.id in (select apartment_id from housing.run_bills where run_id = ${id})
      order by a.id for no key update`.execute(tx)
    await sql`update housing.billing_runs set published_at = now(), published_by = ${user.id} where id = ${id}`.execute(
      tx,
    )
    await sql`
      update housing.recalculations c set bill_id = l.bill_id
      from housing.run_bills m join housing.bill_lines l on l.bill_id = m.bill_id
      where m.run_id = ${id} and l.recalculation_id = c.id`.execute(tx)
    await sql`
      insert into housing.entries (apartment_id, bill_id, amount, opening_balance)
      select a.id, b.id, b.total, a.balance
      from housing.run_bills m join housing.bills b on b.id = m.bill_id join housing.apartments a on a.id = m.apartment_id
      where m.run_id = ${id} order by a.id`.execute(tx)
    await sql`
      update housing.apartments a set balance = a.balance + b.total
      from housing.run_bills m join housing.bills b on b.id = m.bill_id
      where m.run_id = ${id} and a.id = m.apartment_id and b.total <> 0`.execute(tx)
    const after = await getRun(tx, id)
    await recordChange(tx, user, {
      action: 'housing.publish_run',
      subject: 'housing.billing_runs',
      subject_id: id,
      before: { published_at: null },
      after: { published_at: after.published_at, month: after.month, amount: after.amount },
    })
    await jobs.enqueue(tx, 'housing.letters', [{ run_id: id, after: [0, 0] }])
    await tell(tx, id, after.month)
    return after
  })
}
