import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import nodemailer, { type Transporter } from 'nodemailer'
import { type Config, dataFolder } from './config.ts'
import { type Db, transaction } from './database.ts'
import type { Locale, Translate } from './i18n.ts'

/** What stands for `{secret}` in a letter: a reference from which its owner derives it, never the secret itself. */
export type SecretRef = { kind: string; id: number }

/** A letter; `key` names the occasion, and of letters with one key only one is ever sent. */
export type Letter = {
  key: string
  to: string
  locale: Locale
  subject: string
  paragraphs: string[]
  button?: { label: string; url: string }
  userId?: number
  secret?: SecretRef
  attachments?: { filename: string; content: Buffer; contentType: string }[]
}

export type Mail = {
  /** Sends letters that were not sent yet; answers each in its place: nothing when it is sent, an Error to try again. */
  send(letters: Letter[]): Promise<(Error | undefined)[]>
  verify(): Promise<void>
  close(): void
}

type Transport = {
  send(letter: Letter, body: { text: string; html: string }): Promise<unknown>
  transporter?: Transporter
}

/** Opens the way for mails that MAIL_URL names. `revealSecret` derives what stands for `{secret}` at the last moment. */
export function openMail(options: {
  config: Config
  db: Db
  translate: Translate
  organisation: () => Promise<string>
  revealSecret: (ref: SecretRef) => Promise<string>
}): Mail {
  const { config, db, translate } = options
  const transport = openTransport(config)

  async function send(letters: Letter[]): Promise<(Error | undefined)[]> {
    if (!transport || !letters.length) return letters.map(() => undefined)
    const sender = await options.organisation()
    const bodies = letters.map((letter) => compose(letter, sender, translate))
    const states = await record(db, letters, bodies)
    const outcomes = await Promise.all(
      letters.map(async (letter, i) => {
        if (states.get(letter.key) === 'sent') return undefined
        try {
          const secret = letter.secret && (await options.revealSecret(letter.secret))
          const reveal = (text: string) => (secret === undefined ? text : text.replaceAll('{secret}', secret))
          await transport.send(letter, { text: reveal(bodies[i]!.text), html: reveal(bodies[i]!.html) })
          return undefined
        } catch (error) {
          return error as Error
        }
      }),
    )
    await sql`
      update platform.outbox o set state = case when s.error is null then 'sent' else 'queued' end, error = s.error,
        sent_at = case when s.error is null then now() end
      from unnest(${letters.map((l) => l.key)}::text[], ${outcomes.map((o) => o?.message ?? null)}::text[]) s(key, error)
      where o.key = s.key and o.state <> 'sent'`.execute(db)
    return outcomes
  }

  return {
    send,
    async verify() {
      await transport?.transporter?.verify()
    },
    close: () => transport?.transporter?.close(),
  }
}

/** Puts letters into the outbox, or finds that they are there, and returns their states by key. */
async function record(
  db: Db,
  letters: Letter[],
  bodies: { text: string; html: string }[],
): Promise<Map<string, string>> {
  const keys = letters.map((l) => l.key)
  return transaction(db, async (tx) => {
    await sql`
      insert into platform.outbox (key, kind, "to", subject, text, html, secret, user_id)
      select key, 'email', "to", subject, text, html, secret::jsonb, user_id
      from unnest(${keys}::text[], ${letters.map((l) => l.to)}::text[], ${letters.map((l) => l.subject)}::text[],
        ${bodies.map((b) => b.text)}::text[], ${bodies.map((b) => b.html)}::text[],
        ${letters.map((l) => (l.secret ? JSON.stringify(l.secret) : null))}::text[],
        ${letters.map((l) => l.userId ?? null)}::bigint[]) t(key, "to", subject, text, html, secret, user_id)
      order by key on conflict (key) do nothing`.execute(tx)
    const rows = await tx.selectFrom('platform.outbox').select(['key', 'state']).where('key', 'in', keys).execute()
    return new Map(rows.map((r) => [r.key, r.state]))
  })
}

function openTransport(config: Config): Transport | undefined {
  if (config.MAIL_URL === 'off') return undefined
  const domain = /@([^>\s]+)/.exec(config.MAIL_FROM)?.[1] ?? 'localhost'
  const message = (letter: Letter, body: { text: string; html: string }) => ({
    from: config.MAIL_FROM,
    to: letter.to,
    subject: letter.subject,
    ...body,
    // The same letter sent twice bears the same id, so that a mailbox can drop the second.
    messageId: `<${letter.key.replace(/[^\w.-]/g, '-')}@${domain}>`,
    attachments: letter.attachments,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  if (config.MAIL_URL === 'file') {
    const folder = dataFolder(config, 'emails')
    const transporter = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
    return {
      async send(letter, body) {
        const info = await transporter.sendMail(message(letter, body))
        await mkdir(folder, { recursive: true })
        // One file a key, put in place whole: a repeated job writes the same letter over itself.
        const file = join(folder, `${letter.key.replace(/[^\w.-]/g, '-')}.eml`)
        await writeFile(`${file}.part`, info.message as Buffer)
        await rename(`${file}.part`, file)
      },
    }
  }
  const transporter = nodemailer.createTransport(config.MAIL_URL, {
    pool: true,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
  } as object) as Transporter
  return { transporter, send: (letter, body) => transporter.sendMail(message(letter, body)) }
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replaceAll('\n', '<br>')

/** A letter as plain text and as HTML that every mail program shows. */
function compose({ locale, subject, paragraphs, button }: Letter, sender: string, translate: Translate) {
  const footer = translate(locale, 'mail.footer', { sender })
  const text = [...paragraphs, ...(button ? [`${button.label}: ${button.url}`] : []), `— \n${footer}`].join('\n\n')
  const html = `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(subject)}</title></head>
<body style="margin:0;background:#f8f6f1;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#1d2620">
<div style="max-width:560px;margin:0 auto;padding:24px"><div style="background:#fff;border-radius:12px;padding:32px">
<p style="margin:0 0 16px;color:#5b655d;font-size:14px">${escapeHtml(sender)}</p>
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">${escapeHtml(subject)}</h1>
${paragraphs.map((p) => `<p style="margin:0 0 16px">${escapeHtml(p)}</p>`).join('\n')}
${button ? `<p style="margin:24px 0 0"><a href="${escapeHtml(button.url)}" style="display:inline-block;background:#235f3b;color:#fff;text-decoration:none;padding:12px 20px;border-radius:8px">${escapeHtml(button.label)}</a></p>` : ''}
</div><p style="margin:16px 0 0;color:#5b655d;font-size:13px">${escapeHtml(footer)}</p></div></body></html>`
  return { text, html }
}
