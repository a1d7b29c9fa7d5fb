import { colors, edges, openSheets } from '../platform/pdf.ts'

type Party = { label: string; lines: string[] }

/** All words of a bill, ready to be set. */
export type BillSheet = {
  organisation: string
  title: string
  draft: string | null
  payee: Party
  payer: Party
  columns: { service: string; quantity: string; price: string; amount: string }
  lines: { service: string; details: string[]; quantity: string; price: string; method: string; amount: string }[]
  missing: Party
  totals: [label: string, sum: string][]
  due: [label: string, sum: string]
  changes: Party
  /** Text of the payment QR code. */
  code: string | null
  scan: string | null
}
export type BillPapers = {
  lang: string
  /** ISO 8601; the document bears it as its own date, so that the same bills make the same bytes. */
  createdAt: string
  title: string
  organisation: string
  sheets: BillSheet[]
  /** With `{page}` and `{pages}` for their numbers. */
  foot: string
}

const { ink, pale, accent } = colors
const { left, right, top, bottom } = edges
const columns = {
  service: { x: left, width: 225 },
  quantity: { x: 280, width: 85 },
  price: { x: 370, width: 80 },
  amount: { x: 455, width: 90 },
} as const
const numbers = ['quantity', 'price', 'amount'] as const
const codeSide = 150

/** Sets bills as a PDF, each from a page of its own. Runs in a thread. */
export default function drawBills(papers: BillPapers): Promise<Buffer> {
  const { doc, set, fit, rule, drawQr, finish } = openSheets({
    lang: papers.lang,
    title: papers.title,
    author: papers.organisation,
    createdAt: papers.createdAt,
  })
  let y: number = top
  const room = (height: number) => {
    if (y + height <= bottom) return
    doc.addPage()
    y = top
  }

  function drawBill(sheet: BillSheet): void {
    y = top
    set('bold', 11, accent).text(sheet.organisation, left, y, { width: right - left })
    set('bold', 19).text(sheet.title, left, doc.y + 6, { width: right - left })
    if (sheet.draft) set('bold', 10, pale).text(sheet.draft, left, doc.y + 2, { width: right - left })
    const parties = doc.y + 12
    const party = ({ label, lines }: Party, x: number, width: number) => {
      set('text', 8.5, pale).text(label, x, parties, { width })
      for (const [i, words] of lines.entries())
        set(i ? 'text' : 'bold', i ? 9.5 : 10.5).text(words, x, doc.y + 1, { width })
      return doc.y
    }
    y = Math.max(party(sheet.payee, left, 240), party(sheet.payer, 305, right - 305)) + 16

    set('text', 8.5, pale).text(sheet.columns.service, columns.service.x, y, { width: columns.service.width })
    for (const name of numbers) {
      set('text', 8.5, pale).text(sheet.columns[name], columns[name].x, y, {
        width: columns[name].width,
        align: 'right',
      })
    }
    y += 14
    rule(y, ink, 1)
    y += 6
    for (const line of sheet.lines) {
      const place = { width: columns.service.width }
      const details = [line.method, ...line.details].filter(Boolean).join(' · ')
      set('text', 10)
      const head = doc.heightOfString(line.service, place)
      set('text', 8.5)
      const foot = details ? doc.heightOfString(details, place) + 1 : 0
      room(head + foot + 8)
      set('text', 10).text(line.service, columns.service.x, y, place)
      if (details) set('text', 8.5, pale).text(details, columns.service.x, y + head + 1, place)
      for (const name of numbers) fit(line[name], 'text', 10, columns[name].x, y, columns[name].width)
      y += head + foot + 4
      rule(y)
      y += 5
    }

    room(90)
    y += 4
    for (const [label, sum] of sheet.totals) {
      set('text', 10, pale).text(label, 280, y, { width: 170, align: 'right' })
      fit(sum, 'text', 10, columns.amount.x, y, columns.amount.width)
      y += 16
    }
    const [label, sum] = sheet.due
    rule(y + 1, ink, 1)
    y += 8
    if (sum) {
      set('bold', 14).text(label, 230, y, { width: 190, align: 'right' })
      fit(sum, 'bold', 14, 425, y, right - 425)
    } else fit(label, 'bold', 12, 230, y, right - 230)
    y += 30

    // Beside the code stands what is to be read, and below it goes on where it is longer.
    room(codeSide + 10)
    const codeTop = y
    const beside = sheet.code ? left + codeSide + 20 : left
    if (sheet.code) {
      drawQr([{ data: Buffer.from(sheet.code), mode: 'byte' }], left, codeTop, codeSide)
    }
    const width = right - beside
    const paragraph = (words: string, style: 'text' | 'bold', size: number, color = ink) => {
      set(style, size)
      const height = doc.heightOfString(words, { width })
      room(height)
      set(style, size, color).text(words, beside, y, { width })
      y += height + 3
    }
    if (sheet.scan) paragraph(sheet.scan, 'bold', 9.5)
    for (const { label, lines } of [sheet.missing, sheet.changes]) {
      if (!lines.length) continue
      y += 5
      paragraph(label, 'bold', 9.5)
      for (const words of lines) paragraph(words, 'text', 9, ink)
    }
  }

  papers.sheets.forEach((sheet, i) => {
    if (i) doc.addPage()
    drawBill(sheet)
  })
  return finish(papers.foot)
}
