import { fromKysely, PgBoss } from 'pg-boss'
import type { Client, Tx } from './database.ts'
import type { Logger } from './log.ts'
import type { Loop } from './loops.ts'
import { jobsDone } from './metrics.ts'

/** A job as its handler sees it; `attempt` counts from 1. Its signal aborts at `expireInSeconds` and when the process stops. */
export type Job<T> = { id: string; kind: string; data: T; attempt: number; signal: AbortSignal }

/**
 * What a kind of job does. Every handler may run twice for one job: the truth stands in the module's tables.
 * Answers each job of the batch in its place: nothing when it is done, an Error when it must be tried again.
 */
export type JobKind<P, T = never> = {
  handle(platform: P, jobs: Job<T>[]): Promise<(Error | undefined)[]>
  /**
   * At most one job with this key waits, rests or runs; another adds nothing. One that runs may have read already, so
   * this is for kinds whose forgotten work a loop finds.
   */
  key?(data: T): string
  /** Called at least once when a job has failed for good, also when its last try was killed. May run twice. */
  spent?(platform: P, data: T, error: string | null): Promise<void>
  batchSize?: number
  retryLimit?: number
  /** Seconds before the second try; the pause doubles from there up to `retryDelayMax`. */
  retryDelay?: number
  retryDelayMax?: number
  expireInSeconds?: number
  /** Runs it at these times (five fields), in the installation's time zone. */
  cron?: string
}

export type Queue = { name: string; waiting: number; active: number; failed: number }
export type FailedJob = { id: string; queue: string; data: unknown; error: string | null; failed_at: string }

/** Jobs that failed for good stand here, with their origin, until they are sent again. */
const deadQueue = 'dead'
const errorOf = `coalesce(source_output ->> 'message', source_output #>> '{value,message}')`

/** Live and dead jobs by kind, over partial indexes: how many are finished costs nothing. */
export const countJobs = `
  select coalesce(w.name, a.name, d.name) name, coalesce(w.n, 0)::int waiting, coalesce(a.n, 0)::int active, coalesce(d.n, 0)::int failed
  from (select name, count(*) n from pgboss.job where name = any($1) and state < 'active' and not blocked group by name) w
  full join (select name, count(*) n from pgboss.job where name = any($1) and state = 'active' group by name) a using (name)
  full join (select source_name as name, count(*) n from pgboss.job
    where name = '${deadQueue}' and state < 'active' and not blocked and source_name = any($1) group by 1) d using (name)`

export type Jobs<P> = {
  /** Adds jobs in the caller's transaction: they exist if and only if it commits. */
  enqueue(tx: Tx | Client, kind: string, data: object[]): Promise<void>
  /** Handles jobs in this process from now on. */
  work(platform: P): Promise<void>
  /** Call `spent` for the jobs that failed for good, kind by kind. */
  loops: Loop<P>[]
  queues(): Promise<Queue[]>
  failed(page: {
    limit: number
    offset: number
    direction: 'asc' | 'desc'
  }): Promise<{ jobs: FailedJob[]; count: number }>
  /** Sends failed jobs again, at most 1000 in a call, in the caller's transaction. Returns how many. */
  retry(tx: Tx, which: { ids: string[] } | { sourceName: string; createdBefore: Date }): Promise<number>
  /**
   * Takes no more jobs and waits for those under way, at most `withinMs`; their signals abort after `abortAfterMs`, by
   * default half of it. What is not done then is tried again elsewhere.
   */
  drain(withinMs: number, abortAfterMs?: number): Promise<void>
  close(): Promise<void>
}

const fail = (what: string): never => {
  throw new Error(what)
}

