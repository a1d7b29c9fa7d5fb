import { availableParallelism } from 'node:os'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
import { AppError } from './errors.ts'

/** Work in libuv's threads that takes a core for long: hashing a password, turning an image into another. */
export type Heavy = <T>(kind: 'hash' | 'image', work: () => Promise<T>) => Promise<T>

/**
 * Bounds heavy work: each kind has slots and a queue of its own, so that a pile of images holds up no login, and together
 * they leave two of libuv's threads to files, names of hosts and new database connections. A full queue is 503.
 */
export function openHeavy(threads = Number(process.env.UV_THREADPOOL_SIZE) || 4): Heavy {
  const slots = Math.min(availableParallelism() - 1, threads - 2)
  const images = Math.max(1, Math.floor(slots / 4))
  const kinds = {
    // A hash is about 20 ms of a core, so that the last in the queue waits for seconds, not for minutes.
    hash: bulkhead(Math.max(1, slots - images), 500),
    // The largest image is a second or two, and each that waits holds up to 2 MiB.
    image: bulkhead(images, 16),
  }
  return (kind, work) =>
    kinds[kind].execute(work).catch((error) => {
      throw error instanceof BulkheadRejectedError
        ? new AppError(503, 'request.busy', {}, { retryAfterSeconds: 5 })
        : error
    })
}
