import { sql } from 'kysely'
import type { Platform } from '../platform/module.ts'
import { createMailing } from './mailings.ts'

/**
 * Beside the seeded mailings that are over: one that goes out over the next two hours, so that one can look on, and one that
 * waits for tomorrow.
 */
export async function demonstrate(platform: Platform): Promise<void> {
  const { db } = platform
  const { rows: admins } = await sql<{ id: number }>`
    select id from accounts.users where role = 'admin' order by id limit 1`.execute(db)
  if (!admins[0]) return
  const [lift, heating] = texts[platform.config.LOCALE]
  await sql`
    with mailing as (
      insert into mailings.mailings (text, starts_at, ends_at, status, started_at, created_by)
      values (${lift}, now(), now() + interval '1 day', 'running', now(), ${admins[0].id}) returning id),
    made as (
      insert into mailings.messages (mailing_id, client_id, phone, operator_code, due_at)
      select m.id, c.id, c.phone, c.operator_code, now() + interval '2 hours' * c.n / c.of
      from mailing m, (select *, row_number() over (order by id) n, count(*) over () as of from mailings.clients) c
      order by c.id returning id, mailing_id, operator_code),
    counted as (
      insert into mailings.counters (mailing_id, operator_code, total)
      select mailing_id, operator_code, count(*) from made group by 1, 2)
    select min(id) from made`.execute(db)
  await sql`
    update mailings.mailings l set first_message_id = m.first, last_message_id = m.last
    from (select mailing_id, min(id) as first, max(id) as last from mailings.messages group by mailing_id) m
    where l.id = m.mailing_id and l.status = 'running'`.execute(db)
  const tomorrow = Date.now() + 86_400_000
  await createMailing(
    platform,
    { id: admins[0].id, role: 'admin' },
    {
      text: heating,
      starts_at: new Date(tomorrow).toISOString(),
      ends_at: new Date(tomorrow + 43_200_000).toISOString(),
      local_window: { from: '10:00', to: '20:00' },
    },
    undefined,
  )
}

const texts = {
  ru: [
    'Лифт во втором подъезде встанет на ремонт до вечера. Простите за неудобства.',
    'С понедельника даём отопление. Если батареи остались холодными, напишите нам.',
  ],
  en: [
    'The lift of entrance 2 is being repaired until the evening. Sorry for the trouble.',
    'The heating comes on this Monday. Tell us if your radiators stay cold.',
  ],
} as const
