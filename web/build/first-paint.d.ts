/** What is loaded ahead: indexes of `files`, for each language and each address, as a pattern. */
export type Plan = { files: string[]; words: Record<string, number[]>; pages: [path: string, files: number[]][] }
export function paint(plan: Plan): void
