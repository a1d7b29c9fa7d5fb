import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { eventually, freePort } from './harness.ts'
import { without } from './programs.ts'

export type StoreName = 'memory' | 'redis' | 'memcached'

/** Why the tests over a store are left out on this machine, if they are. */
export const withoutStore = (name: StoreName) =>
  name !== 'memory' && without(name === 'redis' ? 'redis-server' : 'memcached')

const say = (port: number, text: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(String(data))
    })
    socket.once('error', reject)
  })

/** A real Redis or Memcached on a free port, alone for this test. `flush` empties it; `freeze` makes it silent. */
export async function startStore(name: StoreName) {
  if (name === 'memory') return { url: 'memory', flush: async () => {}, freeze() {}, thaw() {}, async stop() {} }
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child: ChildProcess =
    name === 'redis'
      ? spawn(
          'redis-server',
          [
            '--port',
            String(port),
            '--bind',
            '127.0.0.1',
            '--save',
            '',
            '--appendonly',
            'no',
            '--maxmemory',
            '2mb',
            '--maxmemory-policy',
            'allkeys-lru',
          ],
          { stdio: 'ignore', cwd: '/' },
        )
      : spawn('memcached', ['-p', String(port), '-l', '127.0.0.1', '-m', '2', ...user], { stdio: 'ignore' })
  const exited = new Promise((done) => child.once('exit', done))
  const [ask, answer] = name === 'redis' ? ['PING\r\n', 'PONG'] : ['version\r\n', 'VERSION']
  await eventually(`${name} answers`, async () => (await say(port, ask)).includes(answer))
  return {
    url: `${name}://127.0.0.1:${port}`,
    flush: async () => void (await say(port, name === 'redis' ? 'FLUSHALL\r\n' : 'flush_all\r\n')),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
