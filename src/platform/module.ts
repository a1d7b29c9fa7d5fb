import type { FastifyRequest } from 'fastify'
import type { RawBuilder } from 'kysely'
import type pg from 'pg'
import type { TObject, TProperties } from 'typebox'
import { type Role, scopeOf, type User } from './access.ts'
import type { Cache } from './cache.ts'
import type { Config } from './config.ts'
import type { Db } from './database.ts'
import type { App } from './fastify.ts'
import type { Files } from './files.ts'
import type { Heavy } from './heavy.ts'
import type { Locale, Messages, Translate } from './i18n.ts'
import type { JobKind, Jobs } from './jobs.ts'
import type { Logger } from './log.ts'
import type { Loop } from './loops.ts'
import type { Mail } from './mail.ts'
import type { Notices } from './notices.ts'
import type { Settings } from './settings.ts'
import type { Threads } from './threads.ts'

/** What every function of a module may use; one for each process. */
export type Platform = {
  config: Config
  /** Roles that may be given, and kinds of what is sent, of the modules that run. */
  roles: Role[]
  outboxKinds: string[]
  /** What the modules that run show in the outbox from tables of their own. */
  outboxSources: OutboxSource[]
  /** What a machine token may be limited to: reading and writing, module by module. */
  scopes: string[]
  /** People whom mailings can be sent to, of the modules that run. */
  audiences: Audience[]
  /** What the modules that run show at home, and the kinds of what they tell people. */
  home: Home[]
  notifications: NotificationKinds
  log: Logger
  /** Aborted when the process is asked to stop: it goes on with what it has and takes nothing new. */
  stopping: AbortSignal
  /** The builder, for one table, a simple join, and the `sql` template. */
  db: Db
  /** Bare connections, for prepared statements on hot paths and for COPY. */
  pool: pg.Pool
  /** For short reads that every request begins with, and for batches: no crowd in the pool holds these up. */
  quickPool: pg.Pool
  batchPool: pg.Pool
  /** Sets the gauges of the modules to what the database says; one that fails keeps what it said last. */
  measure(): Promise<void>
  /** Commits something; refuses with 503 when that takes over 3 s or the database is away. */
  ready(): Promise<void>
  cache: Cache
  jobs: Jobs<Platform>
  /** Short words between processes, by LISTEN and NOTIFY. */
  notices: Notices
  mail: Mail
  files: Files
  /** Makes a PDF in a thread of its own, by the default export of the file. */
  draw: Threads['draw']
  /** Runs work that fills a core for long, a bounded number at a time: hashing, images. */
  heavy: Heavy
  translate: Translate
  /**
   * What a module holds for this process, made by `open` at the first use: a batch, a pool of connections, a key. The
   * same function gets the same value; `close` lets go of it at the end.
   */
  own<T>(open: (platform: Platform) => T, close?: (value: T) => unknown): T
  /** HMAC of a purpose and a value under the installation's secret, from which codes and links are derived. */
  derive(purpose: string, value: string): Buffer
  /** Owners of the secrets in letters and SMS, by the kind of their reference. */
  secrets: Record<string, Secret>
}

/** What stands for `{secret}` in a letter: a reference from which its owner derives it, never the secret itself. */
export type SecretRef = { kind: string; id: number }

/** The owner of secrets in letters and SMS: tables and jobs hold ids, from which it derives them. */
export type Secret = {
  /** For the receiver, at the moment of sending. */
  reveal(platform: Platform, id: number): Promise<string>
  /** For administrators: those of the ids that they may see now. */
  show(platform: Platform, ids: number[]): Promise<Map<number, string>>
}

/** What stands in the outbox, but for the letters' HTML. */
export type OutboxEntry = {
  id: number
  kind: string
  to: string
  subject: string | null
  text: string
  state: 'queued' | 'held' | 'sent' | 'failed'
  created_at: string
  error?: string | null
}

/** What a module sends by a default sender of its own and keeps in its own table: as many as may be, none of them copied. */
export type OutboxSource = {
  /** Of all that it lists; one of the module's `outboxKinds`. */
  kind: string
  /** Entries of ids below (`descending`) or above this one, walked from there; the newest have the greatest. */
  list(platform: Platform, from: { id: number; descending: boolean; limit: number }): Promise<OutboxEntry[]>
  count(platform: Platform): Promise<number>
  find(platform: Platform, id: number): Promise<OutboxEntry | undefined>
}

/** Something that needs a person now, with one thing to do about it. */
export type HomeCard = {
  /** `module.what`; the web app draws it by this. */
  kind: string
  title: string
  text: string
  /** What there is to do, as the words of a button, and the page of the web app where it is done. */
  action: string
  path: string
  /** The instant by which; null where there is none. */
  due: string | null
}

