import { type Options, SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type Route = { schema?: unknown }
type Serialize = (answer: unknown) => string

const refsIn = (text: string): string[] => [...text.matchAll(/"\$ref":"([^"#]+)/g)].map((found) => found[1]!)

/**
 * Makes serialisers as Fastify does, but each shape once for all routes that answer with it, and with no other shapes in
 * hand than it names: otherwise their number times that of the routes is most of what a start costs.
 */
export function buildSerializers() {
  const select = SerializerSelector()
  const made = new Map<string, Serialize>()
  return (shapes: unknown, options?: Options) => {
    const all = shapes as Record<string, object>
    const texts = new Map(Object.entries(all).map(([name, shape]) => [name, JSON.stringify(shape)]))
    return ({ schema, ...route }: Route): Serialize => {
      const text = JSON.stringify(schema)
      const named = new Set<string>()
      const look = (in_: string) => {
        for (const name of refsIn(in_)) {
          if (named.has(name) || !texts.has(name)) continue
          named.add(name)
          look(texts.get(name)!)
        }
      }
      look(text)
      const key = [text, ...[...named].map((name) => texts.get(name))].join('\n')
      const kept = made.get(key)
      if (kept) return kept
      const known = Object.fromEntries([...named].map((name) => [name, all[name]]))
      const serialize = select(known, options)({ schema, ...route } as never)
      made.set(key, serialize)
      return serialize
    }
  }
}
