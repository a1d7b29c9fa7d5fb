import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { AppError } from './errors.ts'

export type Threads = {
  /** Gives plain data to the default export of a file in a thread of its own, and takes the bytes that it makes. */
  draw<Input>(file: URL, input: Input): Promise<Buffer>
  /** Drops what waits and ends the thread. */
  close(): Promise<void>
}

/**
 * One thread for what keeps a processor busy, such as setting a PDF, begun at the first need; drawings take turns. So
 * many wait, and each has `deadlineMs` for its wait and itself: one that finds no place or is late is a 503, to be tried
 * again.
 */
export function openThreads({ waiting = 64, deadlineMs = 30_000 } = {}): Threads {
  const stop = new AbortController()
  const busy = (cause?: unknown) => new AppError(503, 'request.busy', {}, { retryAfterSeconds: 5, cause })
  let thread: Worker | undefined
  let places = waiting + 1
  let last: Promise<unknown> = Promise.resolve()

  function begin(): Worker {
    const worker = new Worker(new URL('./drawing-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    })
    // One that dies takes nobody with it but the drawing that it holds, which hears of it as of an error.
    worker.on('error', () => {})
    worker.once('exit', () => {
      if (thread === worker) thread = undefined
      worker.emit('error', new Error('the drawing thread ended'))
    })
    return worker
  }

  async function drawNow(file: URL, input: unknown, signal: AbortSignal): Promise<Buffer> {
    if (signal.aborted) throw busy(signal.reason)
    thread ??= begin()
    const worker = thread
    worker.ref()
    try {
      // Throws for what cannot be sent; an answer comes in a later turn than this one.
      worker.postMessage({ file: file.href, input })
      // Rejects when the thread dies, too.
      const [{ bytes, error }] = await once(worker, 'message', { signal })
      if (error) throw error
      // An idle thread keeps no process alive.
      worker.unref()
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    } catch (error) {
      // A fault of one drawing may have left anything behind, and one that is late is still under way.
      await worker.terminate()
      throw signal.aborted ? busy(error) : error
    }
  }

  return {
    async draw(file, input) {
      if (places === 0) throw busy()
      places--
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(deadlineMs)])
      // Who came before ends before, so nobody waits beyond their own deadline.
      const turn = last.then(() => drawNow(file, input, signal))
      last = turn.catch(() => {})
      try {
        return await turn
      } finally {
        places++
      }
    },
    async close() {
      stop.abort()
      await last
      await thread?.terminate()
    },
  }
}
