import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { drainJobs, startApp } from './harness.ts'
import { without } from './programs.ts'

const shell = promisify(execFile)

for (const page of ['README.md', 'docs/collects.md']) {
  // Guarantee: what the page tells a reader to type works as it is printed.
  test(`the commands of ${page} work`, { skip: without('bash', 'curl') }, async () => {
    await using app = await startApp()
    const blocks = [...readFileSync(page, 'utf8').matchAll(/```bash\n([\s\S]*?)```/g)].map((m) => m[1])
    assert.ok(blocks.length > 0)
    const script = blocks.join('\n').replaceAll('http://127.0.0.1:8000', app.url)
    const { stdout } = await shell('bash', ['-euo', 'pipefail', '-c', script], {
      env: { ...process.env, API: app.url },
    })
    const answers = stdout
      .replaceAll('}{', '}\n{')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    assert.ok(answers.length >= 3)
    for (const answer of answers) assert.ok(!answer.code, JSON.stringify(answer))
    await drainJobs(app)
    await app.audit()
    if (page === 'README.md') assert.equal(answers.at(-1).collected_amount, '500.00')
  })
}
