import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import PDFDocument from 'pdfkit'
import QRCode from 'qrcode'

/** All words of an order's document, ready to be set. */
export type OrderPaper = {
  lang: string
  /** ISO 8601; the document bears it as its own date, so that the same order makes the same bytes. */
  createdAt: string
  organisation: string
  title: string
  date: string
  seller: { label: string; lines: string[] }
  buyer: { label: string; lines: string[] }
  columns: { number: string; name: string; quantity: string; price: string; amount: string }
  rows: { name: string; quantity: string; price: string; amount: string }[]
  total: { label: string; sum: string; inWords: string }
  link: { url: string; words: string }
  thanks: string
  page(page: number, pages: number): string
}

const require = createRequire(import.meta.url)
const font = (file: string) => readFileSync(require.resolve(`@expo-google-fonts/pt-sans/${file}`))
const fonts = { text: font('400Regular/PTSans_400Regular.ttf'), bold: font('700Bold/PTSans_700Bold.ttf') }

const ink = '#1f2933'
const pale = '#616e7c'
const line = '#d5dbe1'
const accent = '#1f6f50'
const left = 50
const right = 545
const bottom = 770
/** Left edge and width of each column, in points. */
const columns = {
  number: { x: left, width: 26, align: 'left' },
  name: { x: 80, width: 235, align: 'left' },
  quantity: { x: 320, width: 50, align: 'right' },
  price: { x: 375, width: 80, align: 'right' },
  amount: { x: 460, width: 85, align: 'right' },
} as const
type Column = keyof typeof columns

/** Sets an order as a PDF: A4, PT Sans embedded, lines over as many pages as they need, a QR code of its address. */
export function drawOrder(paper: OrderPaper): Promise<Buffer> {
  const doc = new PDFDocument({
    size: 'A4',
    margins: { top: 50, left, right: 50, bottom: 40 },
    bufferPages: true,
    lang: paper.lang,
    displayTitle: true,
    info: {
      Title: `${paper.title} ${paper.date}`,
      Author: paper.organisation,
      CreationDate: new Date(paper.createdAt),
    },
  })
  const chunks: Buffer[] = []
  doc.on('data', (chunk: Buffer) => chunks.push(chunk))
  const done = new Promise<Buffer>((resolve, reject) => {
    doc.on('end', () => resolve(Buffer.concat(chunks)))
    doc.on('error', reject)
  })
  doc.registerFont('text', fonts.text).registerFont('bold', fonts.bold)
  const set = (style: 'text' | 'bold', size: number, color = ink) => doc.font(style).fontSize(size).fillColor(color)
  /** One line that is never broken: set smaller where it is too long for its place. */
  const fit = (words: string, style: 'text' | 'bold', size: number, x: number, y: number, width: number) => {
    set(style, size)
    set(style, size * Math.min(1, width / doc.widthOfString(words)))
    doc.text(words, x, y, { width: width + 1, align: 'right', lineBreak: false })
  }
  const rule = (y: number, color = line, width = 0.7) =>
    doc.moveTo(left, y).lineTo(right, y).lineWidth(width).strokeColor(color).stroke()

  set('bold', 11, accent).text(paper.organisation, left, 50, { width: right - left })
  set('bold', 22).text(paper.title, left, doc.y + 10, { width: right - left })
  set('text', 11, pale).text(paper.date, left, doc.y + 2)
  const top = doc.y + 18
  const party = ({ label, lines }: OrderPaper['seller'], x: number) => {
    set('text', 9, pale).text(label, x, top, { width: 235 })
    for (const [i, words] of lines.entries())
      set(i ? 'text' : 'bold', i ? 10 : 11).text(words, x, doc.y + 1, { width: 235 })
    return doc.y
  }
  let y = Math.max(party(paper.seller, left), party(paper.buyer, 310)) + 22

  const heads = () => {
    for (const name of Object.keys(columns) as Column[]) {
      const { x, ...place } = columns[name]
      set('text', 9, pale).text(paper.columns[name], x, y, { ...place, lineBreak: false })
    }
    y += 16
    rule(y, ink, 1)
    y += 7
  }
  const room = (height: number) => {
    if (y + height <= bottom) return false
    doc.addPage()
    y = 50
    return true
  }
  heads()
  paper.rows.forEach((row, i) => {
    set('text', 10.5)
    const height = doc.heightOfString(row.name, { width: columns.name.width })
    if (room(height + 7)) heads()
    const cells = { number: String(i + 1), ...row }
    set('text', 10.5, pale).text(cells.number, columns.number.x, y, { width: columns.number.width })
    set('text', 10.5).text(cells.name, columns.name.x, y, { width: columns.name.width })
    for (const name of ['quantity', 'price', 'amount'] as const)
      fit(cells[name], 'text', 10.5, columns[name].x, y, columns[name].width)
    y += height + 6
    rule(y)
    y += 7
  })

  room(190)
  y += 6
  set('bold', 14).text(paper.total.label, 320, y, { width: 60 })
  fit(paper.total.sum, 'bold', 14, 385, y, right - 385)
  set('text', 10, pale).text(paper.total.inWords, left, y + 24, { width: right - left })
  y += 58

  const side = 96
  drawQr(doc, paper.link.url, left, y, side)
  set('bold', 11).text(paper.thanks, left + side + 18, y + 14, { width: 360 })
  set('text', 10, pale).text(paper.link.words, left + side + 18, doc.y + 4, { width: 330 })
  set('text', 10, accent).text(paper.link.url, left + side + 18, doc.y + 4, {
    width: 360,
    link: paper.link.url,
    underline: true,
  })

  const { start, count } = doc.bufferedPageRange()
  for (let i = 0; i < count; i++) {
    doc.switchToPage(start + i)
    set('text', 8.5, pale).text(paper.page(i + 1, count), left, 790, {
      width: right - left,
      align: 'right',
      lineBreak: false,
    })
  }
  doc.end()
  return done
}

/** Draws a QR code as vectors; error correction M, with the quiet zone left to the margin around it. */
function drawQr(doc: PDFKit.PDFDocument, text: string, x: number, y: number, side: number): void {
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'M' })
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
  doc.fill(ink)
}
