import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

// Guarantee: what a run leaves out stands at its very end, by name and with the reason; a run that is whole says nothing.
test('tests that are left out are named last', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dvor-reporter-'))
  const report = (text: string) => {
    const file = join(folder, 'a.test.mjs')
    writeFileSync(file, `import { test } from 'node:test'\n${text}`)
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    return spawnSync(process.execPath, ['--test', '--test-reporter=./tools/reporter.js', file], {
      encoding: 'utf8',
      env,
    }).stdout
  }
  try {
    const whole = "test('sound', () => {})\n"
    assert.doesNotMatch(report(whole), /LEFT OUT/)
    const said = report(`${whole}test('over Redis', { skip: 'redis-server not on PATH' }, () => {})`)
    assert.match(said, /LEFT OUT[^\n]*\n!!!\n!!! redis-server not on PATH:\n!!! {3}over Redis\n!+\n$/)
    assert.ok(said.indexOf('pass 1') < said.indexOf('LEFT OUT'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
