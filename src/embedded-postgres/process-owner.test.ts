import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { claim, livingOwner, release, startOf } from './process-owner.ts'

const folder = mkdtempSync(join(tmpdir(), 'dvor-owner-'))
after(() => rmSync(folder, { recursive: true, force: true }))

// Guarantee: processes that claim, hold and release one folder at the same instants never have it together.
test('a folder has one owner at a time', async () => {
  const script = `
    import { rmSync, writeFileSync } from 'node:fs'
    const { claim, release } = await import(${JSON.stringify(import.meta.resolve('./process-owner.ts'))})
    const [folder, until] = process.argv.slice(1)
    let held = 0
    while (Date.now() < Number(until)) {
      if (claim(folder) !== 'mine') continue
      writeFileSync(folder + '/inside', '', { flag: 'wx' })
      for (const end = performance.now() + 0.2; performance.now() < end; );
      rmSync(folder + '/inside')
      release(folder)
      held++
    }
    console.log(held)`
  const until = String(Date.now() + 2500)
  const all = Array.from({ length: 4 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder, until], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    return new Promise<string>((done) => child.on('close', () => done(output.trim())))
  })
  const held = await Promise.all(all)
  for (const output of held) assert.match(output, /^\d+$/, 'two were inside at once')
  assert.ok(held.map(Number).reduce((a, b) => a + b) > 50, `they took turns: ${held}`)
  assert.deepEqual(readdirSync(folder), [])
})

// Guarantee: names of dead processes, also of those whose pid lives again as another, count for nothing.
test('a dead owner is swept away', () => {
  writeFileSync(join(folder, 'owner.999999999.1'), '')
  writeFileSync(join(folder, `owner.${process.ppid}.1`), '')
  assert.equal(livingOwner(folder), undefined)
  assert.deepEqual(readdirSync(folder), [])
  writeFileSync(join(folder, `owner.${process.ppid}.${startOf(process.ppid)}`), '')
  assert.equal(claim(folder), process.ppid)
  rmSync(join(folder, `owner.${process.ppid}.${startOf(process.ppid)}`))
  assert.equal(claim(folder), 'mine')
  assert.equal(claim(folder), process.pid)
  release(folder)
  assert.equal(livingOwner(folder), undefined)
})
