import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Config } from './config.ts'

export const registry = new Registry()
collectDefaultMetrics({ register: registry })

const registers = [registry]

export const requestSeconds = new Histogram({
  name: 'dvor_http_request_seconds',
  help: 'Time to answer, by route and status',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
  registers,
})
export const transactionRepeats = new Counter({
  name: 'dvor_transaction_repeats_total',
  help: 'Transactions repeated after a deadlock or a broken serialisation',
  registers,
})
export const batchSize = new Histogram({
  name: 'dvor_batch_size',
  help: 'Calls that became one transaction',
  labelNames: ['batch'],
  buckets: [1, 2, 5, 10, 50, 200, 1000],
  registers,
})
export const batchSplits = new Counter({
  name: 'dvor_batch_splits_total',
  help: 'Batches that failed as a whole and were run one by one',
  labelNames: ['batch'],
  registers,
})
export const cacheReads = new Counter({
  name: 'dvor_cache_reads_total',
  help: 'Cached answers: hit, miss, or the store failed',
  labelNames: ['result'],
  registers,
})
export const jobsDone = new Counter({
  name: 'dvor_jobs_total',
  help: 'Jobs by queue and outcome',
  labelNames: ['queue', 'outcome'],
  registers,
})
export const outgoingSeconds = new Histogram({
  name: 'dvor_outgoing_seconds',
  help: 'Calls of outside endpoints, by status or the reason why there was no answer',
  labelNames: ['endpoint', 'outcome'],
  buckets: [0.01, 0.05, 0.2, 1, 5, 10],
  registers,
})
export const outgoingBreaker = new Gauge({
  name: 'dvor_outgoing_breaker',
  help: 'Whether an outside endpoint is called: 0 yes, 1 one call tries it, 2 it is left alone',
  labelNames: ['endpoint'],
  registers,
})
export const mailingAttempts = new Counter({
  name: 'dvor_mailing_attempts_total',
  help: 'Calls of the gateway for messages of mailings, by what they came to',
  labelNames: ['outcome'],
  registers,
})
export const mailingMessages = new Gauge({
  name: 'dvor_mailing_messages',
  help: 'Messages of all mailings by status',
  labelNames: ['status'],
  registers,
})
export const mailingLag = new Gauge({
  name: 'dvor_mailing_lag_seconds',
  help: 'For how long the message that waits longest is due, of mailings that run and are not paused',
  registers,
})
export const databaseConnections = new Gauge({
  name: 'dvor_database_connections',
  help: 'Connections of this process',
  labelNames: ['state'],
  registers,
})

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** Whether a request may read the metrics: it comes from this machine and through no proxy, or bears METRICS_TOKEN. */
export function mayReadMetrics({ METRICS_TOKEN, TRUST_PROXY }: Config, req: FastifyRequest): boolean {
  const isProxied = req.headers['x-forwarded-for'] !== undefined || req.headers.forwarded !== undefined
  if (/^(127\.|::1$|::ffff:127\.)/.test(req.ip) && (TRUST_PROXY.length > 0 || !isProxied)) return true
  const given = /^bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  return METRICS_TOKEN !== '' && given !== undefined && timingSafeEqual(sha256(given), sha256(METRICS_TOKEN))
}
