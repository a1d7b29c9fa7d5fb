// A gateway that only answers, after a while that the load does not change: no parser, no router. A process of its own.
import { createServer } from 'node:net'

const delayMs = Number(process.env.DELAY_MS ?? 0)
const body = '{"code":0,"message":"OK"}'
const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  // Requests of a few hundred bytes on one connection, the next after the answer: each arrives as one piece.
  socket.on('data', () => (delayMs ? setTimeout(() => socket.write(answer), delayMs) : socket.write(answer)))
}).listen(Number(process.env.PORT), '127.0.0.1', 4096)
