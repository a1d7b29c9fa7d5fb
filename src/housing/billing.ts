import { bareTransaction, type Client, repeated, run } from '../platform/database.ts'
import { isBusy, isDatabaseAway } from '../platform/errors.ts'
import { formatsOf } from '../platform/formats.ts'
import type { Loop } from '../platform/loops.ts'
import type { Platform } from '../platform/module.ts'
import { notify } from '../platform/notices.ts'
import { chunkOf, chunkSettings } from './charges.ts'
import { readTerms, type Terms } from './terms.ts'

/** Flats of one transaction of a run: more is hardly faster, and a cancel waits for one chunk. */
const chunkSize = 2000
/** How often a step of a run is tried before the run counts as failed. */
const tries = 3

export const billingLoop: Loop<Platform> = { name: 'housing.billing', everySeconds: 15, run: billWaiting }

/** Who watches a run listens to this. */
export const runTopic = (id: number) => `billing-run ${id}`
/** Who watches the runs of a month over all houses listens to this. */
export const monthTopic = (month: string) => `billing-month ${month.slice(0, 7)}`

type Waiting = { id: number; house_id: number; month: string; status: string }

/**
 * Computes the runs that wait, oldest first, until none does. A process that dies leaves its run to the next one; a run
 * whose rows somebody holds lets the others pass, and is taken up again at the loop's next turn.
 */
async function billWaiting(platform: Platform, signal: AbortSignal): Promise<void> {
  const held: number[] = []
  while (!signal.aborted) {
    const [next] = await run<Waiting>(
      platform.pool,
      `select id, house_id, month, status from housing.billing_runs
       where status in ('queued', 'running') and id <> all($1) order by id limit 1`,
      [held],
    )
    if (!next) return
    try {
      await bill(platform, next, signal)
    } catch (error) {
      if (!isBusy(error)) throw error
      platform.log.warn({ err: error, run_id: next.id }, 'a billing run waits for rows that somebody holds')
      held.push(next.id)
    }
  }
}

/** Takes one run as far as it goes: to its end, to a refusal, or until the process stops. */
async function bill(platform: Platform, waiting: Waiting, signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      if ((await takeStep(platform, waiting)) === 'over') return
      waiting.status = 'running'
      failures = 0
    } catch (error) {
      // A database that is away or rows that are held say nothing about the run; a statement that takes too long does.
      const isHeld = isBusy(error) && (error as { code?: string }).code !== '57014'
      if (isHeld || isDatabaseAway(error) || isDatabaseAway((error as Error).cause)) throw error
      platform.log.warn({ err: error, run_id: waiting.id, failures: ++failures }, 'a step of a billing run failed')
      if (failures === tries) return fail(platform, waiting, error as Error)
      await new Promise((done) => setTimeout(done, 200 * failures))
    }
  }
}

type Step = 'on' | 'over'

/**
 * One transaction of a run: its freezing, the next chunk of its flats, or its end. Whoever holds the run's row is alone
 * with it, so that two processes on one run share its flats.
 */
async function takeStep(platform: Platform, waiting: Waiting): Promise<Step> {
  const { id, house_id, month } = waiting
  return repeated(() =>
    bareTransaction(platform.pool, `begin; ${chunkSettings}`, async (client) => {
      // No flat may go while the flats are written down.
      if (waiting.status === 'queued')
        await run(client, 'select from housing.houses where id = $1 for no key update', [house_id])
      const [now] = await run<{ status: string; terms: Terms | null }>(
        client,
        'select status, terms from housing.billing_runs where id = $1 for no key update',
        [id],
      )
      if (now?.status === 'queued') return freeze(client, waiting)
      if (now?.status !== 'running') return 'over'
      const terms = now.terms!
      const [chunk] = await run<{ billed: number; skipped: number; incomplete: number; amount: string }>(
        client,
        ...chunkOf(id, month, terms),
      )
      if (!chunk!.billed) return complete(platform, client, waiting, terms)
      await run(
        client,
        `update housing.billing_runs set processed = processed + $2, skipped = skipped + $3, incomplete = incomplete + $4,
           amount = amount + $5 where id = $1`,
        [id, chunk!.billed, chunk!.skipped, chunk!.incomplete, chunk!.amount],
      )
      await tell(client, id, month)
      return 'on'
    }),
  )
}

