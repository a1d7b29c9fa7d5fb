// Writes what is generated from the migrated schema and the routes; with --check, fails if a file is not current.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modules } from '../src/app.ts'
import { startEmbeddedPostgres } from '../src/embedded-postgres/start.ts'
import { describeApi } from '../src/http/describe.ts'
import { createLogger } from '../src/platform/log.ts'
import { migrate } from '../src/platform/migrate.ts'
import { generatedPages } from './generated-pages.ts'
import { schemaText } from './schema.ts'
import { webTypes } from './web-types.ts'

const schemas = ['platform', ...modules.map((module) => module.name)]
const check = process.argv.includes('--check')
const folder = mkdtempSync(join(tmpdir(), 'dvor-generate-'))
// As root PostgreSQL runs as another user, who must be able to pass.
chmodSync(folder, 0o755)
const log = createLogger({ LOG_LEVEL: 'warn', LOG_FORMAT: 'pretty' })
const stale: string[] = []

function put(file: string, content: string) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return
  if (check) stale.push(file)
  else {
    writeFileSync(file, content)
    console.log(`wrote ${file}`)
  }
}

const server = await startEmbeddedPostgres({ dataDir: folder, log, fast: true })
try {
  await migrate(server.url)
  const types = join(folder, 'tables.ts')
  execFileSync(
    process.execPath,
    [
      'node_modules/kysely-codegen/dist/cli/bin.js',
      '--url',
      server.url,
      '--dialect',
      'postgres',
      '--log-level',
      'error',
      '--include-pattern',
      `(${schemas.join('|')}).*`,
      '--type-mapping',
      '{"int8":"number","timestamptz":"string","date":"string"}',
      '--out-file',
      types,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  put('src/platform/tables.gen.ts', readFileSync(types, 'utf8'))
  put('schema.sql', await schemaText(server.url, schemas))
  for (const page of await generatedPages()) put(page.file, page.content)
  // The composer counts as the server does.
  put('web/src/mailings/parts.gen.ts', readFileSync('src/mailings/parts.ts', 'utf8'))
  const document = join(folder, 'openapi.json')
  writeFileSync(document, JSON.stringify(await describeApi(modules)))
  put('web/src/api.gen.ts', await webTypes(document))
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
if (stale.length) {
  console.error(`Not current: ${stale.join(', ')}. Run npm run generate and commit.`)
  process.exit(1)
}
