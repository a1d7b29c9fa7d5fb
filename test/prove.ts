// The long proofs at full size: a million rows, many kills, a minute against deadlocks. `npm test` runs each of them small.
import { spawnSync } from 'node:child_process'

const proofs = [
  'test/crash.test.ts',
  'test/exact.test.ts',
  'test/seed.test.ts',
  'test/neighbours.test.ts',
  'src/shop/crash.test.ts',
  'test/billing-crash.test.ts',
  'test/mailing-plans.test.ts',
  'test/mailing-crash.test.ts',
  'src/housing/oracle.test.ts',
  ...process.argv.slice(2),
]
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-force-exit',
    '--test-concurrency=1',
    '--test-timeout=3600000',
    '--test-global-setup=test/setup.ts',
    ...proofs,
  ],
  { stdio: 'inherit', env: { ...process.env, DVOR_PROVE: '1' } },
)
process.exitCode = status ?? 1
