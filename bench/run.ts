// A table of ratios, measured in one run on this machine with nothing switched off: durable commits, jobs, stamps.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { modules } from '../src/app.ts'
import { startEmbeddedPostgres } from '../src/embedded-postgres/start.ts'
import { migrateJobs } from '../src/platform/jobs.ts'
import { createLogger } from '../src/platform/log.ts'
import { migrate } from '../src/platform/migrate.ts'
import { makeCrowd } from '../test/crowd.ts'
import { eventually, freePort, startProcess } from '../test/harness.ts'
import { prepareAudience } from './audience.ts'
import { prepareBilling } from './billing.ts'
import { prepareImport } from './importing.ts'
import { prepareFailing, prepareSending } from './mailings.ts'
import { caller, compare, rate } from './measure.ts'

const callers = 64
const seconds = 2
const payOne = `
  with made as (insert into collects.payments (collect_id, payer_id, amount, transaction_id)
    values ($1, $2, 5, gen_random_uuid()::text) returning amount)
  update collects.collects set collected_amount = collected_amount + (select amount from made),
    payments_count = payments_count + 1, donors_count = 1 where id = $1`
const orderOne = `
  with goods as materialized (select id from shop.products where id = any($2::bigint[]) order by id for no key update),
  sold as (
    update shop.products p set stock = stock - 1 from goods g where p.id = g.id and stock > 0 returning p.id, name, price),
  made as (insert into shop.orders (user_id, total_price) select $1, sum(price) from sold returning id)
  insert into shop.order_items (order_id, position, product_id, name, quantity, price_at_purchase)
  select m.id, row_number() over (), s.id, s.name, 1, s.price from made m, sold s`

await using stack = new AsyncDisposableStack()
const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'dvor-bench-')), (f) =>
  rmSync(f, { recursive: true, force: true }),
)
chmodSync(folder, 0o755)
const log = createLogger({ LOG_LEVEL: 'warn', LOG_FORMAT: 'pretty' })
const server = stack.adopt(await startEmbeddedPostgres({ dataDir: folder, log }), (s) => s.stop())
await migrate(server.url)
await migrateJobs(server.url, Object.assign({}, ...modules.map((m) => m.jobs ?? {})))
const crowd = await makeCrowd(server.url, callers)
const pool = stack.adopt(new pg.Pool({ connectionString: server.url, max: 4 }), (p) => p.end())
pool.on('error', () => {})
await pool.query(
  `insert into collects.collects (author_id, title, occasion, ends_at) select $1, 'Сбор ' || n, 'yard', '2099-01-01' from generate_series(1, 1001) n`,
  [crowd[0]!.id],
)
await pool.query(
  `insert into shop.products (name, price, stock, category) select 'Товар ' || n, 10 + n, 1000000000, 'home' from generate_series(1, 1000) n`,
)

const api = stack.use(
  await startProcess(['api'], { DATABASE_URL: server.url, DATA_DIR: folder, LOG_LEVEL: 'warn', RATE_LIMITS: 'off' }),
)
await api.ready()
const product = stack.adopt(caller(api.url, callers), (c) => c.close())
const detail = await product.call('GET', '/api/collects/1', 200)
const port = await freePort()
stack.adopt(
  spawn(process.execPath, ['bench/bare.ts'], {
    env: { ...process.env, PORT: String(port), BODY: detail.toString('base64') },
    stdio: 'inherit',
  }),
  (child) => void child.kill(),
)
const bare = stack.adopt(caller(`http://127.0.0.1:${port}`, callers), (c) => c.close())
await eventually('the bare server answers', () => bare.call('GET', '/', 200))

const anyOf = (n: number) => 2 + Math.floor(Math.random() * n)
const pay = (collect: () => number) => () =>
  rate(callers, seconds, async (i) => {
    const headers = { ...crowd[i]!.headers, 'content-type': 'application/json' }
    await product.call('POST', '/api/payments', 201, headers, JSON.stringify({ collect: collect(), amount: '5.00' }))
  })
const payBare = (collect: () => number) => () =>
  rate(4, seconds, async (i) => {
    await pool.query({ name: 'pay-one', text: payOne, values: [collect(), crowd[i]!.id] })
  })
/** Three different products; the first is the hot one. */
const three = (hot: boolean) => {
  const among = (from: number) => from + Math.floor(Math.random() * 333)
  return [hot ? 1 : among(1), among(334), among(667)]
}
const order = (hot: boolean) => () =>
  rate(callers, seconds, async (i) => {
    const headers = { ...crowd[i]!.headers, 'content-type': 'application/json' }
    const items = three(hot).map((id) => ({ product: id, quantity: 1 }))
    await product.call('POST', '/api/orders', 201, headers, JSON.stringify({ items }))
  })
