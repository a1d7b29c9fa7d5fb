import { type RawBuilder, sql } from 'kysely'
import { type Db, sqlOf, type Tx, transaction } from './database.ts'
import { AppError } from './errors.ts'
import type { Locale, Translate } from './i18n.ts'
import type { Job } from './jobs.ts'
import { admit } from './limits.ts'
import type { Attachment } from './mail.ts'
import type { Platform, SecretRef } from './module.ts'

/**
 * Whom a letter goes to: part of the row that it is about. `confirmed`: the address is known to be theirs. Addresses of no
 * account are those of the settings.
 */
export type Recipient = { email: string; locale: Locale | null } & (
  | { user_id: number; confirmed: boolean }
  | { user_id: null; confirmed: true }
)

/** What a letter says; `key` names the occasion, and of letters with one key only one is ever sent. */
export type Letter = {
  key: string
  subject: string
  paragraphs: string[]
  /** Below the paragraphs; figures stand in all columns but the first. */
  table?: { head: string[]; rows: string[][] }
  button?: { label: string; url: string }
  /** What stands for `{secret}`, derived when the letter goes. */
  secret?: SecretRef
  attachments?: Attachment[]
  /** A link that proves an address must reach one that is not proved; whoever asks for it is counted there. */
  provesAddress?: true
}

/** Letters a day to an address that is not confirmed, for the account and for the address, whatever they are about. */
const unconfirmedPerDay = 3

type Written = Letter & {
  to: string
  user_id: number | null
  confirmed: boolean
  text: string
  html: string
  job: Job<object>
}

/**
 * Sends each job the letter of its row, as `letterOf` writes it in the reader's language; a job without a row is done.
 * What fails, fails the jobs of its own row. A letter stands in the outbox before it goes and is marked when it went, so
 * that a crash repeats no more than the few that were under way.
 */
export async function sendLetters<Data extends object, Row extends Recipient & { id: number }>(
  platform: Platform,
  jobs: Job<Data>[],
  idOf: (data: Data) => number,
  rows: Row[],
  letterOf: (row: Row, locale: Locale) => Letter | Promise<Letter>,
): Promise<(Error | undefined)[]> {
  const { config, db, translate } = platform
  if (config.MAIL_URL === 'off') return jobs.map(() => undefined)
  const faults = new Map<number, Error>()
  const eachById = async <In, Out>(items: [number, In][], work: (item: In) => Promise<Out>) => {
    const done = await Promise.all(
      items.map(async ([id, item]): Promise<[number, Out][]> => {
        try {
          return [[id, await work(item)]]
        } catch (error) {
          faults.set(id, error as Error)
          return []
        }
      }),
    )
    return done.flat()
  }
  const { name: sender } = await db.selectFrom('platform.installation').select('name').executeTakeFirstOrThrow()
  const jobOf = new Map(jobs.map((job) => [idOf(job.data), job]))
  const written = await eachById(
    rows.map((row) => [row.id, row]),
    async (row): Promise<Written> => {
      const locale = row.locale ?? config.LOCALE
      const letter = await letterOf(row, locale)
      const { id, user_id, email, confirmed } = row
      const body = compose(letter, sender, locale, translate)
      return { ...letter, ...body, to: email, user_id, confirmed, job: jobOf.get(id)! }
    },
  )
  const going = await record(
    platform,
    written.map(([, letter]) => letter),
  )
  await eachById(
    written.filter(([, letter]) => going.has(letter.key)),
    (letter) => deliver(platform, letter),
  )
  return jobs.map(({ data }) => faults.get(idOf(data)))
}

/** Puts letters into the outbox, or finds them there; answers the keys of those that are to go now. */
async function record(platform: Platform, letters: Written[]): Promise<Set<string>> {
  const free = (letter: Written) => letter.confirmed || letter.provesAddress === true
  const going = await write(platform.db, letters.filter(free), 'queued')
  for (const letter of letters) if (!free(letter) && (await admitOrHold(platform, letter))) going.add(letter.key)
  return going
}

/** Whether a letter to an unconfirmed address may go; each is counted once, with its first entry in the outbox. */
const admitOrHold = (platform: Platform, letter: Written): Promise<boolean> =>
  transaction(platform.db, async (tx) => {
    const { key, to, user_id } = letter
    const known = await tx
      .selectFrom('platform.outbox')
      .select(['state', 'to'])
      .where('key', '=', key)
      .forUpdate()
      .executeTakeFirst()
    // Another address is another one's mailbox: what was counted or let go for the one is not for the other.
    if (known && (known.state !== 'queued' || known.to === to)) return known.state === 'queued'
    const limits = [`account ${user_id}`, `address ${to.toLowerCase()}`].map((of) => ({
      kind: 'unconfirmed',
      of,
      spanSeconds: 86_400,
      most: unconfirmedPerDay,
    }))
    const held = await admit(platform, sqlOf(tx), limits).catch((error: unknown) => {
      if (error instanceof AppError) return error
      throw error
    })
    await write(tx, [letter], held ? 'held' : 'queued')
    return !held
  })

