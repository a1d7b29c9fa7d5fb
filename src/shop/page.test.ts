import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { adminPassword, drainJobs, startApp } from '../../test/harness.ts'

// Guarantee: the tour of docs/shop.md works as it is printed, and calls every address of the shop.
test('the commands of docs/shop.md work', { timeout: 60_000 }, async () => {
  await using app = await startApp()
  const picture = { create: { width: 400, height: 400, channels: 3 as const, background: '#1f6f50' } }
  await sharp(picture).jpeg().toFile(join(app.folder, 'kettle.jpg'))
  const page = readFileSync('docs/shop.md', 'utf8')
  const script = [...page.matchAll(/```bash\n([\s\S]*?)```/g)].map((m) => m[1]).join('\n')
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: app.folder,
    env: { ...process.env, API: app.url, ADMIN_PASSWORD: adminPassword },
  })
  const answers = stdout
    .replaceAll('}{', '}\n{')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    answers.map((a) => a.code).filter(Boolean),
    ['request.invalid', 'shop.not_resendable'],
    'the two refusals that the page tells of, and no other',
  )
  assert.deepEqual(
    answers.find((a) => a.results?.[0]?.error !== undefined).results.map((r: { status: string }) => r.status),
    ['shipped', 'cancelled'],
  )
  assert.ok(readFileSync(join(app.folder, 'order.pdf')).subarray(0, 5).equals(Buffer.from('%PDF-')))
  const called = app.logs
    .map((l) => JSON.parse(l))
    .filter((l) => l.msg === 'request')
    .map((l) => `${l.req.method} ${l.req.path.replace(/\/$/, '')}`)
  const map = /\/\*([\s\S]*?)\*\//.exec(readFileSync('src/shop/index.ts', 'utf8'))![1]!
  for (const [, method, path] of map.matchAll(/^ \* +([A-Z]+) +(\/\S+)/gm))
    assert.ok(
      called.some((call) => new RegExp(`^${method} ${path!.replace(/:\w+/g, '[^/]+')}$`).test(call)),
      `${method} ${path}`,
    )
  await drainJobs(app)
  await app.audit()
})
