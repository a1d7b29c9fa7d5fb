import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bulkhead } from 'cockatiel'
import nodemailer from 'nodemailer'
import { type Config, dataFolder } from './config.ts'

export type Attachment = { filename: string; content: Buffer; contentType: string }
/** A letter as it goes; the same key always bears the same Message-ID, so that a mailbox can drop a second. */
export type Message = {
  key: string
  to: string
  subject: string
  text: string
  html: string
  attachments?: Attachment[] | undefined
}

export type Mail = {
  /** Hands a message over. The signal ends its wait, or cuts it off: then nobody knows whether it arrived. */
  deliver(message: Message, signal: AbortSignal): Promise<unknown>
  /** Removes what is kept of these letters outside the database. */
  forget(keys: string[]): Promise<unknown>
  /** Throws unless the mail server answers. */
  verify(): Promise<unknown>
  close(): void
}

/** Above all that a slow server may take for one letter; one that drips hears no other time-out. */
const longestMs = 30_000
/** Parameters of MAIL_URL go before these. */
const limits = {
  maxConnections: 5,
  dnsTimeout: 10_000,
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
}

/** Opens what MAIL_URL names: files, or a pool of few connections to a server. */
export function openMail(config: Config, deadlineMs = longestMs): Mail {
  const domain = /@([^>\s]+)/.exec(config.MAIL_FROM)?.[1] ?? 'localhost'
  const nameOf = (key: string) => key.replace(/[^\w.-]/g, '-')
  const composed = ({ key, ...message }: Message) => ({
    ...message,
    from: config.MAIL_FROM,
    messageId: `<${nameOf(key)}@${domain}>`,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  if (!/^smtps?:/.test(config.MAIL_URL)) {
    const transporter = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
    return {
      async deliver(message) {
        const info = await transporter.sendMail(composed(message))
        const folder = dataFolder(config, 'emails')
        await mkdir(folder, { recursive: true })
        // One file a key, put in place whole: a repeated job writes the same letter over itself.
        const file = join(folder, `${nameOf(message.key)}.eml`)
        await writeFile(`${file}.part`, info.message as Buffer)
        await rename(`${file}.part`, file)
      },
      forget: (keys) =>
        Promise.all(keys.map((key) => rm(join(config.DATA_DIR, 'emails', `${nameOf(key)}.eml`), { force: true }))),
      verify: async () => {},
      close() {},
    }
  }
  const transporter = nodemailer.createTransport({ url: config.MAIL_URL, pool: true, ...limits })
  // Before the pool, so that who waits for a connection is not late by that.
  const turns = bulkhead(transporter.options.maxConnections ?? limits.maxConnections, Number.POSITIVE_INFINITY)
  return {
    deliver: (message, signal) =>
      turns.execute(
        () =>
          transporter.sendMail({
            ...composed(message),
            signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
          }),
        signal,
      ),
    forget: async () => {},
    verify: () => transporter.verify(),
    close: () => transporter.close({ force: true }),
  }
}
