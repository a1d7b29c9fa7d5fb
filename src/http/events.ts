import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../platform/errors.ts'
import type { Platform } from '../platform/module.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Event streams that are open; each is ended by its function. */
    streams: Map<() => void, number | undefined>
  }
}

/** What a stream tells: the state of one thing, `id` by what is in it. Nothing follows one that is `done`. */
export type State = { id: string; data: unknown; done?: boolean }

const mostStreams = 2000
const mostOfUser = 20
/** What a reader may have left unread when there is more to tell. */
const mostUnreadBytes = 64 << 10
/** Changes that follow each other faster become one event. */
const gapMs = 200

/**
 * Answers with server-sent events: the state now, unless Last-Event-ID says that the caller has it, and again whenever the
 * topic is notified or `everyMs` passed and its id is another; if it is not, a sign of life. What `read` throws before the
 * first event is the answer. A stream ends with a state that is done, after `lifeMs`, so that the caller is asked again who
 * they are, and at a stop; a browser resumes by itself, and hears 204 where nothing will ever follow.
 */
export async function streamEvents(
  { notices, log }: Pick<Platform, 'notices' | 'log'>,
  req: FastifyRequest,
  reply: FastifyReply,
  options: { topic: string; read(): Promise<State>; everyMs?: number; lifeMs?: number },
): Promise<void> {
  const { topic, read, everyMs = 15_000, lifeMs = 15 * 60_000 } = options
  const { streams } = req.server
  const user = req.viewer?.id
  const isFull = streams.size >= mostStreams || [...streams.values()].filter((id) => id === user).length >= mostOfUser
  if (isFull) throw new AppError(503, 'request.busy', {}, { retryAfterSeconds: 5 })

  let isNoticed = false
  let isOver = false
  let wake = () => {}
  const sleep = (ms: number, enough: () => boolean) =>
    new Promise<void>((done) => {
      const timer = setTimeout(done, ms)
      wake = () => {
        if (!enough()) return
        clearTimeout(timer)
        done()
      }
      wake()
    })
  const end = () => {
    isOver = true
    wake()
  }
  streams.set(end, user)
  // Before the first look, so that no change falls between the two.
  const off = notices.on(topic, () => {
    isNoticed = true
    wake()
  })
  let life: NodeJS.Timeout | undefined
  try {
    let state = await read()
    const known = req.headers['last-event-id']
    if (state.done && state.id === known) return void (await reply.code(204).send())
    if (req.method === 'HEAD') return void (await reply.type('text/event-stream').send())

    reply.header('content-type', 'text/event-stream; charset=utf-8').header('x-accel-buffering', 'no')
    reply.hijack()
    const { raw } = reply
    raw.once('close', end)
    // A quiet stream is no idle connection.
    req.raw.socket.setTimeout(0)
    raw.writeHead(200, reply.getHeaders() as Record<string, string>)
    raw.flushHeaders()
    life = setTimeout(end, lifeMs)
    const write = (text: string) => {
      if (raw.writableLength <= mostUnreadBytes) return void raw.write(text)
      log.debug({ user_id: user }, 'an event stream is cut, for nobody reads it')
      raw.destroy()
    }

    let sent = known
    while (!isOver) {
      if (state.id !== sent) write(`id: ${state.id}\ndata: ${JSON.stringify(state.data)}\n\n`)
      else write(':\n\n')
      sent = state.id
      if (state.done) break
      await sleep(gapMs, () => isOver)
      await sleep(everyMs, () => isOver || isNoticed)
      isNoticed = false
      if (!isOver)
        state = await read().catch((error) => {
          // What the caller may no longer see ends the stream; a database that is away comes back.
          if (error instanceof AppError && error.status < 500) end()
          else log.debug({ err: error }, 'an event stream waits for the database')
          return state
        })
    }
    if (!raw.destroyed) raw.end()
    // Who does not even read the end holds up no stop.
    const cut = setTimeout(() => raw.destroy(), 1000)
    raw.once('close', () => clearTimeout(cut))
  } finally {
    clearTimeout(life)
    off()
    streams.delete(end)
  }
}
