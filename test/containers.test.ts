import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { parse } from 'yaml'
import { modules } from '../src/app.ts'
import { allSettings, readConfig } from '../src/platform/config.ts'
// @ts-expect-error plain JavaScript, for it runs before anything is installed
import { lean } from '../tools/prepare.js'
import { cloneDatabase, startProcess } from './harness.ts'

const root = join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const settings = allSettings(modules)
const names = Object.keys(settings)

type Service = {
  ports?: string[]
  build?: string
  image?: string
  environment?: Record<string, string | null>
  command?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: object
}
type Compose = { services: Record<string, Service>; volumes: Record<string, null> }
const compose = parse(read('compose.yaml'), { merge: true }) as Compose
const ours = Object.entries(compose.services).filter(([, service]) => service.build)

// Guarantee: .env.example names every setting once, with the default that holds, and nothing else.
test('.env.example is every setting with its default', () => {
  const lines = [...read('.env.example').matchAll(/^#([A-Z][A-Z0-9_]*)=(.*)$/gm)]
  assert.deepEqual(lines.map((line) => line[1]).sort(), names.toSorted())
  const fittingTheMachine = ['LOG_FORMAT', 'WORKER_CONCURRENCY']
  for (const [, name = '', value] of lines)
    if (!fittingTheMachine.includes(name)) assert.equal(value, settings[name]?.default, name)
  for (const line of read('.env.example').split('\n'))
    assert.match(line, /^(#.*)?$/, 'a copy without changes sets nothing')
})

/** Where the API is published, and the volume: they are not the program's business inside a container. */
const ofTheContainer = ['HOST', 'PORT', 'DATA_DIR']
const filled = (text: string, values: Record<string, string> = {}) =>
  text.replace(/\$\{(\w+):-([^}]*)\}/g, (_, name, byDefault) => values[name] || byDefault)

// Guarantee: every setting reaches the program in its container, none is dropped in silence, and what compose.yaml sets by
// itself is accepted.
test('compose.yaml passes every setting on', () => {
  assert.deepEqual(ours.map(([name]) => name).sort(), ['api', 'migrate', 'worker'])
  for (const [service, { environment = {} }] of ours) {
    const { PGPASSWORD, ...passed } = environment
    assert.deepEqual(Object.keys(passed).sort(), names.filter((name) => !ofTheContainer.includes(name)).sort(), service)
    for (const [name, value] of Object.entries(passed))
      if (value !== null) assert.equal(filled(value, { [name]: 'as set' }), 'as set', name)
    const byDefault = Object.entries(passed).flatMap(([name, value]) => (value === null ? [] : [[name, filled(value)]]))
    assert.doesNotThrow(() => readConfig(Object.fromEntries(byDefault), modules), service)
    // A password is no part of an address, in which its characters would mean something.
    assert.equal(PGPASSWORD, compose.services.postgres?.environment?.POSTGRES_PASSWORD)
  }
  assert.match(compose.services.api?.ports?.[0] ?? '', /^\$\{HOST:-127\.0\.0\.1\}:\$\{PORT:-8000\}:8000$/)
  const taken = [...read('compose.yaml').matchAll(/\$\{(\w+)/g)].map((match) => match[1] ?? '')
  assert.deepEqual(
    taken.filter((name) => !names.includes(name) && name !== 'POSTGRES_PASSWORD'),
    [],
  )
})

// Guarantee: what a service waits for and mounts is there, and what it waits for as healthy has a health check.
test('compose.yaml holds together', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.ok(compose.services[other], `${name} waits for ${other}`)
      if (condition === 'service_healthy') assert.ok(compose.services[other].healthcheck, `${other} has a health check`)
    }
    for (const mount of service.volumes ?? []) assert.ok((mount.split(':')[0] ?? '') in compose.volumes, mount)
  }
  for (const name of ['api', 'worker']) assert.deepEqual(compose.services[name]?.command, [name])
  for (const name of ['postgres', 'valkey', 'memcached', 'mailpit'])
    assert.match(compose.services[name]?.image ?? '', /:.*\d/)
})

/** A client that reads compose files: Docker's plugin or the program of its own; the old one knows no `name`. */
const composeClient = [['docker', 'compose'], ['docker-compose']].find(
  ([program = '', ...words]) => spawnSync(program, [...words, 'version'], { timeout: 20_000 }).status === 0,
)

// Guarantee: Docker's own reader accepts the file too, and gives the program what is set, whatever characters it has.
test('docker compose accepts compose.yaml', { skip: !composeClient && 'no docker compose on PATH' }, () => {
  const [program = '', ...words] = composeClient ?? []
  const values = Object.fromEntries(
    names.filter((name) => !ofTheContainer.includes(name)).map((name) => [name, `${name} as set: @/#?`]),
  )
  const said = spawnSync(program, [...words, '-f', '-', '--project-directory', root, 'config'], {
    input: read('compose.yaml').replace(/^name:.*/m, ''),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...values, POSTGRES_PASSWORD: 'p@s/#:?%' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(said.status, 0, said.stderr)
  const { services } = parse(said.stdout) as Compose
  for (const name of ['api', 'worker', 'migrate'])
    assert.deepEqual(services[name]?.environment, { ...values, PGPASSWORD: 'p@s/#:?%' })
  assert.equal(services.postgres?.environment?.POSTGRES_PASSWORD, 'p@s/#:?%')
})

// Guarantee: a password that stands beside the address opens the database, with characters that an address cannot hold.
test('the password of the database may have any characters', async () => {
  const database = await cloneDatabase()
  const role = `odd_${randomBytes(4).toString('hex')}`
  const password = 'p@s/#:?%&= я'
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query(`create role ${role} login superuser password '${password}'`)
    const address = new URL(database.url)
    address.username = role
    address.password = ''
    await using server = await startProcess(['start'], { DATABASE_URL: address.href, PGPASSWORD: password })
    assert.equal((await (await server.ready()).get('/api/organisation')).status, 200)
    server.kill('SIGTERM')
    assert.equal(await server.exited, 0)
    await client.query(`drop role ${role}`)
  } finally {
    await client.end()
    await database.drop()
  }
})

// Guarantee: the image is built from files that exist and are sent to the engine, runs without root and tells its health.
test('the Dockerfile copies what exists and sets what the program knows', () => {
  const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ')
  const sent = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' ').slice(0, -1),
  )
  assert.ok(copies.length > 5)
  for (const path of copies) {
    assert.ok(existsSync(join(root, path)), `${path} exists`)
    assert.ok(sent.includes(path), `${path} is not held back by .dockerignore`)
  }
  const set = [...dockerfile.matchAll(/^ENV (.+)$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' ').map((pair) => pair.split('=')),
  )
  for (const [name = ''] of set)
    assert.ok(['NODE_ENV', 'UV_THREADPOOL_SIZE', 'MALLOC_ARENA_MAX', ...names].includes(name), name)
  assert.doesNotThrow(() => readConfig(Object.fromEntries(set), modules))
  assert.match(dockerfile, /^USER node$/m)
  assert.match(dockerfile, /^ENTRYPOINT \["\/app\/tools\/entrypoint\.sh"\]$/m)
  assert.match(dockerfile, /^HEALTHCHECK .*\/health\/ready/m)
  const major = /^FROM node:(\d+)-slim/m.exec(dockerfile)?.[1]
  assert.equal(
    JSON.parse(read('package.json')).dependencies.node.split('.')[0],
    major,
    'the Node that package.json pins',
  )
})

// Guarantee: in a container the servers run within the memory that they need, and what goes through whole tables without a bound.
test('only servers are lean', () => {
  const bin = mkdtempSync(join(tmpdir(), 'dvor-bin-'))
  writeFileSync(join(bin, 'node'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
  const run = (...words: string[]) =>
    spawnSync(join(root, 'tools/entrypoint.sh'), words, {
      encoding: 'utf8',
      env: { PATH: `${bin}:${process.env.PATH}` },
    }).stdout.trim()
  for (const server of ['start', 'api', 'worker'])
    assert.equal(run(server, '--demo'), [...lean, 'src/main.ts', server, '--demo'].join(' '))
  for (const command of ['seed', 'audit', 'migrate', 'doctor'])
    assert.equal(run(command, '--users', '7'), `src/main.ts ${command} --users 7`)
  rmSync(bin, { recursive: true })
})
