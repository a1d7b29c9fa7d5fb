import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './prepare.js'

const servers = [
  { program: 'redis-server', suites: 'the Redis tests of the cache and everything that runs on Redis' },
  { program: 'memcached', suites: 'the Memcached tests of the cache' },
]
const onPath = (program) =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin'].some((dir) => existsSync(join(dir, program)))
const missing = () => servers.filter(({ program }) => !onPath(program))
const say = (text) => process.stderr.write(`${text}\n`)

/** Sees to it that the real servers that some tests need are there; says loudly what is left out where they cannot be. */
export async function prepareTestServers() {
  if (!missing().length) return
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get')) await aptInstall()
  for (const { program, suites } of missing())
    say(`\n!!! ${program} is not on this machine. LEFT OUT: ${suites}. Install it and run the tests again.\n`)
}

async function aptInstall() {
  const names = missing().map(({ program }) => program)
  say(`Installing ${names.join(' and ')} for the tests (apt-get)…`)
  // Debian starts what it installs as a service unless this file says no.
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !existsSync(policy)
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const apt = (...args) => [
      'apt-get',
      '-q',
      '-o',
      'DPkg::Lock::Timeout=60',
      '-o',
      'Acquire::http::Timeout=20',
      ...args,
    ]
    const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, keepErrors: true, silent: true }
    await run(apt('update'), { ...quiet, timeoutMs: 120_000 })
    await run(apt('install', '-y', '--no-install-recommends', ...names), { ...quiet, timeoutMs: 300_000 })
  } finally {
    if (ours) rmSync(policy, { force: true })
  }
}
