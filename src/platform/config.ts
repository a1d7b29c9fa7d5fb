import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { isUsername } from './access.ts'
import {
  choice,
  fault,
  http,
  integer,
  place,
  type Setting,
  type Settings,
  secret,
  text,
  type Values,
  words,
} from './settings.ts'

/** Thrown with every fault of the environment at once, one line each. */
export class SettingsError extends Error {
  readonly faults: string[]
  constructor(faults: string[]) {
    super(`The settings have ${faults.length} fault(s):\n${faults.map((f) => `  ${f}`).join('\n')}`)
    this.faults = faults
  }
}

/** The platform's own settings by the names of their environment variables; modules have theirs in their manifests. */
export const settings = {
  HOST: text('address to listen on', '127.0.0.1'),
  PORT: integer('port to listen on', 8000, 0, 65535),
  PUBLIC_URL: place('address in mails and links; http://HOST:PORT when empty', '', [], http),
  DATA_DIR: text('embedded database, e-mails, uploads, secrets', './data'),
  DATABASE_URL: place('embedded, or the address of a PostgreSQL', 'embedded', ['embedded'], ['postgres', 'postgresql']),
  CACHE_URL: place('where cached answers are kept', 'memory', ['memory', 'off'], ['redis', 'rediss', 'memcached']),
  MODULES: { default: '', meaning: 'which modules run, by comma; all when empty, and accounts always', read: words },
  ADMIN_USERNAME: {
    ...text('the first administrator of an empty database', 'admin'),
    read: (t: string) => (isUsername(t) ? t : fault('must be 3 to 150 letters, decimal digits and @ . + - _')),
  },
  ADMIN_EMAIL: text('and their address', 'admin@localhost'),
  ADMIN_PASSWORD: secret('and their password; made when empty, and told once by whoever made it'),
  JWT_SECRET: {
    ...secret('signs tokens, 32 bytes or more; made into DATA_DIR when empty'),
    read: (t: string) => (t === '' || Buffer.byteLength(t) >= 32 ? t : fault('must have 32 bytes or more')),
  },
  TRUST_PROXY: {
    default: '',
    meaning: 'addresses (CIDR) of proxies whose X-Forwarded headers count',
    read: (t: string): string[] => {
      const list = words(t)
      const wrong = list.filter((n) => !/^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(n))
      if (wrong.length) fault(`must be a list of addresses or CIDR blocks; ${wrong.join(', ')} is none`)
      return list
    },
  },
  MAIL_URL: place('where mails go', 'file', ['file', 'off'], ['smtp', 'smtps']),
  MAIL_FROM: text('the sender of mails', 'Dvor <dvor@localhost>'),
  FILES_URL: {
    ...text('uploads; DATA_DIR/files when empty'),
    read: (t: string) =>
      t === '' ? t : fault('is not supported yet: leave it out, and uploads lie in DATA_DIR/files'),
  },
  CURRENCY: {
    ...text('ISO 4217 code', 'RUB'),
    read: (t: string) => (/^[A-Z]{3}$/.test(t) ? t : fault('must be three capital letters, as RUB')),
  },
  LOCALE: choice('language of people who name none', 'ru', 'ru', 'en'),
  TIMEZONE: {
    ...text('IANA name', 'Europe/Moscow'),
    read: (t: string) => {
      try {
        return new Intl.DateTimeFormat('en', { timeZone: t }).resolvedOptions().timeZone
      } catch {
        return fault('must be an IANA time zone, as Europe/Moscow')
      }
    },
  },
  METRICS_TOKEN: secret('/metrics answers this machine, and others who bear it'),
  RETENTION_OUTBOX_DAYS: integer('how long what was sent is kept', 90, 1, 36_500),
  RETENTION_AUDIT_DAYS: integer('how long the log of changes is kept', 1095, 1, 36_500),
  RETENTION_ANSWERS_HOURS: integer('how long the answer to an Idempotency-Key is repeated', 24, 24, 8760),
  RETENTION_JOBS_DAYS: integer('how long finished jobs are kept', 1, 1, 365),
  RETENTION_FAILED_JOBS_DAYS: integer('how long jobs that failed for good are kept', 365, 1, 3650),
  RETENTION_STAMPS_DAYS: integer('how long the version of a page that nobody changes is remembered', 90, 1, 3650),
  RATE_LIMITS: choice('off lifts every count per time, for load tests', 'on', 'on', 'off'),
  LOG_LEVEL: choice('', 'info', 'trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  LOG_FORMAT: choice('pretty on a terminal, else json', process.stdout.isTTY ? 'pretty' : 'json', 'pretty', 'json'),
  WORKER_CONCURRENCY: integer(
    'jobs of one kind under way at once in a worker',
    Math.max(2, availableParallelism()),
    1,
    256,
  ),
  DRAIN_MS: {
    default: '',
    meaning: 'how long a stop says 503 at /health/ready before it closes the port; 1500 under api, else 0',
    read: (t: string) => (t === '' ? undefined : integer('', 0, 0, 5000).read(t)),
  },
  DATABASE_POOL: integer('connections of one process for its work, besides a dozen of its own', 10, 4, 200),
} satisfies Record<string, Setting<unknown>>

export type Config = Omit<Values<typeof settings>, 'MODULES'> & {
  /** The modules that run, `accounts` among them. */
  MODULES: string[]
  secrets: string[]
}

type Named = { name: string; settings?: Settings }

/** Every setting of the platform and the modules. The documentation and the containers are held against it. */
export const allSettings = (modules: Named[]): Settings =>
  Object.assign({}, settings, ...modules.map((module) => module.settings ?? {}))

/** Reads and checks the whole environment; throws one SettingsError that names every fault. */
export function readConfig(environment: Record<string, string | undefined>, modules: Named[]): Config {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const secrets: string[] = []
  for (const [name, setting] of Object.entries(allSettings(modules))) {
    const given = environment[name]
    try {
      values[name] = setting.read(given === undefined || given === '' ? setting.default : given, environment)
      if (setting.secret && given) secrets.push(given)
    } catch (error) {
      const shown = setting.secret ? '' : ` (it is “${given}”)`
      faults.push(`${name} ${(error as Error).message}${shown}`)
    }
  }
  const config = { ...values, secrets } as Config
  const names = modules.map((m) => m.name).filter((name) => name !== 'installation')
  const unknown = (config.MODULES ?? []).filter((name) => !names.includes(name))
  if (unknown.length) faults.push(`MODULES names ${unknown.join(', ')}; there are ${names.join(', ')}`)
  if (faults.length) throw new SettingsError(faults)
  config.MODULES = names.filter(
    (name) => name === 'accounts' || !config.MODULES.length || config.MODULES.includes(name),
  )
  config.DATA_DIR = resolve(config.DATA_DIR)
  config.PUBLIC_URL = (config.PUBLIC_URL || `http://${config.HOST}:${config.PORT}`).replace(/\/+$/, '')
  return config
}

/** A folder below DATA_DIR, made if it is not there. */
export function dataFolder(config: Config, ...path: string[]): string {
  const folder = join(config.DATA_DIR, ...path)
  mkdirSync(folder, { recursive: true })
  return folder
}