/** Writes down what the run counts by and over which flats, before the first of them is counted. */
async function freeze(client: Client, { id, house_id, month }: Waiting): Promise<Step> {
  const terms = await readTerms((text, values) => run(client, text, values), house_id, month)
  await run(
    client,
    `with flats as (
       select id, area, (row_number() over (order by id) - 1) / $5 number from housing.apartments
       where house_id = $2 and (ended_on is null or ended_on >= $3::date)),
     chunks as (
       insert into housing.run_chunks (run_id, number, apartments, areas)
       select $1, number, array_agg(id order by id), array_agg(area order by id) from flats group by number)
     update housing.billing_runs set status = 'running', terms = $4, started_at = now(), total = (select count(*) from flats)
     where id = $1`,
    [id, house_id, month, JSON.stringify(terms), chunkSize],
  )
  await tell(client, id, month)
  return 'on'
}

// Charges of a bill, without the lines that are recalculations themselves.
const chargesOf = (bill: string) =>
  `coalesce((select sum(amount) from housing.bill_lines where bill_id = ${bill} and service <> 'recalculation'), 0)`

// What a revision of a published month adds to what was charged for it: the bill, and the revisions before this one.
const recalculateSql = `
  insert into housing.recalculations (apartment_id, amount, reason, month, run_id)
  select apartment_id, difference, $4, $3::date, $1
  from (
    select a.apartment_id, ${chargesOf('a.bill_id')} - ${chargesOf('p.bill_id')} - coalesce((
        select sum(r.amount) from housing.recalculations r
        where r.apartment_id = a.apartment_id and r.month = $3::date and r.run_id is not null), 0) difference
    from housing.run_bills a
    left join housing.run_bills p on p.run_id = $2 and p.apartment_id = a.apartment_id
    where a.run_id = $1) d
  where difference <> 0 order by apartment_id`

/** Closes a run of which no chunk is open: its bills become the current ones, all at once. */
async function complete(
  platform: Platform,
  client: Client,
  { id, house_id, month }: Waiting,
  terms: Terms,
): Promise<Step> {
  if (terms.published) {
    const { LOCALE } = platform.config
    const reason = platform.translate(LOCALE, 'housing.revision_reason', {
      month: formatsOf(platform, LOCALE).month(month),
    })
    await run(client, recalculateSql, [id, terms.published, month, reason])
  }
  await run(
    client,
    'update housing.billing_runs set current = false where house_id = $1 and month = $2 and current and id <> $3',
    [house_id, month, id],
  )
  await run(
    client,
    `update housing.billing_runs set status = 'completed', current = true, finished_at = now() where id = $1`,
    [id],
  )
  await tell(client, id, month)
  return 'over'
}

/** Ends a run that cannot be computed, with the reason for people to read. */
async function fail({ pool, log }: Platform, { id, month }: Waiting, error: Error): Promise<void> {
  log.error({ err: error, run_id: id }, 'a billing run failed')
  await bareTransaction(pool, 'begin', async (client) => {
    await run(
      client,
      `update housing.billing_runs set status = 'failed', error = $2, finished_at = now()
       where id = $1 and status in ('queued', 'running')`,
      [id, error.message.slice(0, 500)],
    )
    await tell(client, id, month)
  })
}

/** Wakes whoever watches a run, when this transaction commits. */
export async function tell(client: Parameters<typeof notify>[0], id: number, month: string): Promise<void> {
  await notify(client, runTopic(id))
  await notify(client, monthTopic(month))
}
