import { sql } from 'kysely'
import type { Platform } from '../platform/module.ts'
import { batch, deleteOld, whileFull } from '../platform/retention.ts'

/** Lets go of what the platform keeps longer than its settings say. */
export async function keepLimits(platform: Platform, signal: AbortSignal): Promise<void> {
  const { config, db, mail } = platform
  await deleteOld(
    platform,
    signal,
    'platform.idempotency',
    sql`created_at < now() - make_interval(hours => ${config.RETENTION_ANSWERS_HOURS})`,
  )
  await deleteOld(platform, signal, 'platform.attempts', sql`expires_at < now()`)
  await deleteOld(
    platform,
    signal,
    'platform.audit_log',
    sql`at < now() - make_interval(days => ${config.RETENTION_AUDIT_DAYS})`,
  )
  await deleteOld(
    platform,
    signal,
    'platform.notifications',
    sql`created_at < now() - make_interval(days => ${config.RETENTION_OUTBOX_DAYS})`,
  )
  await whileFull(signal, async () => {
    const { rows } = await sql<{ id: number; key: string }>`
      select id, key from platform.outbox where created_at < now() - make_interval(days => ${config.RETENTION_OUTBOX_DAYS})
      limit ${batch} for update skip locked`.execute(db)
    // The file first: without its row nobody would find it again. One that is held by now comes again with the next run.
    await mail.forget(rows.map((row) => row.key))
    await sql`
      delete from platform.outbox where id = any(array(
        select id from platform.outbox where id = any(${rows.map((row) => row.id)}::bigint[]) for update skip locked))`.execute(
      db,
    )
    return rows.length
  })
  await whileFull(signal, async () => {
    const { rows } = await sql<{ n: number }>`
      select platform.forget_stamps(make_interval(days => ${config.RETENTION_STAMPS_DAYS}), ${batch}) n`.execute(db)
    return rows[0]!.n
  })
}
