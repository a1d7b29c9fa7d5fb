// The least that a Fastify server can do: answer with the same bytes. A process of its own, as the product is.
import Fastify from 'fastify'

const bytes = Buffer.from(process.env.BODY ?? '', 'base64')
const app = Fastify()
app.get('/', (_req, reply) => reply.type('application/json; charset=utf-8').send(bytes))
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
