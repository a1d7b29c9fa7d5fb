import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs, { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { availableParallelism, constants } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Plain JavaScript for whatever Node the machine has: this runs before the pinned one is there.

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
const at = (...path) => join(root, ...path)
const windows = process.platform === 'win32'
/** The Node that package-lock.json names. */
export const node = at('node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
/**
 * Flags of the server. Without a bound V8 takes hundreds of megabytes of the machine before it looks for garbage; this is
 * three times what a busy server lives on.
 */
export const lean = ['--max-semi-space-size=8', '--max-old-space-size=256']
/** The environment of everything we start: the tools and the Node of this checkout come first. */
export const environment = () => {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  return {
    // Threads for hashing, images, files and new connections: two more than may be busy with heavy work.
    UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism() + 1)),
    // The allocator keeps what it freed in each of its arenas, by default eight for every core.
    MALLOC_ARENA_MAX: '2',
    // What is compiled once, and freed of its types, is not compiled by the next process.
    NODE_COMPILE_CACHE: at('node_modules', '.cache', 'compile'),
    ...process.env,
    [name]: [at('node_modules', '.bin'), process.env[name]].filter(Boolean).join(delimiter),
  }
}

const marker = at('node_modules', '.dvor-prepared')
const lock = at('.preparing')
const say = (text) => process.stderr.write(`${text}\n`)
const read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex')

/** A message for a person; the caller prints it and ends with its exit code. */
export class PrepareError extends Error {
  constructor(message, code = 1) {
    super(message)
    this.code = code
  }
}

const failed = (code, message) => new PrepareError(code > 128 ? 'Interrupted.' : message, code > 128 ? code : 1)

/** Installs the libraries and, if asked, builds the web app; does nothing, at once, when both are current. */
export async function prepare({ web = false } = {}) {
  const missing = () => !installed() || (web && !built())
  if (!missing()) return
  const release = await takeLock(missing)
  if (!release) return
  try {
    if (!installed()) await install()
    if (web && !built()) await build()
  } finally {
    release()
  }
}

const installedSizeBytes = 900e6
const diskFull = `the disk that holds ${root} is full. They need 0.9 GB: free some and run the same command again.`
const lockHash = () => sha256(readFileSync(at('package-lock.json')))

function installed() {
  if (!existsSync(node)) return false
  const hash = lockHash()
  if (read(marker) === hash) return true
  if (!sameVersions()) return false
  writeFileSync(marker, hash)
  return true
}

/** Whether a hand-made `npm install` left exactly what package-lock.json names. */
function sameVersions() {
  const there = read(at('node_modules', '.package-lock.json'))
  if (!there) return false
  const found = JSON.parse(there).packages
  const wanted = Object.entries(JSON.parse(read(at('package-lock.json'))).packages).filter(([path]) => path)
  return wanted.every(([path, want]) => {
    const have = found[path]
    return have ? have.version === want.version && have.integrity === want.integrity : want.optional || want.peer
  })
}

async function install() {
  // npm tells of a full disk in many voices, and late. Node before 18.15 cannot ask.
  const space = fs.statfsSync?.(root)
  if (space && space.bavail * space.bsize < installedSizeBytes)
    throw new PrepareError(`The libraries could not be installed: ${diskFull}`)
  say('Installing the libraries named in package-lock.json (about half a minute, once)…')
  const cli = process.env.npm_execpath
  const npm = cli && /^npm-cli\.c?js$/.test(basename(cli)) ? [process.execPath, cli] : [windows ? 'npm.cmd' : 'npm']
  const words = [
    ...npm,
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts=false',
  ]
  const { code, errors } = await run(words, { keepErrors: true, shell: windows && npm.length === 1 })
  if (code) throw failed(code, `The libraries could not be installed: ${installFault(errors)}`)
  const version = spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 20_000 })
  if (version.status !== 0)
    throw new PrepareError(`The pinned Node does not run here (${version.error?.message ?? version.stderr.trim()}).`)
  writeFileSync(marker, lockHash())
}

function installFault(errors) {
  const tail = errors.trim().split('\n').slice(-5).join('\n')
  if (/ENOSPC/.test(errors)) return diskFull
  if (/\b(EACCES|EPERM|EROFS)\b/.test(errors))
    return `no right to write in ${root}. Run as the folder's owner, or give this user the folder.`
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|FETCH_ERROR/.test(errors))
    return 'the package registry cannot be reached. Check the network (and proxy settings) and run the same command again.'
  if (/ENOENT/.test(errors) && /spawn/.test(errors)) return 'npm was not found. Install Node.js with npm.'
  return `npm ci failed.\n${tail}`
}

