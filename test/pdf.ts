import { inflateSync } from 'node:zlib'

/**
 * Reads what a PDF of ours shows: the text of its pages, by the ToUnicode maps of its fonts, and the filled rectangles
 * (x, y from the top, width, height in points). Enough for documents made with pdfkit, and for no others.
 */
export function readPdf(pdf: Buffer) {
  const text = pdf.toString('latin1')
  const objects = new Map<number, { head: string; stream?: string }>()
  for (const match of text.matchAll(/(\d+) 0 obj\n([\s\S]*?)endobj/g)) {
    const [head = '', rest] = match[2]!.split('stream\n')
    const length = Number(/\/Length (\d+)/.exec(head)?.[1])
    const body = rest === undefined ? undefined : Buffer.from(rest.slice(0, length), 'latin1')
    const stream = body && (head.includes('FlateDecode') ? inflateSync(body) : body).toString('latin1')
    objects.set(Number(match[1]), stream === undefined ? { head } : { head, stream })
  }
  const refs = (head: string, name: string) => Number(new RegExp(`/${name} (\\d+) 0 R`).exec(head)?.[1])
  const pages = [...objects.values()].filter((o) => /\/Type \/Page\b/.test(o.head))
  let words = ''
  const rects: [number, number, number, number][] = []
  for (const page of pages) {
    const resources = objects.get(refs(page.head, 'Resources'))!.head
    const fonts = new Map<string, Map<string, string>>()
    for (const [, name, id] of resources.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
      const map = objects.get(refs(objects.get(Number(id))!.head, 'ToUnicode'))!.stream!
      fonts.set(name!, unicodeOf(map))
    }
    const content = objects.get(refs(page.head, 'Contents'))!.stream!
    let font = new Map<string, string>()
    for (const [, f, strings, x, y, w, h] of content.matchAll(
      /\/(F\d+) [\d.]+ Tf|\[([^\]]*)\] TJ|(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re\n/g,
    )) {
      if (f) font = fonts.get(f)!
      else if (strings !== undefined) {
        for (const [, hex] of strings.matchAll(/<([0-9a-f]+)>/gi))
          for (const code of hex!.match(/.{4}/g)!) words += font.get(code.toLowerCase()) ?? '�'
        words += '\n'
      } else rects.push([Number(x), Number(y), Number(w), Number(h)])
    }
  }
  return { pages: pages.length, text: words, rects, fonts: [...text.matchAll(/\/FontName \/(\S+)/g)].map((m) => m[1]!) }
}

/** Code of a glyph → its characters, from the bfrange lists of a ToUnicode map. */
function unicodeOf(map: string): Map<string, string> {
  const characters = new Map<string, string>()
  for (const [, from, , list] of map.matchAll(/<([0-9a-f]{4})> <([0-9a-f]{4})> \[([^\]]*)\]/gi)) {
    let code = Number.parseInt(from!, 16)
    // A ligature is several units, set apart by spaces.
    for (const [, hex] of list!.matchAll(/<([0-9a-f ]*)>/gi)) {
      const units = hex!.match(/[0-9a-f]{4}/gi) ?? []
      characters.set(
        (code++).toString(16).padStart(4, '0'),
        String.fromCharCode(...units.map((u) => Number.parseInt(u, 16))),
      )
    }
  }
  return characters
}

/** The rectangles as a picture for a QR reader: RGBA, black on white, with a margin. */
export function pictureOf(rects: [number, number, number, number][], scale = 6) {
  const left = Math.min(...rects.map((r) => r[0])) - 10
  const top = Math.min(...rects.map((r) => r[1])) - 10
  const width = Math.ceil((Math.max(...rects.map((r) => r[0] + r[2])) + 10 - left) * scale)
  const height = Math.ceil((Math.max(...rects.map((r) => r[1] + r[3])) + 10 - top) * scale)
  const data = new Uint8ClampedArray(width * height * 4).fill(255)
  for (const [x, y, w, h] of rects) {
    for (let row = Math.round((y - top) * scale); row < Math.round((y + h - top) * scale); row++)
      for (let column = Math.round((x - left) * scale); column < Math.round((x + w - left) * scale); column++)
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3)
  }
  return { data, width, height }
}
