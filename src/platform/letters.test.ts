import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeCrowd } from '../../test/crowd.ts'
import { cloneDatabase, drainJobs, eventually, logInAdmin, startApp, type TestApp } from '../../test/harness.ts'
import { startMailbox, startSilence } from '../../test/mailbox.ts'
import { buy } from '../../test/shop.ts'
import { type Letter, type Recipient, sendLetters } from './letters.ts'
import { openMail } from './mail.ts'

/** Payments by one person into a new collect, each with its letter. */
async function payments(app: TestApp, token: string, count: number): Promise<void> {
  const collect = { title: 'Ёлка', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  const { id } = (await app.post('/api/collects', collect, { token })).body
  const paid = Array.from({ length: count }, () => app.post('/api/payments', { collect: id, amount: 5 }, { token }))
  for (const { status } of await Promise.all(paid)) assert.equal(status, 201)
}
const states = async ({ platform }: TestApp) => {
  const { rows } = await platform.pool.query(
    `select count(*) filter (where state = 'sent')::int sent, count(*) filter (where state <> 'sent')::int waiting,
       max(error) error from platform.outbox where key ~ '^(payment|order)-'`,
  )
  return rows[0] as { sent: number; waiting: number; error: string | null }
}

// Guarantee: however many letters there are, the mail server sees no more than five connections at once, and few at all.
test('two hundred letters over five connections', async () => {
  await using mailbox = await startMailbox()
  await using app = await startApp({ MAIL_URL: mailbox.url })
  await payments(app, await logInAdmin(app), 200)
  await drainJobs(app)
  const paid = mailbox.letters.filter((l) => /Message-ID: <payment-/i.test(l.text))
  assert.equal(paid.length, 200)
  assert.ok(mailbox.seen.mostConnections <= 5, `${mailbox.seen.mostConnections} at once`)
  assert.ok(mailbox.seen.connections <= 15, `${mailbox.seen.connections} connections`)
  assert.deepEqual(await states(app), { sent: 200, waiting: 0, error: null })
})

// Guarantee: each letter is marked as it goes, so a crash in the middle of fifty repeats only those under way.
test('letters are marked one by one', async () => {
  await using mailbox = await startMailbox({ takes: (nth) => nth <= 7 })
  await using app = await startApp({ MAIL_URL: `${mailbox.url}/?socketTimeout=60000` })
  await payments(app, await logInAdmin(app), 20)
  await eventually('what arrived is marked while the rest hangs', async () => {
    const arrived = mailbox.letters.filter((l) => /Message-ID: <payment-/i.test(l.text)).length
    return mailbox.letters.length === 7 && (await states(app)).sent === arrived
  })
  assert.ok(mailbox.seen.begun <= 12)
  // Or the stop would wait for them.
  await mailbox.close()
})

// Guarantee: a server that takes connections and says nothing is given up in time; meanwhile a hundred orders get their
// documents, and nothing but letters waits.
test('a silent mail server holds up nothing but letters', async () => {
  await using silence = await startSilence()
  const database = await cloneDatabase()
  const people = await makeCrowd(database.url, 100, true)
  {
    await using app = await startApp({ MAIL_URL: silence.url }, { databaseUrl: database.url })
    const product = { name: 'Полка', price: '100.00', stock: 1000, category: 'home' }
    const { id } = (await app.post('/api/products', product, { headers: people[0]!.headers })).body
    const answers = await Promise.all(people.map((one) => buy(app, '', [[id, 1]], one.headers)))
    assert.ok(answers.every((a) => a.status === 201))
    const { pool } = app.platform
    const undocumented = `select count(*)::int n from shop.orders where document is null`
    await eventually(
      'every order has its document',
      async () => (await pool.query(undocumented)).rows[0].n === 0,
      60_000,
    )
    assert.equal((await states(app)).sent, 0)
    assert.ok(silence.sockets.size <= 5)
    const failed = await eventually('a letter gives up', async () => (await states(app)).error, 60_000)
    assert.match(failed, /greeting/i)
    // The greeting is awaited for 10 s; by default it would be 30.
    assert.ok(silence.endured.length > 0 && silence.endured.every((ms) => ms < 25_000), silence.endured.join())
    await silence[Symbol.asyncDispose]()
  }
  await database.drop()
})

const message = { key: 'a', to: 'anna@example.org', subject: 'x', text: 'x', html: 'x' }

// Guarantee: a server that drips its answers for ever is cut off at the deadline, and the next letter is not in its way.
test('a dripping mail server is cut off', async () => {
  let sound = false
  await using drip = await startSilence(async (socket) => {
    while (!socket.destroyed && !sound) {
      socket.write('220-x\r\n')
      await pause(20)
    }
    socket.end('554 not today\r\n')
  })
  const mail = openMail({ MAIL_URL: drip.url, MAIL_FROM: 'a@example.org', DATA_DIR: '' } as never, 500)
  const never = new AbortController().signal
  await Promise.all(Array.from({ length: 7 }, () => assert.rejects(mail.deliver(message, never), /timeout|abort/i)))
  sound = true
  await assert.rejects(mail.deliver(message, never), /554/)
  mail.close()
})

// Guarantee: when the signal of its job comes, a letter under way is cut off, and one that was not begun never begins.
test('letters end with the signal of their job', async () => {
  await using mailbox = await startMailbox({ takes: () => false })
  await using app = await startApp({ MAIL_URL: mailbox.url }, { worker: false })
  const stop = new AbortController()
  const recipient: Recipient = { user_id: null, email: 'a@example.org', locale: null, confirmed: true }
  const rows = Array.from({ length: 9 }, (_, id) => ({ ...recipient, id }))
  const jobs = rows.map(({ id }) => ({ id: `${id}`, kind: 'test', data: { id }, attempt: 1, signal: stop.signal }))
  const letterOf = ({ id }: { id: number }): Letter => {
    if (id === 8) throw new Error('cannot be written')
    return { key: `test-${id}`, subject: 'x', paragraphs: ['x'] }
  }
  const sent = sendLetters(app.platform, jobs, (data) => data.id, rows, letterOf)
  await eventually('five are under way', () => mailbox.seen.begun === 5)
  stop.abort(new Error('the worker stops'))
  const outcomes = await sent
  assert.ok(outcomes.every((o) => o instanceof Error))
  assert.match(outcomes[8]!.message, /cannot be written/)
  const again = await sendLetters(app.platform, jobs, (data) => data.id, rows, letterOf)
  assert.ok(again.every((o) => o instanceof Error))
  assert.equal(mailbox.seen.begun, 5)
})
