import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { lean, node, PrepareError, pause, prepare, root, run } from './prepare.js'

const has = (...path) => existsSync(join(root, ...path))
const say = (text) => process.stderr.write(`${text}\n`)

async function main(words) {
  await prepare({ web: words[0] === 'start' || words[0] === 'api' })
  const flags = ['start', 'api', 'worker'].includes(words[0]) ? lean : []
  const once = () => run([node, ...flags, 'src/main.ts', ...words], { watched: true })
  return words[0] === 'start' ? keepRunning(once) : (await once()).code
}

/** Starts the server again when it has crashed, after growing pauses; not after a clean end, a wrong setting or a signal. */
async function keepRunning(once) {
  for (let pauseMs = 1000; ; pauseMs = Math.min(60_000, pauseMs * 2)) {
    const begun = Date.now()
    const { code, asked } = await once()
    if (asked || code === 0 || code === 1) return code
    if (Date.now() - begun > 60_000) pauseMs = 1000
    say(`\nThe server has crashed (exit code ${code}). It is started again in ${pauseMs / 1000} s.`)
    if (await pause(pauseMs)) return code
  }
}

async function script(file, words) {
  await prepare()
  const { code } = await run([node, file, ...words])
  return code
}

/** A script that opens the web app in the browser. */
async function webScript(file, words) {
  await prepare({ web: true })
  return script(file, words)
}

/** Every test, or those of the files that are named; flags go to Node's test runner as they are. */
async function test(words) {
  await prepare({ web: true })
  const isFile = (word) => !word.startsWith('-') && (has(word) || /[*]|\.test\.ts$/.test(word))
  const files = words.filter(isFile)
  const flags = ['--test', '--test-concurrency=2', '--test-timeout=900000']
  if (has('test', 'setup.ts')) flags.push('--test-global-setup=test/setup.ts')
  if (!words.some((word) => word.startsWith('--test-reporter'))) flags.push('--test-reporter=./tools/reporter.js')
  const all = ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts']
  const { code } = await run([node, ...flags, ...words.filter((w) => !isFile(w)), ...(files.length ? files : all)])
  return code
}

/** What CI runs: each step after the one before it, up to the first that fails. */
async function check() {
  await prepare()
  const tsc = [node, join('node_modules', 'typescript', 'bin', 'tsc'), '-p']
  const biome = [node, join('node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'ci', '.']
  if (!process.stdout.isTTY) biome.push('--colors=off')
  const steps = [
    ['lint, format and borders', async () => (await run(biome)).code],
    ['types of the server', async () => (await run([...tsc, '.'])).code],
    ['types of the web app', async () => (has('web', 'tsconfig.json') ? (await run([...tsc, 'web'])).code : 0)],
    ['generated files are current', async () => (await run([node, 'tools/generate.ts', '--check'])).code],
    ['tests', () => test([])],
  ]
  for (const [name, step] of steps) {
    say(`\n== ${name}`)
    const begun = Date.now()
    const code = await step()
    say(`== ${name}: ${code ? `FAILED (exit code ${code})` : 'ok'}, ${((Date.now() - begun) / 1000).toFixed(1)} s`)
    if (code) return code
  }
  return 0
}

/** The server, started again on every change, and Vite's server for the web app; when one ends, both do. */
async function dev(words) {
  await prepare()
  const stop = new AbortController()
  const commands = [[node, '--watch', 'src/main.ts', 'start', ...words]]
  if (has('web', 'index.html')) commands.push([node, join('node_modules', 'vite', 'bin', 'vite.js'), 'web'])
  const codes = await Promise.all(
    commands.map(async (command) => {
      const { code } = await run(command, { signal: stop.signal })
      stop.abort()
      return code
    }),
  )
  return codes[0]
}

const commands = {
  start: (words) => main(['start', ...words]),
  run: main,
  dev,
  test,
  check,
  generate: (words) => script('tools/generate.ts', words),
  bench: (words) => script('bench/run.ts', words),
  'bench:web': (words) => webScript('bench/web.ts', words),
  screenshots: (words) => webScript('tools/screenshots.ts', words),
  prove: (words) => script('test/prove.ts', words),
}

const [word, ...rest] = process.argv.slice(2)
if (!commands[word]) {
  say(`Usage: node tools/dvor.js ${Object.keys(commands).join('|')} …`)
  process.exit(2)
}
try {
  process.exitCode = await commands[word](rest)
} catch (error) {
  if (!(error instanceof PrepareError)) throw error
  say(`\n${error.message}`)
  process.exitCode = error.code
}
