import { createInterface } from 'node:readline/promises'
import { defineCommand, runCommand, runMain } from 'citty'
import { SingleBar } from 'cli-progress'
import { setAdministrator } from './accounts/index.ts'
import { enabledModules, modules } from './app.ts'
import { retryJob, retryJobs } from './installation/jobs-routes.ts'
import { Failure, loadConfig, migrateAll, openDatabase } from './open.ts'
import { type Config, SettingsError } from './platform/config.ts'
import { createLogger } from './platform/log.ts'
import { MigrationError } from './platform/migrate.ts'
import { createPlatform } from './platform/platform.ts'
import { type Parts, serve } from './serve.ts'

/** Runs a command over the migrated database of this installation, joining a server that runs already. */
async function withPlatform(
  work: (platform: Awaited<ReturnType<typeof createPlatform>>, config: Config) => Promise<void>,
): Promise<void> {
  const config = loadConfig()
  const log = createLogger({ ...config, LOG_LEVEL: 'warn' })
  const database = await openDatabase(config, log)
  try {
    await migrateAll(database.url, config)
    const platform = await createPlatform(config, database.url, enabledModules(config), {
      worker: false,
      patient: true,
      log,
    })
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

/** Serves until it is asked to stop; what could not be closed in time ends with the process. */
async function run(parts: Parts): Promise<void> {
  await serve(parts, say)
  process.exit()
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
      run: ({ args }) => run({ api: true, worker: true, demo: args.demo }),
    }),
    api: defineCommand({ meta: { description: 'HTTP only' }, run: () => run({ api: true, worker: false }) }),
    worker: defineCommand({ meta: { description: 'Jobs only' }, run: () => run({ api: false, worker: true }) }),
    migrate: defineCommand({
      meta: { description: 'Bring the database up to date' },
      async run() {
        const config = loadConfig()
        const database = await openDatabase(config, createLogger({ ...config, LOG_LEVEL: 'warn' }))
        try {
          const { ran, newer } = await migrateAll(database.url, config)
          if (ran.length) say(`Ran ${ran.join(', ')}.`)
          else if (newer.length) say(`The database is newer, beside which this version can run: ${newer.join(', ')}.`)
          else say('The database is up to date.')
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
        const { describeApi } = await import('./http/describe.ts')
        say(JSON.stringify(await describeApi(modules), null, 2))
      },
    }),
  },
})

/** An end that nobody foresaw, by which `npm start` knows that the server is worth another start. */
const crashed = 70
process.on('unhandledRejection', (error) => {
  // Nobody waited for it, so nobody was answered wrongly; it is a bug all the same.
  createLogger({ LOG_LEVEL: 'error', LOG_FORMAT: 'json' }).error({ err: error }, 'an error that nobody waited for')
})
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error?.stack ?? error}\n`)
  process.exit(crashed)
})

/** Faults that a person can mend are told in words and end with 1; anything else shows its stack. */
const known = (error: unknown) =>
  error instanceof Failure ||
  error instanceof SettingsError ||
  error instanceof MigrationError ||
  ['StartError', 'CLIError'].includes((error as Error)?.name)
const rawArgs = process.argv.slice(2)
if (!rawArgs.length || rawArgs.some((a) => a === '--help' || a === '-h'))
  await runMain(main, { rawArgs: [...rawArgs, '--help'] })
try {
  await runCommand(main, { rawArgs })
} catch (error) {
  process.stderr.write(`${known(error) ? (error as Error).message : (error as Error).stack}\n`)
  process.exit(known(error) ? 1 : crashed)
}
