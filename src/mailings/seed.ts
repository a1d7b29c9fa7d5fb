import { sql } from 'kysely'
import { run, type Tx, transaction } from '../platform/database.ts'
import type { Locale } from '../platform/i18n.ts'
import type { Platform, Seed } from '../platform/module.ts'

const words: Record<Locale, { tags: string[]; texts: string[] }> = {
  ru: {
    tags: ['подъезд 1', 'подъезд 2', 'подъезд 3', 'подъезд 4', 'автовладельцы', 'пенсионеры', 'дачники', ''],
    texts: [
      'Завтра с 10 до 16 отключат горячую воду: меняем вентиль на вводе. Запаситесь, пожалуйста.',
      'Передайте показания счётчиков до 25 числа на сайте дома.',
      'В субботу в 11:00 субботник во дворе. Перчатки и чай — с нас.',
      'Общее собрание собственников — в четверг в 19:00, в холле первого подъезда.',
      'Просим убрать машины с Садовой до 8 утра: будет работать снегоуборочная техника.',
      'Лифт снова работает. Спасибо за терпение!',
    ],
  },
  en: {
    tags: ['entrance 1', 'entrance 2', 'entrance 3', 'entrance 4', 'drivers', 'pensioners', 'gardeners', ''],
    texts: [
      'No hot water tomorrow from 10 to 16: a valve is being replaced.',
      'Please send your meter readings by the 25th.',
      'We tidy up the yard on Saturday at 11:00. Gloves and tea are on us.',
      "Owners' meeting on Thursday at 19:00 in the hall of entrance 1.",
      'Please move your cars from Garden Street by 8 in the morning: snow will be cleared.',
      'The lift works again. Thank you for your patience!',
    ],
  },
}
const operators = [
  '999',
  '916',
  '926',
  '903',
  '905',
  '909',
  '911',
  '921',
  '950',
  '982',
  '902',
  '977',
  '985',
  '960',
  '964',
  '937',
]
const elsewhere = ['Asia/Yekaterinburg', 'Asia/Novosibirsk', 'Asia/Vladivostok', 'Europe/Kaliningrad']
const chunk = 50_000

/** A die of a million sides that falls the same way for the same seed. */
const die = (of: string, seed: number) => sql`abs(hashint8extended(${sql.raw(of)}, ${seed}::bigint) % 1000000)`

/** Clients numbered from `from` to `to`, nine of ten in the zone of the installation; numbers that are there are passed over. */
async function addClients(tx: Tx, from: number, to: number, tags: string[], zone: string, seed: number): Promise<void> {
  await sql`
    insert into mailings.clients (phone, operator_code, tag, timezone, created_at)
    select '7' || o.code || to_char((n / ${operators.length} * 6180339 + ${seed}) % 10000000, 'FM0000000'), o.code,
      (${tags}::text[])[1 + d % ${tags.length}],
      case when d % 10 = 0 then (${elsewhere}::text[])[1 + d / 10 % ${elsewhere.length}] else ${zone} end,
      now() - interval '400 days' + make_interval(secs => n)
    from generate_series(${from}::bigint, ${to}::bigint) n
    cross join lateral (select (${operators}::text[])[1 + n % ${operators.length}] code, ${die('n', seed)} d) o
    order by n on conflict (phone) do nothing`.execute(tx)
}

