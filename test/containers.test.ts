import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { readConfig, settings } from '../src/platform/config.ts'

const root = join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const names = Object.keys(settings)

type Service = {
  build?: string
  image?: string
  environment?: Record<string, string>
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
  const fittingTheMachine = ['LOG_FORMAT', 'WORKER_CONCURRENCY', 'DATABASE_POOL']
  for (const [, name = '', value] of lines)
    if (!fittingTheMachine.includes(name)) assert.equal(value, settings[name as keyof typeof settings].default, name)
  for (const line of read('.env.example').split('\n'))
    assert.match(line, /^(#.*)?$/, 'a copy without changes sets nothing')
})

// Guarantee: no container is given a setting that does not exist or that the start would refuse.
test('compose.yaml sets only what the program knows, and what it accepts', () => {
  assert.deepEqual(ours.map(([name]) => name).sort(), ['api', 'migrate', 'worker'])
  for (const [name, { environment = {} }] of ours) {
    for (const variable of Object.keys(environment)) assert.ok(names.includes(variable), `${name}: ${variable}`)
    const byDefault = Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [key, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')]),
    )
    assert.doesNotThrow(() => readConfig(byDefault), name)
  }
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

// Guarantee: Docker's own reader accepts the file too.
test('docker compose accepts compose.yaml', { skip: !composeClient && 'no docker compose on PATH' }, () => {
  const [program = '', ...words] = composeClient ?? []
  const said = spawnSync(program, [...words, '-f', '-', '--project-directory', root, 'config', '--quiet'], {
    input: read('compose.yaml').replace(/^name:.*/m, ''),
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.equal(said.status, 0, said.stderr)
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
  for (const [name = ''] of set) assert.ok(name === 'NODE_ENV' || names.includes(name), name)
  assert.doesNotThrow(() => readConfig(Object.fromEntries(set)))
  assert.match(dockerfile, /^USER node$/m)
  assert.match(dockerfile, /^HEALTHCHECK .*\/health\/ready/m)
  const major = /^FROM node:(\d+)-slim/m.exec(dockerfile)?.[1]
  assert.equal(
    JSON.parse(read('package.json')).dependencies.node.split('.')[0],
    major,
    'the Node that package.json pins',
  )
})