const orderBare = (hot: boolean) => () =>
  rate(4, seconds, async (i) => {
    await pool.query({ name: 'order-one', text: orderOne, values: [crowd[i]!.id, three(hot)] })
  })

// `npm run bench -- run` measures the rows alone whose name has the word.
const only = process.argv[2] ?? ''
const rows: [string, string, number, number][] = []
async function claim(what: string, against: string, ours: () => Promise<number>, theirs: () => Promise<number>) {
  if (!what.includes(only)) return
  const rates = await compare([
    { name: 'ours', run: ours },
    { name: 'theirs', run: theirs },
  ])
  rows.push([what, against, rates.get('ours')!, rates.get('theirs')!])
}
await claim(
  'cached, exact GET of a collect',
  'a bare Fastify handler with the same bytes',
  () => rate(callers, seconds, async () => void (await product.call('GET', '/api/collects/1', 200))),
  () => rate(callers, seconds, async () => void (await bare.call('GET', '/', 200))),
)
await claim(
  'payment with its letter, one collect, by HTTP',
  'one statement a payment, 4 connections, no HTTP',
  pay(() => 1),
  payBare(() => 1),
)
await claim(
  'payment with its letter, 1,000 collects, by HTTP',
  'the same, spread',
  pay(() => anyOf(1000)),
  payBare(() => anyOf(1000)),
)
await claim(
  'order of 3 with its document job, one hot product, by HTTP',
  'one statement an order, 4 connections, no HTTP',
  order(true),
  orderBare(true),
)
await claim(
  'order of 3 with its document job, 1,000 products, by HTTP',
  'the same, spread',
  order(false),
  orderBare(false),
)

const importing = prepareImport(pool, { product, headers: crowd[0]!.headers })
await claim(
  'clients imported from a CSV, by HTTP',
  'COPY of the same rows into the same table',
  importing.imported,
  importing.copied,
)

const billing = stack.use(
  await prepareBilling(
    pool,
    { url: api.url, product, headers: crowd[0]!.headers },
    { DATABASE_URL: server.url, DATA_DIR: folder, LOG_LEVEL: 'warn', RATE_LIMITS: 'off' },
  ),
)
await claim(
  'flats of a monthly run, bills and lines',
  'one INSERT … SELECT of the same rows',
  billing.flatsPerSecond,
  billing.insertOnly,
)
await claim(
  'answers of the API to one caller during a run (1 / median latency)',
  'the same without a run',
  billing.answersDuring,
  billing.answersWithout,
)

{
  await using audience = await prepareAudience(pool, { url: api.url, headers: crowd[0]!.headers })
  await claim(
    'messages of an audience with local hours and a stop list, by HTTP and the clock',
    'one INSERT … SELECT of the same rows',
    audience.messagesPerSecond,
    audience.insertOnly,
  )
}
const sending = { DATABASE_URL: server.url, DATA_DIR: folder, LOG_LEVEL: 'warn', RATE_LIMITS: 'off' }
{
  await using to = await prepareSending(pool, sending, { concurrency: 64, delayMs: 0, messages: 20_000 })
  await claim(
    'messages sent and recorded, 64 at once',
    'bare POSTs of undici, 64 at once, to the same sink',
    to.sentPerSecond,
    to.barePerSecond,
  )
}
for (const concurrency of [64, 256, 1024]) {
  const most = concurrency / 0.05
  await using to = await prepareSending(pool, sending, { concurrency, delayMs: 50, messages: most * 4 })
  await claim(
    `messages sent and recorded to a sink that takes 50 ms, ${concurrency} at once`,
    `${concurrency} ÷ 50 ms`,
    to.sentPerSecond,
    async () => most,
  )
}
{
  await using beside = await prepareFailing(pool, sending, { product, headers: crowd[0]!.headers })
  await claim(
    'answers of the API to one caller beside a gateway that fails (1 / median latency)',
    'the same beside one that answers',
    beside.whileItFails,
    beside.whileItAnswers,
  )
}

console.log('\n| work | against | ours /s | theirs /s | ratio |\n|---|---|---|---|---|')
for (const [what, against, ours, theirs] of rows) {
  console.log(`| ${what} | ${against} | ${ours.toFixed(0)} | ${theirs.toFixed(0)} | ${(ours / theirs).toFixed(2)} |`)
}
