import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'

export type Arrived = { to: string; text: string }

/** A mail server on loopback, which keeps what it is sent; letters for which `takes` says no are never answered. */
export async function startMailbox({
  port = 0,
  takes = () => true,
}: {
  port?: number
  takes?: (nth: number) => boolean
} = {}) {
  const letters: Arrived[] = []
  const seen = { connections: 0, mostConnections: 0, begun: 0 }
  let open = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    closeTimeout: 100,
    onConnect(_session, done) {
      seen.connections++
      seen.mostConnections = Math.max(seen.mostConnections, ++open)
      done()
    },
    onClose: () => void open--,
    onData(stream, { envelope }, done) {
      const nth = ++seen.begun
      let text = ''
      stream.on('data', (part) => (text += part))
      stream.on('end', () => {
        if (!takes(nth)) return
        letters.push({ to: envelope.rcptTo.map((r) => r.address).join(), text })
        done()
      })
    },
  })
  // Whoever gives up on an answer resets its connection.
  server.on('error', () => {})
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  let closed: Promise<void> | undefined
  const close = () => (closed ??= new Promise<void>((done) => server.close(() => done())))
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    letters,
    seen,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A server that lets anybody connect and then does as told: by default it says nothing for ever. */
export async function startSilence(greet: (socket: Socket) => unknown = () => {}) {
  const sockets = new Set<Socket>()
  const endured: number[] = []
  const server = createServer((socket) => {
    const since = performance.now()
    sockets.add(socket)
    socket
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(socket)
        endured.push(performance.now() - since)
      })
    greet(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    /** How long, in ms, each of those that left had stayed. */
    endured,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await new Promise((done) => server.close(done))
    },
  }
}
