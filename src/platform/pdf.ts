import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import PDFDocument from 'pdfkit'
import QRCode from 'qrcode'

const require = createRequire(import.meta.url)
const font = (file: string) => readFileSync(require.resolve(`@expo-google-fonts/pt-sans/${file}`))
const fonts = { text: font('400Regular/PTSans_400Regular.ttf'), bold: font('700Bold/PTSans_700Bold.ttf') }

export const colors = { ink: '#1f2933', pale: '#616e7c', line: '#d5dbe1', accent: '#1f6f50' }
/** Edges of what is set on a page, in points from its upper left corner; page numbers stand below. */
export const edges = { left: 50, right: 545, top: 50, bottom: 770 }

/** Begins a PDF: A4, PT Sans embedded. The bytes hang on the input alone, `createdAt` (ISO 8601) is its own date. */
export function openSheets(about: { lang: string; title: string; author: string; createdAt: string }) {
  const doc = new PDFDocument({
    size: 'A4',
    margins: { top: edges.top, left: edges.left, right: 50, bottom: 40 },
    bufferPages: true,
    lang: about.lang,
    displayTitle: true,
    info: { Title: about.title, Author: about.author, CreationDate: new Date(about.createdAt) },
  })
  const chunks: Buffer[] = []
  doc.on('data', (chunk: Buffer) => chunks.push(chunk))
  const done = new Promise<Buffer>((resolve, reject) => {
    doc.on('end', () => resolve(Buffer.concat(chunks)))
    doc.on('error', reject)
  })
  doc.registerFont('text', fonts.text).registerFont('bold', fonts.bold)
  type Style = keyof typeof fonts
  const set = (style: Style, size: number, color = colors.ink) => doc.font(style).fontSize(size).fillColor(color)
  return {
    doc,
    /** Chooses how the next words look. */
    set,
    /** One line that is never broken, right-aligned: set smaller where it is too long for its place. */
    fit(words: string, style: Style, size: number, x: number, y: number, width: number) {
      set(style, size)
      set(style, size * Math.min(1, width / doc.widthOfString(words)))
      doc.text(words, x, y, { width: width + 1, align: 'right', lineBreak: false })
    },
    /** A line from edge to edge. */
    rule: (y: number, color = colors.line, width = 0.7) =>
      doc.moveTo(edges.left, y).lineTo(edges.right, y).lineWidth(width).strokeColor(color).stroke(),
    /** Draws a QR code as vectors; error correction M, with the quiet zone left to the margin around it. */
    drawQr(content: Parameters<typeof QRCode.create>[0], x: number, y: number, side: number) {
      const { modules } = QRCode.create(content, { errorCorrectionLevel: 'M' })
      const step = side / modules.size
      for (let row = 0; row < modules.size; row++) {
        for (let column = 0; column < modules.size; column++) {
          // Neighbours in a row become one bar, so that no hairline shows between them.
          if (!modules.get(row, column)) continue
          const from = column
          while (column + 1 < modules.size && modules.get(row, column + 1)) column++
          doc.rect(x + from * step, y + row * step, (column - from + 1) * step, step)
        }
      }
      doc.fill(colors.ink)
    },
    /** Writes a foot on every page, its `{page}` and `{pages}` as numbers, and ends the document. */
    finish(foot: string): Promise<Buffer> {
      const { start, count } = doc.bufferedPageRange()
      for (let i = 0; i < count; i++) {
        doc.switchToPage(start + i)
        const words = foot.replace('{page}', String(i + 1)).replace('{pages}', String(count))
        set('text', 8.5, colors.pale).text(words, edges.left, 790, {
          width: edges.right - edges.left,
          align: 'right',
          lineBreak: false,
        })
      }
      doc.end()
      return done
    },
  }
}
