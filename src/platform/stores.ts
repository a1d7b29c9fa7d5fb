import { createHmac, timingSafeEqual } from 'node:crypto'
import { createClient, RESP_TYPES } from '@redis/client'
import { LRUCache } from 'lru-cache'
import memjs from 'memjs'
import type { Encoding } from './compression.ts'
import type { Logger } from './log.ts'

/**
 * An answer as it is sent. `validUntil` (ms, the database's clock): when the clock alone changes it. `small`: its bytes in
 * the encodings that somebody has asked for.
 */
export type CachedAnswer = { body: Buffer; etag: string; validUntil: number; small?: Partial<Record<Encoding, Buffer>> }

/** Where answers are kept. It may lose, delay or forge anything: what it returns is checked, and an error is a miss. */
export type Store = {
  get(key: string): Promise<CachedAnswer | undefined>
  set(key: string, kept: CachedAnswer): Promise<void>
  close(): Promise<void>
}

const patienceMs = 40
const nothing = Buffer.alloc(0)
const longestSeconds = 86_400

/** Opens the store that CACHE_URL names. `secret` seals answers in stores outside this process. */
export function openStore(url: string, secret: string, log: Logger): Store {
  if (url === 'memory') return memoryStore()
  if (url === 'off') return { get: async () => undefined, set: async () => {}, close: async () => {} }
  return sealed(url.startsWith('memcached') ? memcachedStore(url) : redisStore(url, log), secret)
}

function memoryStore(): Store {
  const kept = new LRUCache<string, CachedAnswer>({
    maxSize: 64 << 20,
    sizeCalculation: ({ body, small }) => body.length + (small?.br?.length ?? 0) + (small?.gzip?.length ?? 0) + 200,
  })
  return {
    get: async (key) => kept.get(key),
    set: async (key, value) => void kept.set(key, value),
    close: async () => kept.clear(),
  }
}

type BareStore = {
  get(key: string): Promise<Buffer | null | undefined>
  set(key: string, value: Buffer, seconds: number): Promise<unknown>
  close(): Promise<void>
}

/**
 * Puts a deadline on an outside store and a seal over key and content on every answer: one that was mixed up, cut or
 * forged is a miss. After a failure the store is left alone for a second, so that its silence costs little.
 */
function sealed(store: BareStore, secret: string): Store {
  let restUntil = 0
  const seal = (key: string, content: Buffer) =>
    createHmac('sha256', secret).update(`cache\n${key}\n`).update(content).digest()

  async function inTime<T>(call: () => Promise<T>): Promise<T> {
    if (performance.now() < restUntil) throw new Error('the store is resting after a failure')
    let timer: NodeJS.Timeout | undefined
    try {
      const late = new Promise<never>((_, reject) => {
        // After what has arrived is read: when this process itself stood still, the answer may lie there.
        timer = setTimeout(() => setImmediate(reject, new Error('the store is late')), patienceMs)
      })
      return await Promise.race([call(), late])
    } catch (error) {
      restUntil = performance.now() + 1000
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async get(key) {
      const value = await inTime(() => store.get(key))
      if (!value || value.length < 32 + 16 + 24) return undefined
      const content = value.subarray(32)
      if (!timingSafeEqual(seal(key, content), value.subarray(0, 32))) return undefined
      const br = content.readUInt32BE(8)
      const gzip = content.readUInt32BE(12)
      const [etagEnd, brEnd, gzipEnd] = [16 + 24, 16 + 24 + br, 16 + 24 + br + gzip]
      return {
        validUntil: content.readDoubleBE(0),
        etag: content.toString('latin1', 16, etagEnd),
        small: {
          ...(br && { br: content.subarray(etagEnd, brEnd) }),
          ...(gzip && { gzip: content.subarray(brEnd, gzipEnd) }),
        },
        body: content.subarray(gzipEnd),
      }
    },
    async set(key, { body, etag, validUntil, small: { br = nothing, gzip = nothing } = {} }) {
      const head = Buffer.alloc(16)
      head.writeDoubleBE(validUntil)
      head.writeUInt32BE(br.length, 8)
      head.writeUInt32BE(gzip.length, 12)
      const content = Buffer.concat([head, Buffer.from(etag, 'latin1'), br, gzip, body])
      await inTime(() => store.set(key, Buffer.concat([seal(key, content), content]), longestSeconds))
    },
    close: () => store.close(),
  }
}

function redisStore(url: string, log: Logger): BareStore {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    // What waits for a server that stands still is bounded; more is refused.
    commandsQueueMaxLength: 5000,
    socket: { connectTimeout: 1000, reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, 2000) },
  })
  let told = false
  client.on('error', (error) => {
    if (!told) log.warn({ err: error }, 'the cache store is away; answers are read from the database')
    told = true
  })
  client.on('ready', () => {
    told = false
  })
  client.connect().catch(() => {})
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  return {
    get: (key) => binary.get(`dvor:${key}`) as Promise<Buffer | null>,
    set: (key, value, seconds) => client.set(`dvor:${key}`, value, { expiration: { type: 'EX', value: seconds } }),
    close: async () => client.destroy(),
  }
}

function memcachedStore(url: string): BareStore {
  const { hostname, port, username, password } = new URL(url)
  const client = memjs.Client.create(`${hostname}:${port || 11211}`, {
    timeout: 0.5,
    conntimeout: 0.5,
    retries: 0,
    ...(username ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : {}),
    logger: { log: () => {} },
  } as memjs.ClientOptions)
  return {
    get: async (key) => (await client.get(`dvor:${key}`)).value,
    set: (key, value, seconds) => client.set(`dvor:${key}`, value, { expires: seconds }),
    close: async () => client.quit(),
  }
}