/** Every file that the web app is built from, as one hash. */
function webHash() {
  const files = []
  const walk = (folder) => {
    for (const entry of readdirSync(at(folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) entry.name !== 'node_modules' && path !== 'web/dist' && walk(path)
      else files.push(path)
    }
  }
  walk('web')
  return sha256(
    readFileSync(at('package-lock.json')),
    ...files.sort().flatMap((path) => [path, readFileSync(at(path))]),
  )
}

const built = () => !existsSync(at('web', 'index.html')) || read(at('web', 'dist', '.built')) === webHash()

async function build() {
  say('Building the web app (a few seconds, only after a change)…')
  const hash = webHash()
  const vite = at('node_modules', 'vite', 'bin', 'vite.js')
  const { code } = await run([node, vite, 'build', 'web', '--logLevel', 'warn'])
  if (code) throw failed(code, 'The web app could not be built; the reason stands above.')
  writeFileSync(at('web', 'dist', '.built'), hash)
}

const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** A pid may be given again after a crash, so a living owner must also have touched its lock lately. */
function abandoned(owner) {
  const quietMs = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  return quietMs > 60_000 || (owner > 0 && !alive(owner))
}

/** Waits for another preparation of this checkout; undefined when it has left nothing to do. */
async function takeLock(needed) {
  for (let said = false; needed(); ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), 2000)
      process.once('exit', () => rmSync(lock, { force: true }))
      return () => {
        clearInterval(beat)
        rmSync(lock, { force: true })
      }
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new PrepareError(
          `This checkout is not prepared, and there is no right to write to ${root} (${error.code}).\n` +
            'Run the command once as the owner of the folder, or give the folder to this user.',
        )
    }
    const owner = Number(read(lock))
    if (abandoned(owner)) {
      if (Number(read(lock)) === owner) rmSync(lock, { force: true })
      continue
    }
    if (!said) say(`Another process (${owner || 'just begun'}) is preparing this checkout; waiting for it…`)
    said = true
    await new Promise((done) => setTimeout(done, 200))
  }
  return undefined
}

/** The processes above us: npm and the shell it runs us in, which passes no signal on. */
function ancestors() {
  const line = process.platform === 'linux' ? read(`/proc/${process.ppid}/stat`) : ''
  return `${process.ppid} ${line.slice(line.lastIndexOf(')') + 2).split(' ')[1]}`
}
const startedBy = ancestors()

/** Calls back, again and again, when the npm that started us was killed. */
function whenNpmDies(end) {
  if (!process.env.npm_lifecycle_event) return undefined
  return setInterval(() => ancestors() !== startedBy && end(), 500)
}

/** Calls back with the signal that asks this process to stop, or SIGTERM when the npm that started it is gone. */
function whenAsked(callback) {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => [name, () => callback(name)])
  for (const [name, handler] of handlers) process.on(name, handler)
  const orphaned = whenNpmDies(() => callback('SIGTERM'))
  return () => {
    clearInterval(orphaned)
    for (const [name, handler] of handlers) process.off(name, handler)
  }
}

/** Waits; true when it was asked to stop meanwhile, and then at once. */
export function pause(ms) {
  return new Promise((done) => {
    const end = (asked) => {
      clearTimeout(timer)
      off()
      done(asked)
    }
    const timer = setTimeout(() => end(false), ms)
    const off = whenAsked(() => end(true))
  })
}

/**
 * Runs a command to its end and gives its exit code (128 + n after signal n), and whether it was `asked` to stop. A
 * terminal sends Ctrl-C to every process itself, so it is only waited out; what is sent to us alone is passed on. With `watched`, the child sees a
 * 'disconnect' when this process is killed without a word.
 */
export function run([command, ...args], options = {}) {
  const { keepErrors, silent, watched, shell, env, timeoutMs, signal } = options
  return new Promise((done) => {
    const stdio = [
      'inherit',
      silent ? 'ignore' : 'inherit',
      keepErrors ? 'pipe' : 'inherit',
      ...(watched ? ['ipc'] : []),
    ]
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment(), ...env },
      stdio,
      shell,
      timeout: timeoutMs,
    })
    let errors = ''
    child.stderr?.on('data', (data) => {
      process.stderr.write(data)
      errors = (errors + data).slice(-20_000)
    })
    signal?.addEventListener('abort', () => child.kill('SIGTERM'))
    const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
    let asked = false
    const off = whenAsked((name) => {
      asked = true
      if (name !== 'SIGINT' || !terminal) child.kill(name)
    })
    const end = (result) => {
      off()
      done({ ...result, errors, asked })
    }
    child.on('error', (error) => {
      errors += `\nspawn ${error.message}`
      end({ code: 127 })
    })
    child.on('close', (code, by) => end({ code: code ?? 128 + (constants.signals[by] ?? 15) }))
  })
}
