import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { modules } from '../src/app.ts'
import { auditModules } from '../src/audit.ts'
import { type Answer, type Client, eventually } from './harness.ts'
import { size } from './size.ts'
import { startWorld } from './world.ts'

const kopecks = (amount: string) => Math.round(Number(amount) * 100)
const endsAt = '2027-12-31T00:00:00Z'

// Guarantee: after kill -9 in the middle of a thousand payments every acknowledged one is there, those retried with
// their key are there once, each payer has exactly one letter, and the audit is clean.
test('kill -9 among payments loses and repeats nothing', async () => {
  const people = 1000
  for (let round = 0; round < size(1, 10); round++) {
    await using world = await startWorld({ commands: ['start'], people, email: true })
    let api = world.apis[0]!
    const { id } = (
      await api.post(
        '/api/collects',
        { title: 'Ёлка', occasion: 'yard', ends_at: endsAt },
        { headers: world.crowd[0]!.headers },
      )
    ).body
    const acknowledged = new Map<number, string>()
    const pay = async (i: number): Promise<Answer> => {
      const headers = { ...world.crowd[i]!.headers, 'idempotency-key': `pay-${i}` }
      const answer = await api.post('/api/payments', { collect: id, amount: `${1 + i}.00` }, { headers })
      if (answer.status === 201) {
        const before = acknowledged.get(answer.body.id)
        if (before) assert.equal(answer.text, before, 'a replay differs from what was acknowledged')
        acknowledged.set(answer.body.id, answer.text)
        if (acknowledged.size === 300) world.processes[0]!.kill('SIGKILL')
      }
      return answer
    }
    // In a few waves, so that the kill falls among batches and not behind them.
    const lost: number[] = []
    for (let wave = 0; wave < 10; wave++) {
      const members = Array.from({ length: people / 10 }, (_, i) => wave * (people / 10) + i)
      const answers = await Promise.allSettled(members.map(pay))
      answers.forEach((a, i) => {
        if (a.status === 'rejected' || a.value.status !== 201) lost.push(members[i]!)
      })
    }
    assert.ok(lost.length > 0, 'the kill came too late to lose an answer')
    await world.processes[0]!.exited
    api = (await world.restart('start')).api

    // Everybody tries again, also those who were told yes.
    const again = await Promise.all(Array.from({ length: people }, (_, i) => pay(i)))
    assert.deepEqual([...new Set(again.map((a) => a.status))], [201])
    assert.equal(acknowledged.size, people)
    const feed = await world.pool.query(
      'select count(*)::int n, sum(amount) sum from collects.payments where collect_id = $1',
      [id],
    )
    assert.deepEqual([feed.rows[0].n, kopecks(feed.rows[0].sum)], [people, (people * (people + 1) * 100) / 2])

    const letters = await eventually(
      'each payment has its letter',
      async () => {
        const sent = await world.pool.query(
          `select key from platform.outbox where key like 'payment-%' and state = 'sent'`,
        )
        return sent.rows.length >= people && sent.rows
      },
      60_000,
    )
    assert.equal(letters.length, people)
    const files = readdirSync(join(world.folder, 'emails')).filter((f) => f.startsWith('payment-'))
    assert.equal(files.length, people)
    assert.deepEqual(
      (await auditModules({ pool: world.pool }, modules)).filter((r) => r.broken),
      [],
    )
  }
})

// Guarantee: group commits over many collects in two processes, with edits, refunds and closes among them, lose no
// transaction to a deadlock that a client would hear of.
test('no deadlock reaches a client', { timeout: 200_000 }, async () => {
  const collects = size(100, 1000)
  const seconds = size(5, 60)
  await using world = await startWorld({ commands: ['api', 'api'], people: 40 })
  const author = world.crowd[0]!.headers
  const { rows } = await world.pool.query(
    `insert into collects.collects (author_id, title, occasion, ends_at)
     select $1, 'Сбор ' || n, 'yard', '2027-12-31' from generate_series(1, $2) n returning id::int`,
    [world.crowd[0]!.id, collects],
  )
  const ids = rows.map((r) => r.id as number)
  const any = <T>(list: T[]): T => list[Math.floor(Math.random() * list.length)]!
  const paid: number[] = []
  const counts: Record<string, number> = {}
  const bad: string[] = []
  const until = performance.now() + seconds * 1000
  const note = (what: string, answer: Answer) => {
    const key = `${what} ${answer.status}`
    counts[key] = (counts[key] ?? 0) + 1
    if (answer.status >= 500) bad.push(`${what}: ${answer.text}`)
  }
  const busy = async (api: Client, i: number) => {
    while (performance.now() < until) {
      const die = Math.random()
      if (die < 0.75) {
        const answer = await api.post(
          '/api/payments',
          { collect: any(ids), amount: 1 },
          { headers: world.crowd[i % 40]!.headers },
        )
        note('pay', answer)
        if (answer.status === 201) paid.push(answer.body.id)
      } else if (die < 0.85)
        note('edit', await api.patch(`/api/collects/${any(ids)}`, { description: `правка ${i}` }, { headers: author }))
      else if (die < 0.97 && paid.length)
        note('refund', await api.post(`/api/payments/${any(paid)}/refund`, {}, { headers: author }))
      else if (die > 0.998) note('close', await api.post(`/api/collects/${any(ids)}/close`, {}, { headers: author }))
    }
  }
  await Promise.all(Array.from({ length: 64 }, (_, i) => busy(world.apis[i % 2]!, i)))
  const repeats = await Promise.all(
    world.apis.map(async (api) =>
      Number(/dvor_transaction_repeats_total (\d+)/.exec((await api.get('/metrics')).text)?.[1] ?? 0),
    ),
  )
  process.stderr.write(`${JSON.stringify(counts)} repeated transactions: ${repeats.join(' + ')}\n`)
  assert.deepEqual(bad.slice(0, 3), [])
  assert.ok((counts['pay 201'] ?? 0) > 100)
  assert.deepEqual(
    (await auditModules({ pool: world.pool }, modules)).filter((r) => r.broken),
    [],
  )
})
