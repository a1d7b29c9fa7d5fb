// What a cheap phone waits for on a slow network: bytes, requests, the largest paint and the jumps of a cold screen.
import { loadavg } from 'node:os'
import type { Page } from 'playwright-core'
import { openBrowser, settle } from '../test/browser.ts'
import { eventually } from '../test/harness.ts'
import { startDemo } from './demo.ts'

const rounds = 5
const latencyMs = 150
const bytesPerSecond = 1.6e6 / 8
const slowdown = 4

type Cold = { bytes: number; requests: number; paintMs: number; largestMs: number; shift: number; largest: string }
const limits = { bytes: 250_000, requests: 25, largestMs: 2500, shift: 0.05 }

await using demo = await startDemo()
await using browser = await openBrowser(demo.url)

/** Opens an address as somebody who has never been here, on a slow phone. */
async function openCold(path: string, login?: { username: string; password: string }): Promise<Cold> {
  await using visitor = await browser.visit()
  const { page, context } = visitor
  if (login) await context.request.post('/api/auth/login', { data: login, headers: { 'x-dvor-session': 'cookie' } })
  const devtools = await context.newCDPSession(page)
  await devtools.send('Network.enable')
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: latencyMs,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond,
  })
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  let bytes = 0
  let requests = 0
  const underWay = new Set<string>()
  devtools.on('Network.requestWillBeSent', ({ request, requestId }) => {
    if (!request.url.startsWith('http')) return
    requests++
    underWay.add(requestId)
  })
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    bytes += encodedDataLength
    underWay.delete(requestId)
  })
  devtools.on('Network.loadingFailed', ({ requestId }) => void underWay.delete(requestId))
  await page.goto(path)
  await settle(page)
  await eventually('everything is there', () => underWay.size === 0)
  return { bytes, requests, ...(await paintsOf(page)) }
}

const paintsOf = (page: Page): Promise<Omit<Cold, 'bytes' | 'requests'>> =>
  page.evaluate(`new Promise((done) => {
    const seen = { largestMs: 0, largest: '', shift: 0, paintMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0 }
    const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true })
    watch('largest-contentful-paint', (entry) => {
      seen.largestMs = entry.startTime
      seen.largest = entry.element ? entry.element.tagName + ' ' + entry.element.textContent.slice(0, 30) : ''
    })
    watch('layout-shift', (entry) => { if (!entry.hadRecentInput) seen.shift += entry.value })
    setTimeout(() => done(seen), 500)
  })`)

const middle = (all: Cold[], of: keyof Omit<Cold, 'largest'>) =>
  all.map((cold) => cold[of]).sort((a, b) => a - b)[Math.floor(all.length / 2)]!

console.log(
  `\nCold screens at ${(bytesPerSecond * 8) / 1e6} Mbit/s, ${latencyMs} ms, ${slowdown} × CPU, 360 px; the middle of ${rounds}. ` +
    `The machine’s load: ${loadavg()[0]!.toFixed(1)}.\n\n` +
    '| screen | kB | requests | first paint, s | largest paint, s | layout shift | largest |\n|---|---|---|---|---|---|---|',
)
const screens = [
  ['/collects, a visitor', '/collects'],
  ['home, a resident', '/', { username: 'resident', password: 'resident' }],
] as const
for (const [name, path, login] of screens) {
  const all: Cold[] = []
  for (let round = 0; round < rounds; round++) all.push(await openCold(path, login))
  const [bytes, requests, paint, largest, shift] = [
    middle(all, 'bytes'),
    middle(all, 'requests'),
    middle(all, 'paintMs'),
    middle(all, 'largestMs'),
    middle(all, 'shift'),
  ]
  const cells = [
    name,
    (bytes / 1000).toFixed(0),
    requests,
    (paint / 1000).toFixed(2),
    (largest / 1000).toFixed(2),
    shift.toFixed(3),
    all[0]!.largest,
  ]
  console.log(`| ${cells.join(' | ')} |`)
  const over = bytes > limits.bytes || requests > limits.requests || largest > limits.largestMs || shift > limits.shift
  if (over) process.exitCode = 1
}
