import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { AppError, notFound } from '../platform/errors.ts'
import type { Locale } from '../platform/i18n.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Platform } from '../platform/module.ts'
import { knownPlaceholders } from './filters.ts'
import { callGateway, gatewayOf, type Outcome } from './gateway.ts'
import { phoneOf } from './phones.ts'
import { reasonOf, wordReason } from './reasons.ts'
import type { SentTest, TextTest } from './schemas-gateway.ts'
import { admit, leave } from './senders.ts'
import { mailingsSettings } from './settings.ts'
import { spacingMs } from './slots.ts'
import { checkText, placeholdersOf, renderText } from './text.ts'

/** For so long a test waits for one of the calls and a moment of the rate. */
const patienceMs = 10_000
const sampled = ['tag', 'name', 'sum', 'apartment']

/**
 * Sends one message of a mailing, or of a text that is none yet, to try it, through the same gateway and within its limits,
 * and tells how it went. Its row is there before the call, so no message goes out that nobody knows of. 400 for a text that
 * no mailing could have, 409 for a number on the stop list, 503 when all calls of the gateway are taken.
 */
export async function sendTest(
  platform: Platform,
  user: User,
  locale: Locale,
  tried: number | TextTest,
  typed: string,
  once: Once | undefined,
): Promise<SentTest> {
  const phone = phoneOf(typed)
  const mailing = typeof tried === 'number' ? tried : null
  if (typeof tried !== 'number')
    checkText(tried.text, knownPlaceholders(platform, { audience: tried.audience ?? null }))
  const test = await change(platform.db, once, async (tx): Promise<SentTest> => {
    const found =
      typeof tried === 'number'
        ? await tx.selectFrom('mailings.mailings').select('text').where('id', '=', tried).executeTakeFirst()
        : tried
    if (!found) throw notFound()
    const stopped = await tx.selectFrom('mailings.stops').select('phone').where('phone', '=', phone).executeTakeFirst()
    if (stopped) throw new AppError(409, 'mailings.phone_stopped')
    const names = placeholdersOf(found.text).filter((name) => sampled.includes(name))
    const samples = names.map((name) => [name, platform.translate(locale, `mailings.samples.${name}`)])
    const text = renderText(found.text, { ...Object.fromEntries(samples), phone })
    const row = await tx
      .insertInto('mailings.tests')
      .values({ mailing_id: mailing, phone, text, created_by: user.id })
      .returning(['id', 'created_at'])
      .executeTakeFirstOrThrow()
    await recordChange(tx, user, {
      action: 'mailings.test',
      subject: 'mailings.mailings',
      subject_id: mailing,
      after: { test: row.id },
    })
    return { ...row, mailing, phone, text, status: 'processing', last_error: null }
  })
  if (once?.replayed) return test
  const outcome = await callInTurn(platform, test)
  const status = outcome?.kind === 'sent' ? 'sent' : 'error'
  const reason = outcome ? (outcome.reason ?? (status === 'sent' ? null : reasonOf('unreachable'))) : null
  await platform.db
    .updateTable('mailings.tests')
    .set({ status, last_error: reason })
    .where('id', '=', test.id)
    .execute()
  const { log, translate } = platform
  log.info(
    { mailing_id: mailing, message_id: test.id, client_id: null, outcome: outcome?.kind, reason },
    'a test was sent',
  )
  if (!outcome) throw new AppError(503, 'mailings.gateway_busy', {}, { retryAfterSeconds: 5 })
  return { ...test, status, last_error: wordReason(translate, locale, reason) }
}

/** The call as soon as the senders leave room for it; undefined when they do not in time. */
async function callInTurn(platform: Platform, test: SentTest): Promise<Outcome | undefined> {
  const { GATEWAY_CONCURRENCY, GATEWAY_RATE, GATEWAY_TIMEOUT_MS } = mailingsSettings(platform)
  const id = randomUUID()
  const until = performance.now() + patienceMs
  const stand = (calls: number) =>
    admit(platform, GATEWAY_CONCURRENCY, {
      id,
      test: true,
      under_way: calls,
      wanted_slots: calls ? 0 : 1,
      spacing_ms: spacingMs(GATEWAY_RATE),
      term_ms: patienceMs + GATEWAY_TIMEOUT_MS,
      breaker: gatewayOf(platform).state().breaker,
      latency_ms: null,
    })
  try {
    for (; performance.now() < until; await pause(50)) {
      const { permits, slots, first_slot_ms } = await stand(0)
      if (!permits || (GATEWAY_RATE && !slots)) continue
      if (GATEWAY_RATE) await pause(first_slot_ms!)
      return await callGateway(platform, test)
    }
    return undefined
  } finally {
    await leave(platform, id)
  }
}
