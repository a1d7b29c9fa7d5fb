/**
 * What is loaded ahead: indexes of `files`, for each language and each address, as a pattern; and what an address asks the
 * API, if nothing stands behind its question mark.
 */
export type Plan = {
  files: string[]
  words: Record<string, number[]>
  pages: [path: string, files: number[]][]
  asked: Record<string, string[]>
}
export function paint(plan: Plan): void
