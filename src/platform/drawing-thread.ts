import { parentPort } from 'node:worker_threads'

/** The other end of `threads.ts`: one file and its input at a time, answered by bytes or by what went wrong. */
parentPort!.on('message', async ({ file, input }) => {
  try {
    const { default: draw } = await import(file)
    parentPort!.postMessage({ bytes: await draw(input) })
  } catch (error) {
    parentPort!.postMessage({ error })
  }
})
