import { Readable } from 'node:stream'
import { spec } from 'node:test/reporters'

/** Node's own report, and after it, where nobody overlooks it, each test that was left out and why. */
export default async function* report(events) {
  const left = new Map()
  async function* watched() {
    for await (const event of events) {
      const { skip, name } = event.data ?? {}
      if (event.type === 'test:pass' && skip !== undefined) {
        const why = skip === true || !skip ? 'no reason is given' : skip
        left.set(why, [...(left.get(why) ?? []), name])
      }
      yield event
    }
  }
  yield* Readable.from(watched()).compose(new spec())
  if (!left.size) return
  const line = '!'.repeat(80)
  yield `\n${line}\n!!! LEFT OUT on this machine, and so not proven:\n`
  for (const [why, names] of left) yield `!!!\n!!! ${why}:\n${names.map((name) => `!!!   ${name}\n`).join('')}`
  yield `${line}\n`
}
