import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from './harness.ts'

/** The SMS gateway of its contract: keeps what it was sent, and refuses the first `failures` calls. */
export async function fakeGateway(failures = 0) {
  const sent: { path: string; body: { id: number; phone: number; text: string } }[] = []
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    if (failures-- > 0) return res.writeHead(503).end()
    sent.push({ path: req.url!, body: JSON.parse(body) })
    return res.writeHead(200, { 'content-type': 'application/json' }).end('{"code":0,"message":"OK"}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    codeFor: (phone: string, after = 0) =>
      eventually(`an SMS to ${phone}`, () => {
        const texts = sent.filter((s) => String(s.body.phone) === phone).slice(after)
        return texts.at(-1)?.body.text.split('#')[1]
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
