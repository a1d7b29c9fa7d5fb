import { build, type InlineConfig, type Rolldown } from 'vite'
import type { Page } from './pages.ts'

/** The chunks that one brings along, itself among them. */
export function withStaticImports(chunk: Rolldown.OutputChunk, all: Map<string, Rolldown.OutputChunk>) {
  const found = new Set<Rolldown.OutputChunk>()
  for (const left = [chunk]; left.length; ) {
    const next = left.pop()!
    if (found.has(next)) continue
    found.add(next)
    for (const name of next.imports) if (all.has(name)) left.push(all.get(name)!)
  }
  return found
}

/**
 * How the app is cut, so that a screen is a few requests and nobody loads what is for others: the libraries and the code
 * that it starts with, what its first screens share with others, what the app itself loads later, what only others share; what one screen alone needs stays
 * with it. What a module imports is used at least where it is used itself, so no chunk waits for a later one. Learnt from
 * a build that is not cut, for only that knows what is left of the libraries.
 */
export async function learnChunks(
  config: InlineConfig,
  pages: Page[],
  first: string[],
): Promise<Rolldown.CodeSplittingOptions> {
  const built = (await build({
    ...config,
    configFile: false,
    logLevel: 'error',
    build: { ...config.build, write: false, minify: false, cssMinify: false },
  })) as Rolldown.RolldownOutput
  const chunks = new Map(built.output.filter((o) => o.type === 'chunk').map((chunk) => [chunk.fileName, chunk]))
  const start = new Set<string>()
  const later = new Set<string>()
  const usersOf = new Map<string, Set<Page>>()
  const idsOf = (chunk: Rolldown.OutputChunk) => [...withStaticImports(chunk, chunks)].flatMap((c) => c.moduleIds)
  for (const chunk of chunks.values()) {
    if (chunk.isEntry) for (const id of idsOf(chunk)) start.add(id)
    const ofPages = pages.filter(({ file }) => chunk.moduleIds.includes(file))
    if (chunk.isDynamicEntry && !ofPages.length && !chunk.name.startsWith('words.'))
      for (const id of idsOf(chunk)) later.add(id)
    for (const page of ofPages) for (const id of idsOf(chunk)) usersOf.set(id, (usersOf.get(id) ?? new Set()).add(page))
  }
  const name = (id: string) => {
    if (start.has(id)) return id.includes('node_modules') ? 'libraries' : 'app'
    const users = [...(usersOf.get(id) ?? [])]
    if (!users.length || (users.length === 1 && !later.has(id))) return null
    if (users.some((page) => first.includes(page.path))) return 'first'
    if (later.has(id)) return 'later'
    return users.every((page) => page.isStaff) ? 'shared-staff' : 'shared'
  }
  return { includeDependenciesRecursively: false, groups: [{ name, debugName: 'by screens' }] }
}
