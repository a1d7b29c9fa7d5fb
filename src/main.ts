import { createInterface } from 'node:readline/promises'
import { defineCommand, runCommand, runMain } from 'citty'
import { SingleBar } from 'cli-progress'
import { setAdministrator } from './accounts/index.ts'
import { enabledModules, modules } from './app.ts'
import { firstStart } from './first-start.ts'
import { Failure, loadConfig, migrateAll, openDatabase } from './installation.ts'
import { type Config, SettingsError } from './platform/config.ts'
import { createApp } from './platform/http.ts'
import { retryJob, retryJobs } from './platform/jobs-routes.ts'
import { createLogger, type Logger } from './platform/log.ts'
import { startLoops } from './platform/loops.ts'
import { createPlatform } from './platform/platform.ts'

/** Closes once when asked to stop; after 10 s whatever is left is cut off. */
function stopOnSignal(log: Logger, close: () => Promise<unknown>): { stopped: Promise<void>; stopping(): boolean } {
  let stopping = false
  const stopped = new Promise<void>((done) => {
    const stop = async (why: string) => {
      if (stopping) return
      stopping = true
      log.info({ why }, 'stopping')
      setTimeout(() => {
        log.error('could not stop within 10 seconds; what is left is cut off')
        process.exit(1)
      }, 9500).unref()
      await close()
      done()
    }
    process.on('SIGINT', () => stop('Ctrl-C'))
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGHUP', () => stop('SIGHUP'))
    // The wrapper that started us is gone, even by kill -9.
    process.on('disconnect', () => stop('its starter is gone'))
    process.channel?.unref()
  })
  return { stopped, stopping: () => stopping }
}

async function serve(parts: { api: boolean; worker: boolean; demo?: boolean }): Promise<void> {
  const config = loadConfig()
  if (parts.demo && !['127.0.0.1', 'localhost', '::1'].includes(config.HOST)) {
    throw new Failure(
      '--demo makes accounts with well-known passwords, so it only starts on a loopback HOST such as 127.0.0.1.',
    )
  }
  const log = createLogger(config)
  const database = await openDatabase(config, log)
  const closing: (() => Promise<unknown>)[] = [() => database.close()]
  const { stopped, stopping } = stopOnSignal(log, async () => {
    for (const close of closing.reverse())
      await close().catch((error) => log.warn({ err: error }, 'a part did not close cleanly'))
  })
  try {
    await migrateAll(database.url)
    const enabled = enabledModules(config)
    const platform = await createPlatform(config, database.url, enabled, { worker: parts.worker, log })
    closing.push(() => platform.close())
    if (parts.api) await firstStart(platform, parts.demo ?? false, say)
    if (parts.worker) {
      await platform.jobs.work(platform)
      closing.push(startLoops(platform, [...enabled.flatMap((m) => m.loops ?? []), ...platform.jobs.loops]))
    }
    if (parts.api) {
      const app = await createApp(platform, enabled)
      await app.listen({ host: config.HOST, port: config.PORT }).catch((error) => {
        throw error.code === 'EADDRINUSE'
          ? new Failure(
              `Port ${config.PORT} of ${config.HOST} is taken. Stop what listens there, or set PORT to another one.`,
            )
          : error
      })
      closing.push(() => app.close())
      log.info(`Dvor is ready: ${config.PUBLIC_URL}  (API reference: ${config.PUBLIC_URL}/docs)`)
    } else log.info('the worker is ready')
  } catch (error) {
    // Asked to stop in the middle of the start: what fails then is no fault.
    if (stopping()) return stopped
    for (const close of closing.reverse()) await close().catch(() => {})
    throw error
  }
  await stopped
}

