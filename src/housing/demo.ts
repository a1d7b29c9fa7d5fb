import { sql } from 'kysely'
import type { User } from '../platform/access.ts'
import type { Platform } from '../platform/module.ts'
import { receivePayment } from './account.ts'
import { billingLoop } from './billing.ts'
import { publishRun } from './publish.ts'
import { startRun } from './runs.ts'

/**
 * Bills the seeded houses as an office would: two months are published and mostly paid, the last one waits to be billed,
 * with a reading missing here and there.
 */
export async function demonstrate(platform: Platform): Promise<void> {
  const { db } = platform
  const { rows: admins } = await sql<{
    id: number
  }>`select id from accounts.users where role = 'admin' order by id limit 1`.execute(db)
  const { rows: months } = await sql<{ month: string }>`
    select to_char(month, 'YYYY-MM') as month from (
      select distinct month from housing.readings order by month desc offset 1 limit 2) m order by 1`.execute(db)
  const { rows: houses } = await sql<{ id: number }>`select id from housing.houses order by id`.execute(db)
  if (!admins[0]) return
  const user: User = { id: admins[0].id, role: 'admin' }
  for (const { month } of months) {
    const runs: number[] = []
    for (const { id } of houses) runs.push((await startRun(platform, user, id, month)).id)
    await billingLoop.run(platform, new AbortController().signal)
    for (const id of runs) await publishRun(platform, user, id)
  }
  // Every fifth flat has paid nothing, and some owe the last month.
  const { rows: owed } = await sql<{ id: number; amount: string }>`
    select a.id, case when a.id % 7 = 0 then f.amount else a.balance end amount
    from housing.apartments a
    cross join lateral (select amount from housing.entries where apartment_id = a.id order by id limit 1) f
    where a.id % 5 <> 0 and f.amount > 0 order by a.id`.execute(db)
  // The day before is past in every zone.
  const paid_on = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  for (const { id, amount } of owed)
    await receivePayment(platform, user, id, { amount, paid_on, reference: '' }, undefined)
}
