const sniffedBytes = 64 << 10

/** The encoding that the server will take a file for. */
async function encodingOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.slice(0, sniffedBytes).arrayBuffer())
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return 'utf-8'
  } catch {
    return 'windows-1251'
  }
}

/** These lines of a file, counted from 1, however long it is: it is read piece by piece. */
export async function linesOf(file: File, wanted: number[]): Promise<Map<number, string>> {
  const lines = new Map<number, string>()
  const last = Math.max(0, ...wanted)
  const asked = new Set(wanted)
  const decoder = new TextDecoder(await encodingOf(file))
  const reader = file.stream().getReader()
  let line = 1
  let rest = ''
  while (line <= last) {
    const { value, done } = await reader.read()
    const pieces = (rest + decoder.decode(value, { stream: !done })).split(/\r?\n/)
    rest = done ? '' : (pieces.pop() ?? '')
    for (const piece of pieces) {
      if (asked.has(line)) lines.set(line, piece)
      line++
    }
    if (done) break
  }
  await reader.cancel()
  return lines
}

/** The sign that parts the columns of a head. */
export function delimiterOf(head: string): string {
  const times = (sign: string) => head.split(sign).length
  return [';', '\t', ','].reduce((best, sign) => (times(sign) > times(best) ? sign : best))
}

/** The heads of a file's columns. */
export async function headsOf(file: File): Promise<string[]> {
  const head = (await linesOf(file, [1])).get(1) ?? ''
  return head === '' ? [] : head.split(delimiterOf(head)).map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
}