/** Runs a command over the migrated database of this installation, joining a server that runs already. */
async function withPlatform(
  work: (platform: Awaited<ReturnType<typeof createPlatform>>, config: Config) => Promise<void>,
): Promise<void> {
  const config = loadConfig()
  const log = createLogger({ ...config, LOG_LEVEL: 'warn' })
  const database = await openDatabase(config, log)
  try {
    await migrateAll(database.url)
    const platform = await createPlatform(config, database.url, enabledModules(config), { worker: false, log })
    try {
      await work(platform, config)
    } finally {
      await platform.close()
    }
  } finally {
    await database.close()
  }
}

const say = (text: string) => process.stdout.write(`${text}\n`)

async function seed(args: Record<string, unknown>): Promise<void> {
  await withPlatform(async (platform, config) => {
    const { seedModules } = await import('./seed.ts')
    const bars = new Map<string, SingleBar>()
    const progress = (step: string, done: number, total: number) => {
      let bar = bars.get(step)
      if (!bar) {
        bar = new SingleBar({
          format: `${step.padEnd(10)} {bar} {percentage}% | {value}/{total} | {duration_formatted}`,
          noTTYOutput: true,
          notTTYSchedule: 5000,
        })
        bar.start(total, 0)
        bars.set(step, bar)
      }
      bar.update(done)
      if (done >= total) bar.stop()
    }
    const started = performance.now()
    try {
      await seedModules(platform, enabledModules(config), args, progress)
    } finally {
      for (const bar of bars.values()) bar.stop()
    }
    say(`Seeded in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
  })
}

async function audit(): Promise<void> {
  await withPlatform(async (platform) => {
    const { auditModules } = await import('./audit.ts')
    const rows = await auditModules(platform, modules)
    for (const { module, name, broken, examples } of rows) {
      say(
        `${broken ? 'BROKEN' : 'ok    '}  ${module.padEnd(9)} ${name}${broken ? ` — ${broken} row(s), for example ${JSON.stringify(examples)}` : ''}`,
      )
    }
    const broken = rows.filter((r) => r.broken).length
    say(`${rows.length} invariants, ${broken} broken`)
    if (broken) process.exitCode = 1
  })
}

async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    const input = createInterface({ input: process.stdin })
    for await (const line of input) return line
    throw new Failure('The password is read from standard input, which is empty.')
  }
  const input = createInterface({ input: process.stdin, output: process.stderr })
  const password = await input.question('Password (at least 8 characters): ')
  input.close()
  return password
}

async function adminPassword(mode: 'create' | 'password', username: string, email?: string): Promise<void> {
  const password = await askPassword()
  await withPlatform(async (platform) => {
    const problem = await setAdministrator(platform, mode, { username, email, password })
    if (problem) throw new Failure(problem)
    say(
      mode === 'create'
        ? `${username} is an administrator now.`
        : `The password of ${username} is changed; all their logins ended.`,
    )
  })
}

const serveArgs = { demo: { type: 'boolean', description: 'fill an empty database with a living example' } } as const
const seedArgs = {
  ...Object.fromEntries(
    modules
      .flatMap((m) => Object.entries(m.seed?.options ?? {}))
      .map(([name, o]) => [name, { type: 'string' as const, default: String(o.default), description: o.meaning }]),
  ),
  locale: { type: 'string', default: 'ru', description: 'ru or en' },
  seed: { type: 'string', default: '42', description: 'the same seed gives the same data' },
} as const
const seedCommand = defineCommand({
  meta: { description: 'Fill the database with example data' },
  args: seedArgs,
  run: ({ args }) => seed(args),
})

const main = defineCommand({
  meta: { name: 'dvor', description: 'One self-hosted backend and web app for residential communities' },
  subCommands: {
    start: defineCommand({
      meta: { description: 'API, worker and web app in one process' },
      args: serveArgs,
      run: ({ args }) => serve({ api: true, worker: true, demo: args.demo }),
    }),
    api: defineCommand({ meta: { description: 'HTTP only' }, run: () => serve({ api: true, worker: false }) }),
    worker: defineCommand({ meta: { description: 'Jobs only' }, run: () => serve({ api: false, worker: true }) }),
    migrate: defineCommand({
      meta: { description: 'Bring the database up to date' },
      async run() {
        const config = loadConfig()
        const database = await openDatabase(config, createLogger({ ...config, LOG_LEVEL: 'warn' }))
        try {
          const done = await migrateAll(database.url)
          say(done.length ? `Ran ${done.join(', ')}.` : 'The database is up to date.')
        } finally {
          await database.close()
        }
      },
    }),
    seed: seedCommand,
    'populate-mock-data': seedCommand,
    'generate-test-data': seedCommand,
    audit: defineCommand({ meta: { description: 'Check every invariant' }, run: audit }),
    admin: defineCommand({
      meta: { description: 'Administrators' },
      subCommands: {
        create: defineCommand({
          meta: { description: 'Make an administrator; asks for the password' },
          args: {
            username: { type: 'string', required: true, description: 'name' },
            email: { type: 'string', required: true, description: 'address' },
          },
          run: ({ args }) => adminPassword('create', args.username, args.email),
        }),
        password: defineCommand({
          meta: { description: 'Set a password; asks for it' },
          args: { username: { type: 'string', required: true, description: 'name' } },
          run: ({ args }) => adminPassword('password', args.username),
        }),
      },
    }),
    jobs: defineCommand({
      meta: { description: 'Jobs that failed for good' },
      subCommands: {
        list: defineCommand({
          meta: { description: 'Show them' },
          run: () =>
            withPlatform(async ({ jobs }) => {
              const { jobs: failed, count } = await jobs.failed({ limit: 100, offset: 0, direction: 'desc' })
              for (const job of failed) say(`${job.id}  ${job.queue}  ${JSON.stringify(job.data)}  ${job.error ?? ''}`)
              say(`${count} failed job(s)`)
            }),
        }),
        retry: defineCommand({
          meta: { description: 'Send one again, or all of a queue' },
          args: {
            id: { type: 'positional', required: false, description: 'the id that list shows' },
            queue: { type: 'string', description: 'a queue, as shop.document' },
          },
          run: ({ args }) =>
            withPlatform(async (platform) => {
              if (!args.id === !args.queue) throw new Failure('Name the id of a failed job, or --queue and its name.')
              if (args.queue) say(`${await retryJobs(platform, undefined, args.queue)} job(s) sent again.`)
              else if (await retryJob(platform, undefined, args.id!)) say('Sent again.')
              else throw new Failure('There is no failed job with this id.')
            }),
        }),
      },
    }),
    doctor: defineCommand({
      meta: { description: 'Check settings, database, cache, mail and files' },
      async run() {
        const { examine } = await import('./doctor.ts')
        const sound = await examine(loadConfig(), openDatabase, say)
        if (!sound) process.exitCode = 1
      },
    }),
    openapi: defineCommand({
      meta: { description: 'Print the OpenAPI document' },
      async run() {
        const { describeApi } = await import('./platform/describe.ts')
        say(JSON.stringify(await describeApi(modules), null, 2))
      },
    }),
  },
})

process.on('unhandledRejection', (error) => {
  // Nobody waited for it, so nobody was answered wrongly; it is a bug all the same.
  createLogger({ LOG_LEVEL: 'error', LOG_FORMAT: 'json' }).error({ err: error }, 'an error that nobody waited for')
})

/** Faults that a person can mend are told in words and end with 1; anything else shows its stack. */
const known = (error: unknown) =>
  error instanceof Failure ||
  error instanceof SettingsError ||
  ['StartError', 'CLIError'].includes((error as Error)?.name)
const rawArgs = process.argv.slice(2)
if (!rawArgs.length || rawArgs.some((a) => a === '--help' || a === '-h'))
  await runMain(main, { rawArgs: [...rawArgs, '--help'] })
try {
  await runCommand(main, { rawArgs })
} catch (error) {
  process.stderr.write(`${known(error) ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = 1
}
