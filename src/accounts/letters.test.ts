import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  drainJobs,
  eventually,
  type Json,
  logInAdmin,
  type Person,
  person,
  startApp,
  type TestApp,
} from '../../test/harness.ts'
import { startMailbox } from '../../test/mailbox.ts'
import { codeSecret } from './codes.ts'
import { releaseHeld } from './letters.ts'

let app: TestApp
let mailbox: Awaited<ReturnType<typeof startMailbox>>
before(async () => {
  mailbox = await startMailbox()
  app = await startApp({ RATE_LIMITS: 'on', MAIL_URL: mailbox.url })
})
after(async () => {
  await app[Symbol.asyncDispose]()
  await mailbox.close()
})

async function openCollects({ token }: { token: string }, count: number): Promise<void> {
  const collect = { title: 'Buy at evil.example', occasion: 'yard', ends_at: '2027-12-31T00:00:00Z' }
  for (let i = 0; i < count; i++) assert.equal((await app.post('/api/collects', collect, { token })).status, 201)
  await drainJobs(app)
}
const arrived = (to: string) => mailbox.letters.filter((l) => l.to === to)
const aboutCollects = (to: string) => arrived(to).filter((l) => /Message-ID: <collect-/i.test(l.text))
const outbox = async (to: string): Promise<Json[]> => {
  const token = await logInAdmin(app)
  const { body } = await app.get('/api/outbox?kind=email&page_size=100', { token })
  return body.results.filter((l: Json) => l.to === to)
}
/** Follows the newest link that was sent to an address. */
async function confirm(to: string): Promise<void> {
  await drainJobs(app)
  const { rows } = await app.platform.pool.query('select max(id) id from accounts.codes where email = $1', [to])
  const link = await codeSecret.reveal(app.platform, rows[0].id)
  assert.equal((await app.post('/api/auth/email/confirm', { token: link })).status, 204)
}
const move = async ({ token }: Person, email: string) =>
  assert.equal((await app.patch('/api/profile', { email }, { token })).status, 200)

// Guarantee: to an address that nobody confirmed go three letters a day besides the one that confirms it; the others are
// held, which the outbox says, and go when it is confirmed, each once.
test('a foreign mailbox is not filled', async () => {
  const mallory = await person(app)
  await openCollects(mallory, 40)
  assert.equal(arrived(mallory.email).length, 4)
  assert.equal(aboutCollects(mallory.email).length, 3)
  const states = (await outbox(mallory.email)).map((l) => l.state)
  assert.equal(states.filter((s) => s === 'held').length, 37)
  assert.equal(states.filter((s) => s === 'sent').length, 4)

  await releaseHeld(app.platform)
  await drainJobs(app)
  assert.equal(arrived(mallory.email).length, 4, 'nothing goes before')
  await confirm(mallory.email)
  await eventually('all of them went', () => aboutCollects(mallory.email).length === 40)
  await openCollects(mallory, 5)
  assert.equal(new Set(aboutCollects(mallory.email).map((l) => /Message-ID: <(\S+)>/i.exec(l.text)![1])).size, 45)
  assert.equal(aboutCollects(mallory.email).length, 45)
  assert.ok((await outbox(mallory.email)).every((l) => l.state === 'sent'))
  await app.audit()
})

// Guarantee: the three are counted for the account, whatever address it takes, and for the address, whoever has it.
test('changing hands or addresses gives no more letters', async () => {
  const [one, other] = [await person(app), await person(app)]
  const [first, second] = [one.email, `second-${one.email}`]
  await openCollects(one, 3)
  await move(one, second)
  await openCollects(one, 1)
  assert.deepEqual(aboutCollects(second), [])
  await move(other, first)
  await openCollects(other, 1)
  assert.equal(aboutCollects(first).length, 3)
})

// Guarantee: a letter that was held goes to the address that the account has confirmed, never to the one it had.
test('a held letter does not go to an old address', async () => {
  const anna = await person(app)
  const [old, now] = [anna.email, `now-${anna.email}`]
  await openCollects(anna, 5)
  await move(anna, now)
  await confirm(now)
  await eventually('the held ones went', () => aboutCollects(now).length === 2)
  assert.equal(aboutCollects(old).length, 3)

  // Its address changes again in the instant in which it is let go, before its job runs: it is held anew.
  const boris = await person(app)
  await openCollects(boris, 5)
  const { pool } = app.platform
  await pool.query('update accounts.users set email_confirmed_at = now() where id = $1', [boris.id])
  await pool.query(`
    create function public.move_boris() returns trigger language plpgsql as $$ begin
      update accounts.users set email = 'moved-' || email, email_confirmed_at = null where id = ${boris.id} and email_confirmed_at is not null;
      return new; end $$;
    create trigger move_boris before insert on pgboss.job for each row execute function public.move_boris()`)
  await releaseHeld(app.platform)
  await pool.query('drop function public.move_boris() cascade')
  await drainJobs(app)
  assert.equal(aboutCollects(boris.email).length, 3)
  assert.deepEqual(
    (await outbox(`moved-${boris.email}`)).map((l) => l.state),
    ['held', 'held'],
  )
})

// Guarantee: a confirmation that commits between the look at the address and the holding of its letter strands no letter.
test('a letter held too late is found', async () => {
  const vera = await person(app)
  await openCollects(vera, 4)
  assert.equal(aboutCollects(vera.email).length, 3)
  // As it stands when the confirmation wakes the loop before the letter is entered: nobody wakes it again.
  await app.platform.pool.query('update accounts.users set email_confirmed_at = now() where id = $1', [vera.id])
  await releaseHeld(app.platform)
  await eventually('it went', () => aboutCollects(vera.email).length === 4)
})