/** Opens the queues in PostgreSQL. `migrate` makes their tables; `worker` lets this process watch over them. */
export async function openJobs<P>(options: {
  url: string
  kinds: Record<string, JobKind<P>>
  log: Logger
  timeZone: string
  concurrency: number
  worker: boolean
}): Promise<Jobs<P>> {
  const { kinds, log } = options
  const boss = new PgBoss({
    connectionString: options.url,
    schema: 'pgboss',
    max: options.worker ? 4 : 2,
    application_name: 'dvor jobs',
    useListenNotify: options.worker,
    supervise: options.worker,
    schedule: options.worker,
    migrate: false,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
    // A connection that was lost in silence fails whoever waits for it.
    ...{ query_timeout: 10_000 },
  })
  boss.on('error', (error) => log.warn({ err: error }, 'the job queue had a fault; it goes on by itself'))
  boss.on('warning', ({ message }) => log.debug({ warning: message }, 'the job queue warns'))
  await boss.start().catch(async (error) => {
    await boss.stop({ graceful: false })
    throw error
  })

  const stopping = new AbortController()
  const executor = (tx: Tx | Client) =>
    'executeQuery' in tx
      ? fromKysely(tx)
      : { executeSql: (text: string, values?: unknown[]) => tx.query(text, values as unknown[]) }

  async function work(platform: P) {
    for (const [name, kind] of Object.entries(kinds)) {
      const log = options.log.child({ job: name })
      await boss.work<never, unknown>(
        name,
        {
          batchSize: kind.batchSize ?? 1,
          localConcurrency: Math.min(options.concurrency, kind.batchSize ? 2 : options.concurrency),
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 1,
          notifyPollingIntervalSeconds: 2,
          perJobResults: true,
          includeMetadata: true,
        } as const,
        async (claimed) => {
          const jobs = claimed.map((j) => ({
            id: j.id,
            kind: name,
            data: j.data,
            attempt: j.retryCount + 1,
            signal: AbortSignal.any([j.signal, stopping.signal]),
          }))
          const outcomes = await kind.handle(platform, jobs).catch((error: Error) => jobs.map(() => error))
          return jobs.map((job, i) => {
            const error = outcomes[i]
            jobsDone.inc({ queue: name, outcome: error ? 'failed' : 'completed' })
            if (error) log.warn({ job_id: job.id, data: job.data, attempt: job.attempt, err: error }, 'a job failed')
            else log.info({ job_id: job.id, data: job.data, attempt: job.attempt }, 'a job is done')
            return error
              ? { id: job.id, status: 'failed' as const, output: { message: error.message } }
              : { id: job.id, status: 'completed' as const }
          })
        },
      )
      if (kind.cron) await boss.schedule(name, kind.cron, null, { tz: options.timeZone, missed: 'once' })
    }
  }

  const sql = async (text: string, values: unknown[] = []) => (await boss.getDb().executeSql(text, values)).rows

  /** Tells each dead job's kind, one after the other; pg-boss leaves the output of a dead job empty, so it marks who was told. */
  async function spend(platform: P, name: string, spent: NonNullable<JobKind<P>['spent']>, signal: AbortSignal) {
    const dead = await sql(
      `select id, data, ${errorOf} error from pgboss.job
       where name = $1 and state = 'created' and source_name = $2 and output is null order by created_on limit 100`,
      [deadQueue, name],
    )
    const faults: unknown[] = []
    for (const { id, data, error } of dead) {
      if (signal.aborted) break
      try {
        await spent(platform, data as never, error)
        await sql(`update pgboss.job set output = '{"spent": true}' where name = $1 and id = $2`, [deadQueue, id])
      } catch (fault) {
        faults.push(fault)
      }
    }
    if (faults.length) throw new AggregateError(faults, `${name} could not take note of ${faults.length} failed job(s)`)
  }

  return {
    work,
    async enqueue(tx, kind, data) {
      const { key } = kinds[kind] ?? fail(`there is no job ${kind}`)
      if (!data.length) return
      const jobs = key
        ? data
            .map((d) => ({ data: d, singletonKey: key(d as never) }))
            // Two transactions with the same keys meet them in one order.
            .sort((a, b) => (a.singletonKey < b.singletonKey ? -1 : 1))
        : data.map((d) => ({ data: d }))
      await boss.insert(kind, jobs, { db: executor(tx) })
    },
    loops: Object.entries(kinds).flatMap(([name, { spent }]) =>
      spent
        ? [{ name: `spent ${name}`, everySeconds: 5, run: (platform, signal) => spend(platform, name, spent, signal) }]
        : [],
    ),
    async queues() {
      const rows = await sql(countJobs, [Object.keys(kinds)])
      return Object.keys(kinds).map(
        (name) => rows.find((r) => r.name === name) ?? { name, waiting: 0, active: 0, failed: 0 },
      )
    },
    async failed({ limit, offset, direction }) {
      const jobs = await sql(
        `select id, coalesce(source_name, name) queue, data, ${errorOf} error, created_on failed_at
         from pgboss.job where name = $1 and state = 'created' order by created_on ${direction}, id limit $2 offset $3`,
        [deadQueue, limit, offset],
      )
      const [total] = await sql(`select count(*)::int n from pgboss.job where name = $1 and state = 'created'`, [
        deadQueue,
      ])
      return { jobs, count: total.n }
    },
    retry: (tx, which) => boss.redrive(deadQueue, { ...which, db: fromKysely(tx) }),
    async drain(withinMs, abortAfterMs = withinMs / 2) {
      const told = setTimeout(() => stopping.abort(), abortAfterMs)
      await boss.stop({ graceful: true, timeout: withinMs, close: false })
      clearTimeout(told)
    },
    close: () => boss.stop({ graceful: false }),
  }
}

/** Makes the tables and queues of the jobs, or brings them up to date; called by the migration step alone. */
export async function migrateJobs(
  url: string,
  kinds: Record<string, JobKind<never>>,
  { finishedDays = 1, failedDays = 365 } = {},
): Promise<void> {
  const boss = new PgBoss({ connectionString: url, schema: 'pgboss', max: 1, supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
  try {
    await boss.createQueue(deadQueue)
    await boss.updateQueue(deadQueue, { retentionSeconds: failedDays * 86_400 })
    const known = new Set((await boss.getQueues()).map((q) => q.name))
    for (const [name, kind] of Object.entries(kinds)) {
      const settings = {
        notify: true,
        retryLimit: kind.retryLimit ?? 20,
        retryDelay: kind.retryDelay ?? 1,
        retryBackoff: true,
        retryDelayMax: kind.retryDelayMax ?? 300,
        heartbeatSeconds: 10,
        expireInSeconds: kind.expireInSeconds ?? 60,
        deleteAfterSeconds: finishedDays * 86_400,
        deadLetter: deadQueue,
      }
      // createQueue leaves the settings of a queue that is there alone.
      const policy = kind.key ? 'exclusive' : 'standard'
      if (known.has(name)) await boss.updateQueue(name, settings)
      else await boss.createQueue(name, { ...settings, policy })
      // A kind that was given a key later: updateQueue leaves the policy, which each job takes over when it is made.
      await boss
        .getDb()
        .executeSql('update pgboss.queue set policy = $2 where name = $1 and policy <> $2', [name, policy])
    }
    await boss
      .getDb()
      .executeSql(`create index if not exists job_active on pgboss.job_common (name) where state = 'active'`)
  } finally {
    await boss.stop({ graceful: false })
  }
}