/** A part of the home: cards, and what else stands there, by the names of its `shape`. */
export type HomePart = {
  shape: TProperties
  read(platform: Platform, user: User, locale: Locale): Promise<{ cards: HomeCard[] } & Record<string, unknown>>
}

/** What a module shows at home, for each kind of reader that it has something for. */
export type Home = { resident?: HomePart }

/** What a link to a page of the web app shows where it is pasted; plain words, and the path of a picture. */
export type Preview = { title: string; description: string; image: string | null }

/** A page of the web app that says of itself what it is; `url` is its address, as `/collects/:id`. */
export type PreviewedPage = {
  url: `/${string}/:id`
  read(platform: Platform, id: number, locale: Locale): Promise<Preview | undefined>
}

/** Kinds of what people are told, by name (`collects.update`). `letter`: it comes by mail too, unless they refuse that. */
export type NotificationKinds = Record<string, { letter: boolean }>

/** A rule that must hold at every instant, as SQL that returns the rows that break it. */
export type Invariant = { name: string; sql: string }

/**
 * People whom a mailing can be sent to. `name` is `module.what`; the module's messages hold under `audiences.<what>` its
 * `label`, and words for each parameter and placeholder by its name.
 */
export type Audience = {
  name: string
  /** A closed object; those that name a row say in `references` of which table, and the column by which people know it. */
  parameters: TObject
  references?: Record<string, { table: string; title: string }>
  /** What `fields` of each of its people hold. */
  placeholders: readonly string[]
  /**
   * SQL of one row for each person, however often they are meant: `phone` (null where they gave none), `timezone` (null for
   * the installation's), `fields` (jsonb of texts).
   */
  // biome-ignore lint/suspicious/noExplicitAny: each audience knows its own parameters, checked against their schema
  people(parameters: any): RawBuilder<unknown>
}

/** Makes example data; the same options give the same data. */
export type Seed = {
  /** Words of the command line: option → default and meaning. */
  options: Record<string, { default: number; meaning: string }>
  run(platform: Platform, amounts: Record<string, number>, context: SeedContext): Promise<void>
}
export type SeedContext = { locale: Locale; seed: number; progress(step: string, done: number, total: number): void }

/** All that the rest knows of a module. */
export type Module = {
  name: string
  /** Settings that are its own; `settingsOf` reads them. */
  settings?: Settings
  /** Roles that it brings, each declared in `Roles` and inserted into platform.roles by its migration. */
  roles?: readonly Role[]
  /** Kinds of what it sends, each inserted into platform.outbox_kinds by its migration. */
  outboxKinds?: readonly string[]
  outboxSources?: readonly OutboxSource[]
  audiences?: readonly Audience[]
  /** Pages that link previewers are told of. */
  previews?: PreviewedPage[]
  /** What it shows at home; the cards of all modules compete for three places. */
  home?: Home
  /** Kinds of what it tells people, worded in its messages under `notification` and, of letters, `letter_kind`. */
  notifications?: NotificationKinds
  messages: Messages
  routes(app: App, platform: Platform): void
  // biome-ignore lint/suspicious/noExplicitAny: each kind knows the data of its own jobs
  jobs?: Record<string, JobKind<Platform, any>>
  loops?: Loop<Platform>[]
  invariants: Invariant[]
  /** Sets its gauges, whenever the metrics are read. */
  measure?(platform: Platform): Promise<void>
  seed?: Seed
  /** What the demonstration shows beyond the seed, such as pictures. */
  demonstrate?(platform: Platform): Promise<void>
  /** Shapes of the OpenAPI document that routes refer to by name. */
  shapes?: readonly object[]
  /** Only of accounts: who a request comes from, if anybody. */
  authenticate?(platform: Platform, req: FastifyRequest): Promise<User | undefined>
  /** Derives the secrets of letters whose reference is of one of these kinds. */
  secrets?: Record<string, Secret>
}

/** What these modules bring to all. */
export const broughtBy = (
  modules: Module[],
): Pick<Platform, 'roles' | 'outboxKinds' | 'outboxSources' | 'scopes' | 'audiences' | 'home' | 'notifications'> => ({
  roles: [...new Set(modules.flatMap((m) => m.roles ?? []))],
  outboxKinds: [...new Set(modules.flatMap((m) => m.outboxKinds ?? []))],
  outboxSources: modules.flatMap((m) => m.outboxSources ?? []),
  scopes: modules.flatMap((m) => ['GET', 'POST'].map((method) => scopeOf(m.name, method))),
  audiences: modules.flatMap((m) => m.audiences ?? []),
  home: modules.flatMap((m) => m.home ?? []),
  notifications: Object.assign({}, ...modules.map((m) => m.notifications ?? {})),
})
