import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess } from '../test/harness.ts'

/** A server of its own with the living example in it, as `npm start -- --demo` makes it; gone at the end. */
export async function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), 'dvor-demo-'))
  chmodSync(folder, 0o755)
  const server = await startProcess(['start', '--demo'], { DATA_DIR: folder, LOG_LEVEL: 'warn' })
  await server.ready()
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      // Not by a kill, which would leave its PostgreSQL behind.
      server.kill('SIGTERM')
      await server.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
