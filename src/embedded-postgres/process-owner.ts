import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The moment a process began, in the kernel's own unit, so that a pid given again is not taken for the old process. */
export function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined
  }
  if (process.platform !== 'linux') return 'alive'
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** What a process was started with; undefined where the system does not tell. */
export function commandOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    } catch {
      return undefined
    }
  }
  if (process.platform === 'win32') return undefined
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout || undefined
}

/** Processes that work in a folder (Linux only, elsewhere none). */
export function processesIn(folder: string): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && readlinkSync(`/proc/${pid}/cwd`) === folder
      } catch {
        return false
      }
    })
}

const prefix = 'owner.'

/**
 * Claims a folder for this process: the answer is 'mine' or the pid of the living process that has it. Whoever writes
 * its name and sees no other living name has it; of two at the same instant both may step back, so ask again.
 */
export function claim(folder: string): 'mine' | number {
  const mine = `${prefix}${process.pid}.${startOf(process.pid)}`
  const rival = () => livingOwner(folder, mine)
  const first = rival()
  if (first) return first
  try {
    writeFileSync(join(folder, mine), '', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return process.pid
    throw error
  }
  const other = rival()
  if (!other) return 'mine'
  rmSync(join(folder, mine), { force: true })
  return other
}

/** Gives a claimed folder back. */
export function release(folder: string): void {
  rmSync(join(folder, `${prefix}${process.pid}.${startOf(process.pid)}`), { force: true })
}

/** The pid of the living process that claims a folder; names of dead ones are swept away. */
export function livingOwner(folder: string, except = ''): number | undefined {
  for (const name of readdirSync(folder)) {
    const [, pid, start] = /^owner\.(\d+)\.(\w+)$/.exec(name) ?? []
    if (!pid || name === except) continue
    if (startOf(Number(pid)) === start) return Number(pid)
    rmSync(join(folder, name), { force: true })
  }
  return undefined
}
