import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'

export const moduleNames = ['accounts', 'collects', 'mailings', 'housing', 'shop'] as const
export type ModuleName = (typeof moduleNames)[number]

/** Thrown with every fault of the environment at once, one line each. */
export class SettingsError extends Error {
  readonly faults: string[]
  constructor(faults: string[]) {
    super(`The settings have ${faults.length} fault(s):\n${faults.map((f) => `  ${f}`).join('\n')}`)
    this.faults = faults
  }
}

type Setting<T> = { default: string; read(text: string): T; secret?: boolean; meaning: string }

const fault = (what: string): never => {
  throw new Error(what)
}
const text = (meaning: string, value = ''): Setting<string> => ({ default: value, read: (t) => t, meaning })
const secret = (meaning: string): Setting<string> => ({ ...text(meaning), secret: true })
const integer = (meaning: string, value: number, min: number, max: number): Setting<number> => ({
  default: String(value),
  meaning,
  read: (t) =>
    /^\d+$/.test(t) && Number(t) >= min && Number(t) <= max
      ? Number(t)
      : fault(`must be a whole number from ${min} to ${max}`),
})
const choice = <const T extends string>(meaning: string, value: T | '', ...allowed: T[]): Setting<T> => ({
  default: value,
  meaning,
  read: (t) => (allowed.includes(t as T) ? (t as T) : fault(`must be one of ${allowed.join(', ')}`)),
})
/** A word such as `memory`, or a URL of one of the schemes. An empty default means that nothing is configured. */
const place = (meaning: string, value: string, words: string[], schemes: string[]): Setting<string> => ({
  default: value,
  meaning,
  secret: true,
  read: (t) => {
    if (t === value || words.includes(t)) return t
    if (schemes.includes(URL.parse(t)?.protocol.slice(0, -1) ?? '')) return t
    return fault(`must be ${[...words, ...schemes.map((s) => `${s}://…`)].join(', ')}`)
  },
})
const http = ['http', 'https']

/** Every setting by the name of its environment variable. The documentation and the containers are held against it. */
export const settings = {
  HOST: text('address to listen on', '127.0.0.1'),
  PORT: integer('port to listen on', 8000, 0, 65535),
  PUBLIC_URL: place('address in mails and links; http://HOST:PORT when empty', '', [], http),
  DATA_DIR: text('embedded database, e-mails, uploads, secrets', './data'),
  DATABASE_URL: place('embedded, or the address of a PostgreSQL', 'embedded', ['embedded'], ['postgres', 'postgresql']),
  CACHE_URL: place('where cached answers are kept', 'memory', ['memory', 'off'], ['redis', 'rediss', 'memcached']),
  MODULES: {
    default: moduleNames.slice(1).join(','),
    meaning: 'which modules run; accounts always does',
    read: (t: string): ModuleName[] => {
      const names = t
        .split(',')
        .map((n) => n.trim())
        .filter(Boolean)
      const wrong = names.filter((n) => !moduleNames.includes(n as ModuleName))
      if (wrong.length) fault(`names unknown modules: ${wrong.join(', ')} (there are ${moduleNames.join(', ')})`)
      return ['accounts', ...(names.filter((n) => n !== 'accounts') as ModuleName[])]
    },
  },
  ADMIN_USERNAME: text('the first administrator of an empty database', 'admin'),
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
      const list = t
        .split(',')
        .map((n) => n.trim())
        .filter(Boolean)
      const wrong = list.filter((n) => !/^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(n))
      if (wrong.length) fault(`must be a list of addresses or CIDR blocks; ${wrong.join(', ')} is none`)
      return list
    },
  },
  MAIL_URL: place('where mails go', 'file', ['file', 'off'], ['smtp', 'smtps']),
  MAIL_FROM: text('the sender of mails', 'Dvor <dvor@localhost>'),
  SMS_URL: place('an HTTP sender with the contract of the gateway, or the log', 'log', ['log'], http),
  SMS_CODE_DIGITS: integer('digits of a login code', 6, 4, 8),
  GATEWAY_URL: place('where mailings go', 'sandbox', ['sandbox'], http),
  GATEWAY_TOKEN: secret('bearer token of the gateway'),
  GATEWAY_CONCURRENCY: integer('calls of the gateway under way at once', 64, 1, 4096),
  GATEWAY_RATE: integer('calls of the gateway a second, 0 for no limit', 0, 0, 1_000_000),
  GATEWAY_TIMEOUT_MS: integer('deadline of one call', 10_000, 100, 600_000),
  SHIPPING_URL: place('called when an order is shipped', 'sandbox', ['sandbox'], http),
  SHIPPING_SECRET: secret('signs calls of SHIPPING_URL'),
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
  MIN_ORDER_TOTAL: {
    ...text('the least sum of an order', '1.00'),
    read: (t: string) => (/^\d{1,10}(\.\d{1,2})?$/.test(t) ? t : fault('must be a sum of money, as 100.00')),
  },
  STATS_MAIL_TO: text('daily mailing statistics go to this address'),
  OIDC_ISSUER: place('outside identity provider', '', [], http),
  OIDC_CLIENT_ID: text('our id there'),
  OIDC_CLIENT_SECRET: secret('our secret there'),
  OIDC_ADMINS: text('verified e-mails that become administrators, by comma'),
  METRICS_TOKEN: secret('/metrics answers this machine, and others who bear it'),
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
  DATABASE_POOL: integer('connections of one process', 10, 4, 200),
} satisfies Record<string, Setting<unknown>>

type Values = { [K in keyof typeof settings]: ReturnType<(typeof settings)[K]['read']> }

export type Config = Values & { secrets: string[] }

/** Reads and checks the whole environment; throws one SettingsError that names every fault. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const secrets: string[] = []
  for (const [name, setting] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const given = environment[name]
    try {
      values[name] = setting.read(given === undefined || given === '' ? setting.default : given)
      if (setting.secret && given) secrets.push(given)
    } catch (error) {
      const shown = setting.secret ? '' : ` (it is “${given}”)`
      faults.push(`${name} ${(error as Error).message}${shown}`)
    }
  }
  const config = { ...values, secrets } as Config
  if (config.OIDC_ISSUER && !config.OIDC_CLIENT_ID) faults.push('OIDC_CLIENT_ID is needed when OIDC_ISSUER is set')
  if (faults.length) throw new SettingsError(faults)
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
