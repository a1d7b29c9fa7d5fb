import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cloneDatabase, eventually, freePort } from '../test/harness.ts'

/** What `npm start` runs. */
async function start(stack: AsyncDisposableStack, settings: Record<string, string>) {
  const port = String(await freePort())
  const child = spawn(process.execPath, ['tools/dvor.js', 'start'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: port, LOG_FORMAT: 'json', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  stack.defer(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const servers = () =>
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => {
        try {
          return (
            pid > 0 && readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[1] === String(child.pid)
          )
        } catch {
          return false
        }
      })
  const ready = (besides?: number) =>
    eventually(
      'it is ready',
      async () => {
        const [pid] = servers()
        return pid !== besides && (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok && pid
      },
      90_000,
    )
  return { child, exited, output: () => output, servers, ready }
}

// Guarantee: `npm start` starts a server that was killed again and says so; a signal ends both, also between two starts.
test('a crashed server is started again', { skip: process.platform !== 'linux' && 'looks at /proc' }, async () => {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await cloneDatabase(), (d) => d.drop())
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-again-')), (f) => rmSync(f, { recursive: true }))
  const settings = { DATABASE_URL: database.url, DATA_DIR: folder }
  const npm = await start(stack, settings)
  const first = await npm.ready()
  process.kill(first, 'SIGKILL')
  const second = await npm.ready(first)
  assert.match(npm.output(), /The server has crashed \(exit code 137\)\. It is started again in 1 s/)
  process.kill(second, 'SIGKILL')
  await eventually('it waits for its next start', () => npm.output().split('started again').length === 3)
  npm.child.kill('SIGTERM')
  assert.equal(await npm.exited, 137)
  assert.deepEqual(npm.servers(), [])

  const asked = await start(stack, settings)
  await asked.ready()
  asked.child.kill('SIGTERM')
  assert.equal(await asked.exited, 0)
  const wrong = await start(stack, { ...settings, TIMEZONE: 'Mars/Base' })
  assert.equal(await wrong.exited, 1)
  for (const { output } of [asked, wrong]) assert.doesNotMatch(output(), /started again/)
})
