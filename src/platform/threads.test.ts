import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/harness.ts'
import { AppError } from './errors.ts'
import { openThreads } from './threads.ts'

const file = new URL('../../test/drawing.ts', import.meta.url)
const newFlag = () => new Int32Array(new SharedArrayBuffer(8))
const letGo = (flag: Int32Array) => {
  Atomics.store(flag, 1, 1)
  Atomics.notify(flag, 1)
}
const busy = (error: unknown) => error instanceof AppError && error.status === 503 && error.code === 'request.busy'

// Guarantee: while a drawing keeps its processor, this thread goes on; a fault of one drawing is its own.
test('a drawing stops nobody else', async () => {
  const threads = openThreads()
  const flag = newFlag()
  const slow = threads.draw(file, { flag, words: 'slow' })
  const faulty = assert.rejects(threads.draw(file, { words: 'fault' }), /cannot be drawn/)
  const next = threads.draw(file, { words: 'next' })
  // On this thread nobody could let the first go on, and it would fail.
  await eventually('it is under way', () => Atomics.load(flag, 0) === 1)
  letGo(flag)
  assert.equal((await slow).toString(), 'slow')
  await faulty
  assert.equal((await next).toString(), 'next')
  await threads.close()
})

// Guarantee: no more wait than there are places, none longer than the deadline, and a drawing that hangs is ended: those
// behind it get a new thread.
test('waiting is bounded', async () => {
  const threads = openThreads({ waiting: 2, deadlineMs: 20_000 })
  const flag = newFlag()
  const running = threads.draw(file, { flag, words: 'running' })
  const waiting = ['0', '1'].map((words) => threads.draw(file, { words }))
  for (let i = 0; i < 3; i++) await assert.rejects(threads.draw(file, { words: 'one too many' }), busy)
  letGo(flag)
  assert.equal((await running).toString(), 'running')
  assert.deepEqual((await Promise.all(waiting)).map(String), ['0', '1'])
  assert.equal((await threads.draw(file, { words: 'again' })).toString(), 'again')
  await threads.close()

  const short = openThreads({ deadlineMs: 8000 })
  await Promise.all(
    ['hangs', 'waits for it'].map((words) => assert.rejects(short.draw(file, { flag: newFlag(), words }), busy)),
  )
  await eventually(
    'a new thread draws',
    async () => (await short.draw(file, { words: 'after' })).toString() === 'after',
  )
  await short.close()
})

// Guarantee: a thread that dies fails the drawing that it held, at once, and no other.
test('a thread that dies is replaced', async () => {
  const threads = openThreads({ deadlineMs: 600_000 })
  const dying = assert.rejects(threads.draw(file, { words: 'die' }), /ended/)
  const next = threads.draw(file, { words: 'next' })
  await dying
  assert.equal((await next).toString(), 'next')
  await threads.close()
})

// Guarantee: a stop ends what hangs and drops what waits; nothing is drawn after it.
test('a stop ends it', async () => {
  const threads = openThreads()
  const hanging = assert.rejects(threads.draw(file, { flag: newFlag(), words: 'hangs' }))
  const waiting = assert.rejects(threads.draw(file, { words: 'waits' }))
  await threads.close()
  await hanging
  await waiting
  await assert.rejects(threads.draw(file, { words: 'late' }), busy)
})

// Guarantee: what cannot be sent to the thread is a fault of that drawing alone: nothing is rejected that nobody listens to.
test('what cannot be sent fails alone', async () => {
  const unheard: unknown[] = []
  const hear = (error: unknown) => unheard.push(error)
  process.on('unhandledRejection', hear)
  const threads = openThreads()
  await assert.rejects(threads.draw(file, { words: () => 'no data' }), { name: 'DataCloneError' })
  assert.equal((await threads.draw(file, { words: 'next' })).toString(), 'next')
  await threads.close()
  await new Promise((done) => setImmediate(done))
  process.off('unhandledRejection', hear)
  assert.deepEqual(unheard, [])
})
