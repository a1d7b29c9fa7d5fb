import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { adminPassword, startApp } from './harness.ts'
import { without } from './programs.ts'

// Guarantee: every way in works as docs/accounts.md says, by the commands that stand there.
test('the commands of docs/accounts.md work', { skip: without('bash', 'curl') }, async () => {
  await using app = await startApp()
  const blocks = [...readFileSync('docs/accounts.md', 'utf8').matchAll(/^```bash\n(.*?)^```/gms)].map((m) => m[1]!)
  assert.ok(blocks.length >= 8)
  const script = blocks.map((block, i) => `echo; echo "== ${i}"\n${block}`).join('\n')
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...process.env, DVOR: app.url, ADMIN_PASSWORD: adminPassword },
    timeout: 60_000,
  })
  const outputs = stdout.split(/^== \d+\n/m).slice(1)
  const showing = (text: string) => outputs.findIndex((o) => o.includes(text))
  const says = (block: RegExp) => outputs[blocks.findIndex((b) => block.test(b))]!
  assert.match(says(/By password|auth\/register/), /"username":"anna"/)
  assert.match(says(/api\/verify/), /^true$/m)
  assert.match(says(/\$DVOR\/auth\/ /), /"username":"anna"/)
  assert.match(says(/collects:read/), /^0\nrequest\.out_of_scope$/m)
  assert.match(says(/X-Dvor-Session/), /"username":"anna"/)
  assert.doesNotMatch(says(/X-Dvor-Session/), /"refresh"/)
  assert.match(says(/phone\/verify/), /}79120000002$/m)
  assert.match(says(/reset\/confirm/), /"access"/)
  assert.match(says(/admin\/audit/), /^anna$/m)
  assert.equal(showing('problem'), -1)
})
