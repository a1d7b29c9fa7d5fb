import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { modules } from '../src/app.ts'
import { describeApi } from '../src/platform/describe.ts'
import type { ApiDocument } from '../src/platform/postman.ts'
import { adminPassword, startApp } from './harness.ts'

// Guarantee: every way in works as docs/accounts.md says, by the commands that stand there.
test('the commands of docs/accounts.md work', async () => {
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
  assert.match(says(/Authorization: Token/), /"username":"anna"/)
  assert.match(says(/X-Dvor-Session/), /"username":"anna"/)
  assert.doesNotMatch(says(/X-Dvor-Session/), /"refresh"/)
  assert.match(says(/phone\/verify/), /}79120000002$/m)
  assert.match(says(/reset\/confirm/), /"access"/)
  assert.match(says(/admin\/audit/), /^anna$/m)
  assert.equal(showing('problem'), -1)
})

type Item = {
  name: string
  request: { method: string; url: { raw: string }; body?: { raw: string }; auth?: { type: string } }
}

// Guarantee: the Postman collection has every operation of the OpenAPI document, and its requests log somebody in.
test('the Postman collection is the whole API', async () => {
  const document = (await describeApi(modules, false)) as ApiDocument
  const collection = (await describeApi(modules, true)) as { info: { schema: string }; item: { item: Item[] }[] }
  assert.match(collection.info.schema, /v2\.1\.0\/collection\.json$/)
  const requests = collection.item.flatMap((folder) => folder.item)
  const listed = requests.map((r) => `${r.request.method} ${r.request.url.raw.replace('{{base}}', '')}`)
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  )
  assert.deepEqual(listed.sort(), operations.sort())

  await using app = await startApp({}, { worker: false })
  const send = async (name: string) => {
    const { request } = requests.find((r) => `${r.request.method} ${r.request.url.raw}` === name)!
    assert.equal(request.auth?.type, 'noauth', name)
    return app.call(request.method, request.url.raw.replace('{{base}}', ''), { body: JSON.parse(request.body!.raw) })
  }
  assert.equal((await send('POST {{base}}/api/auth/register')).status, 201)
  assert.equal((await send('POST {{base}}/api/auth/login')).status, 200)
  assert.equal((await send('POST {{base}}/api/login')).status, 200)
  assert.equal((await send('POST {{base}}/auth')).status, 200)
})