/** A mailing of so many days ago that is over. */
async function addMailing(tx: Tx, daysAgo: number, text: string): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    insert into mailings.mailings (text, starts_at, ends_at, status, started_at, finished_at, created_at, updated_at)
    select ${text}, at, at + interval '8 hours', 'finished', at, at + interval '8 hours', at - interval '1 day', at + interval '8 hours'
    from (select date_trunc('hour', now()) - make_interval(days => ${daysAgo}, hours => 8) as at) t returning id`.execute(
    tx,
  )
  return rows[0]!.id
}

/**
 * A message of a finished mailing to each of the next clients, with all that counts them: of a hundred two are refused and
 * one comes too late. Returns the last client, and how many there were.
 */
async function addMessages(tx: Tx, mailing: number, after: number, most: number, seed: number) {
  const { rows } = await sql<{ last: number; n: number }>`
    with dealt as materialized (
      select c.id, c.phone, c.operator_code, ${die(`c.id * 1000 + ${mailing}`, seed)} d, ${die(`c.id * 1000 + ${mailing}`, seed + 1)} e
      from (select * from mailings.clients where id > ${after} order by id limit ${most}) c),
    told as (
      select d.*, l.id mailing_id, l.started_at, l.started_at + make_interval(secs => 7200 * e / 1000000.0) as at,
        case when d % 100 < 97 then 'sent' when d % 100 < 99 then 'error' else 'expired' end status, l.ends_at
      from dealt d join mailings.mailings l on l.id = ${mailing}),
    made as (
      insert into mailings.messages (mailing_id, client_id, phone, operator_code, status, attempts, refusals, due_at, last_error,
        created_at, sent_at)
      select mailing_id, id, phone, operator_code, status,
        case status when 'sent' then 1 + (e % 20 = 0)::int when 'error' then 3 else 0 end, case status when 'error' then 3 else 0 end,
        case status when 'expired' then ends_at else at end,
        case status when 'error' then case when e % 3 = 0 then 'status 403' else 'code 7 Invalid number' end when 'expired' then 'ended' end,
        started_at, case status when 'sent' then at end
      from told order by id
      returning id, client_id, operator_code, status, attempts, due_at),
    counted as (
      insert into mailings.counters as c (mailing_id, operator_code, total, sent, error, expired, attempts)
      select ${mailing}::bigint, operator_code, count(*), count(*) filter (where status = 'sent'), count(*) filter (where status = 'error'),
        count(*) filter (where status = 'expired'), sum(attempts)
      from made group by operator_code order by operator_code
      on conflict (mailing_id, operator_code) do update set total = c.total + excluded.total, sent = c.sent + excluded.sent,
        error = c.error + excluded.error, expired = c.expired + excluded.expired, attempts = c.attempts + excluded.attempts),
    noted as (
      insert into mailings.minutes as m (mailing_id, at, sent, error)
      select ${mailing}::bigint, date_trunc('minute', due_at), count(*) filter (where status = 'sent'), count(*) filter (where status = 'error')
      from made where status <> 'expired' group by 2 order by 2
      on conflict (mailing_id, at) do update set sent = m.sent + excluded.sent, error = m.error + excluded.error),
    timed as (
      insert into mailings.latencies as l (mailing_id, bucket, answers)
      select ${mailing}::bigint, floor(ln(25 + (id % 1000) ^ 2 / 4000.0) / ln(1.1)), sum(attempts) from made where attempts > 0
      group by 2 order by 2
      on conflict (mailing_id, bucket) do update set answers = l.answers + excluded.answers),
    ours as (select min(id) first_id, max(id) last_id, max(client_id) last, count(*) n from made),
    spanned as (
      update mailings.mailings set first_message_id = least(first_message_id, first_id), last_message_id = greatest(last_message_id, last_id)
      from ours where id = ${mailing})
    select last, n from ours`.execute(tx)
  return rows[0]!
}

/** Clients, and mailings to the first of them that are over, day by day back; all by set-based SQL. */
export const seed: Seed = {
  options: {
    clients: { default: 1000, meaning: 'clients of mailings, at least as many as one mailing has messages' },
    mailings: { default: 4, meaning: 'mailings that are over' },
    messages: { default: 2000, meaning: 'messages of them' },
  },
  async run(platform: Platform, { clients = 0, mailings = 0, messages = 0 }, { locale, seed, progress }) {
    const { db, pool, config } = platform
    const { tags, texts } = words[locale]
    const each = mailings ? Math.ceil(messages / mailings) : 0
    const people = Math.max(clients, each)
    for (let done = 0; done < people; done += chunk) {
      const to = Math.min(done + chunk, people)
      await transaction(db, (tx) => addClients(tx, done + 1, to, tags, config.TIMEZONE, seed))
      progress('clients', to, people)
    }
    await run(pool, 'analyze mailings.clients')
    let left = messages
    for (let i = 0; i < mailings; i++) {
      const id = await transaction(db, (tx) => addMailing(tx, mailings - i, texts[i % texts.length]!))
      for (let after = 0, own = Math.min(each, left); own > 0; ) {
        const { last, n } = await transaction(db, (tx) => addMessages(tx, id, after, Math.min(chunk, own), seed))
        if (!n) break
        after = last
        own -= n
        left -= n
        progress('messages', messages - left, messages)
      }
    }
    for (const table of ['mailings', 'messages', 'counters', 'minutes', 'latencies'])
      await run(pool, `analyze mailings.${table}`)
  },
}
