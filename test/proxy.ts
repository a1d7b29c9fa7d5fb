import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut (connections are refused) or stalled (bytes no longer pass), and mended. */
export async function startProxy(target: { host: string; port: number }) {
  let mode: 'open' | 'cut' | 'stalled' = 'open'
  const pairs = new Set<[Socket, Socket]>()
  const server = createServer((incoming) => {
    if (mode === 'cut') return incoming.destroy()
    const outgoing = connect(target.port, target.host)
    const pair: [Socket, Socket] = [incoming, outgoing]
    pairs.add(pair)
    for (const [from, to] of [pair, [outgoing, incoming] as const]) {
      from.on('data', (bytes) => mode === 'open' && to.write(bytes))
      from.on('error', () => {})
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      mode = 'cut'
      cutAll()
    },
    stall() {
      mode = 'stalled'
    },
    mend() {
      // What was swallowed cannot be given back, so the stalled ones end.
      cutAll()
      mode = 'open'
    },
    async [Symbol.asyncDispose]() {
      cutAll()
      await new Promise((done) => server.close(done))
    },
  }
}
