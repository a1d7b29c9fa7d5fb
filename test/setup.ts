import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { modules } from '../src/app.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/embedded-postgres/start.ts'
import { migrateJobs } from '../src/platform/jobs.ts'
import { createLogger } from '../src/platform/log.ts'
import { migrate } from '../src/platform/migrate.ts'

// One server for the whole run, with one migrated template that each test file clones.
const folder = mkdtempSync(join(tmpdir(), 'dvor-test-'))
let server: EmbeddedPostgres

export async function globalSetup(): Promise<void> {
  // As root PostgreSQL runs as another user, who must be able to pass.
  chmodSync(folder, 0o755)
  server = await startEmbeddedPostgres({
    dataDir: folder,
    fast: true,
    maxConnections: 300,
    log: createLogger({ LOG_LEVEL: 'warn', LOG_FORMAT: 'pretty' }),
  })
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  await admin.query('create database template_dvor')
  await admin.end()
  const template = new URL(server.url)
  template.pathname = '/template_dvor'
  await migrate(template.href)
  await migrateJobs(template.href, Object.assign({}, ...modules.map((m) => m.jobs ?? {})))
  process.env.DVOR_TEST_SERVER = server.url
}

export async function globalTeardown(): Promise<void> {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
