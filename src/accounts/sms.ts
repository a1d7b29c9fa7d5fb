import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Locale } from '../platform/i18n.ts'
import type { Job } from '../platform/jobs.ts'
import { revealSecret } from '../platform/letters.ts'
import type { Platform, SecretRef } from '../platform/module.ts'
import { type Outgoing, openOutgoing } from '../platform/outgoing.ts'
import { accountsSettings } from './settings.ts'

/** Sends codes that are still worth something. A second run of a job sends the same code under the same id. */
export async function sendSms(platform: Platform, jobs: Job<{ code_id: number }>[]): Promise<(Error | undefined)[]> {
  return Promise.all(
    jobs.map(({ data, signal }) => sendOne(platform, data.code_id, signal).catch((error: Error) => error)),
  )
}

async function sendOne(platform: Platform, id: number, signal: AbortSignal): Promise<undefined> {
  const { db, config, translate } = platform
  const key = `code-${id}`
  const code = await db
    .selectFrom('accounts.codes as c')
    .select([
      'c.phone',
      'c.locale',
      sql<boolean>`c.used_at is null and c.expires_at > now() and not exists (
        select from accounts.codes n where n.phone = c.phone and n.kind = c.kind
          and n.user_id is not distinct from c.user_id and n.id > c.id)`.as('alive'),
    ])
    .where('c.id', '=', id)
    .executeTakeFirst()
  if (!code?.alive) {
    await db
      .updateTable('platform.outbox')
      .set({ state: 'failed' })
      .where('key', '=', key)
      .where('state', '=', 'queued')
      .execute()
    return
  }
  const words = translate(code.locale as Locale, 'accounts.sms_code')
  // The last line is how phones know for which site the code is, and offer to fill it in.
  const text = `${words}\n\n@${new URL(config.PUBLIC_URL).hostname} #{secret}`
  return sendText(platform, { id, key, to: code.phone!, text, secret: { kind: 'code', id } }, signal)
}

type Text = { id: number; key: string; to: string; text: string; secret?: SecretRef }

/** Sends an SMS that was not sent yet, through the outbox; `id` is what the gateway knows a repetition by. */
export async function sendText(
  platform: Platform,
  { id, key, to, text, secret }: Text,
  signal: AbortSignal,
): Promise<undefined> {
  const { db } = platform
  const { rows } = await sql<{ state: string }>`
    insert into platform.outbox (key, kind, "to", text, secret)
    values (${key}, 'sms', ${to}, ${text}, ${secret ? JSON.stringify(secret) : null})
    on conflict (key) do update set error = null returning state`.execute(db)
  if (rows[0]!.state === 'sent') return
  try {
    const send = accountsSettings(platform).SMS_URL === 'log' ? sendToLog : sendToGateway
    const whole = secret ? text.replaceAll('{secret}', await revealSecret(platform, secret)) : text
    await send(platform, id, to, whole, signal)
    await sql`update platform.outbox set state = 'sent', sent_at = now() where key = ${key}`.execute(db)
  } catch (error) {
    await sql`update platform.outbox set error = ${(error as Error).message} where key = ${key}`.execute(db)
    throw error
  }
}

/** Instead of a gateway: the log, as slow as a real one. This line alone ever shows a code. */
async function sendToLog(platform: Platform, id: number, phone: string, text: string, signal: AbortSignal) {
  await pause(1000 + Math.random() * 1000, undefined, { signal })
  platform.log.info({ sms_id: id, to: `…${phone.slice(-4)}`, sms: text }, 'an SMS, for there is no SMS_URL')
}

const openGateway = (platform: Platform): Outgoing =>
  openOutgoing({
    name: 'sms',
    origin: new URL(accountsSettings(platform).SMS_URL).origin,
    timeoutMs: 10_000,
    maxBytes: 65_536,
    concurrency: 8,
    log: platform.log,
  })

async function sendToGateway(platform: Platform, id: number, phone: string, text: string, signal: AbortSignal) {
  const url = new URL(accountsSettings(platform).SMS_URL)
  const gateway = platform.own(openGateway, (outgoing) => outgoing.close())
  const answer = await gateway.request({
    method: 'POST',
    path: `${url.pathname.replace(/\/$/, '')}/v1/send/${id}`,
    headers: {
      'content-type': 'application/json',
      // A user and password in SMS_URL, for gateways that ask who sends.
      ...(url.username
        ? { authorization: `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}` }
        : {}),
    },
    body: JSON.stringify({ id, phone: Number(phone), text }),
    signal,
  })
  if (answer.status !== 200 || codeOf(answer.body) !== 0) throw new Error(`the SMS gateway answered ${answer.status}`)
}

function codeOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()).code
  } catch {
    return undefined
  }
}