/** Enters letters, or anew those that still wait to go; answers the keys of those that were written. */
async function write(db: Db | Tx, letters: Written[], state: 'queued' | 'held'): Promise<Set<string>> {
  if (!letters.length) return new Set()
  const column = <T>(of: (letter: Written) => T) => letters.map(of)
  const jobOf = ({ job: { kind, data } }: Written) => (state === 'held' ? JSON.stringify({ kind, data }) : null)
  const { rows } = await sql<{ key: string }>`
    insert into platform.outbox as o (key, kind, "to", subject, text, html, secret, user_id, state, job)
    select key, 'email', "to", subject, text, html, secret::jsonb, user_id, ${state}, job::jsonb
    from unnest(${column((l) => l.key)}::text[], ${column((l) => l.to)}::text[], ${column((l) => l.subject)}::text[],
      ${column((l) => l.text)}::text[], ${column((l) => l.html)}::text[],
      ${column((l) => (l.secret ? JSON.stringify(l.secret) : null))}::text[],
      ${column((l) => l.user_id)}::bigint[], ${column(jobOf)}::text[]) t(key, "to", subject, text, html, secret, user_id, job)
    order by key
    on conflict (key) do update set "to" = excluded."to", subject = excluded.subject, text = excluded.text,
      html = excluded.html, state = excluded.state, job = excluded.job
      where o.state = 'queued'
    returning key`.execute(db)
  return new Set(rows.map((r) => r.key))
}

/**
 * Lets go the letters held for the accounts whose ids the query names. Their jobs write them anew, so they go to the
 * address that is the account's by then, and a letter whose subject is gone does not go at all.
 */
export async function releaseLetters({ db, jobs }: Platform, confirmed: RawBuilder<unknown>): Promise<void> {
  // What is held by a module that does not run here waits until it does.
  const kinds = (await jobs.queues()).map((queue) => queue.name)
  let released: number
  do {
    released = await transaction(db, async (tx) => {
      const { rows } = await sql<{ kind: string; data: object }>`
        delete from platform.outbox where id = any(array(
          select id from platform.outbox
          where state = 'held' and user_id in (${confirmed}) and job ->> 'kind' = any(${kinds})
          order by id limit 500 for update skip locked))
        returning job ->> 'kind' kind, job -> 'data' data`.execute(tx)
      for (const [kind, of] of Map.groupBy(rows, (row) => row.kind))
        await jobs.enqueue(
          tx,
          kind,
          of.map((row) => row.data),
        )
      return rows.length
    })
  } while (released === 500)
}

/** What stands for {secret} in a letter or an SMS, derived by its owner at the moment of sending. */
export function revealSecret(platform: Platform, { kind, id }: SecretRef): Promise<string> {
  const owner = platform.secrets[kind]
  if (!owner) throw new Error(`nobody derives secrets of kind ${kind}`)
  return owner.reveal(platform, id)
}

async function deliver(platform: Platform, letter: Written): Promise<void> {
  const { db, mail } = platform
  const { key, to, subject, attachments, job } = letter
  // A letter that is not begun by now is another run's.
  job.signal.throwIfAborted()
  try {
    const secret = letter.secret && (await revealSecret(platform, letter.secret))
    const reveal = (text: string) => (secret === undefined ? text : text.replaceAll('{secret}', secret))
    await mail.deliver(
      { key, to, subject, text: reveal(letter.text), html: reveal(letter.html), attachments },
      job.signal,
    )
  } catch (error) {
    await sql`update platform.outbox set error = ${(error as Error).message} where key = ${key}`.execute(db)
    throw error
  }
  await sql`update platform.outbox set state = 'sent', error = null, sent_at = now() where key = ${key}`.execute(db)
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replaceAll('\n', '<br>')

function htmlTable({ head, rows }: NonNullable<Letter['table']>): string {
  const cells = (tag: string, row: string[]) =>
    row
      .map((cell, i) => {
        const style = `padding:4px 8px;border-bottom:1px solid #e3e0d8;text-align:${i ? 'right' : 'left'}`
        return `<${tag} style="${style}">${escapeHtml(cell)}</${tag}>`
      })
      .join('')
  const lines = [cells('th', head), ...rows.map((row) => cells('td', row))].map((line) => `<tr>${line}</tr>`)
  return `<table style="border-collapse:collapse;font-size:14px;width:100%">${lines.join('\n')}</table>`
}

/** A letter as plain text and as HTML that every mail program shows. */
function compose({ subject, paragraphs, table, button }: Letter, sender: string, locale: Locale, translate: Translate) {
  const footer = translate(locale, 'mail.footer', { sender })
  const lines = table?.rows.map((row) => row.map((cell, i) => (i ? `${table.head[i]}: ${cell}` : cell)).join(', '))
  const text = [
    ...paragraphs,
    ...(lines ? [lines.join('\n')] : []),
    ...(button ? [`${button.label}: ${button.url}`] : []),
    `— \n${footer}`,
  ].join('\n\n')
  const html = `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(subject)}</title></head>
<body style="margin:0;background:#f8f6f1;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#1d2620">
<div style="max-width:560px;margin:0 auto;padding:24px"><div style="background:#fff;border-radius:12px;padding:32px">
<p style="margin:0 0 16px;color:#5b655d;font-size:14px">${escapeHtml(sender)}</p>
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">${escapeHtml(subject)}</h1>
${paragraphs.map((p) => `<p style="margin:0 0 16px">${escapeHtml(p)}</p>`).join('\n')}
${table ? htmlTable(table) : ''}
${button ? `<p style="margin:24px 0 0"><a href="${escapeHtml(button.url)}" style="display:inline-block;background:#235f3b;color:#fff;text-decoration:none;padding:12px 20px;border-radius:8px">${escapeHtml(button.label)}</a></p>` : ''}
</div><p style="margin:16px 0 0;color:#5b655d;font-size:13px">${escapeHtml(footer)}</p></div></body></html>`
  return { text, html }
}
