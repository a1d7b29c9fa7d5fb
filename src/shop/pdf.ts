import { colors, edges, openSheets } from '../platform/pdf.ts'

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
  /** With `{page}` and `{pages}` for their numbers. */
  foot: string
}

const { ink, pale, accent } = colors
const { left, right, top, bottom } = edges
/** Left edge and width of each column, in points. */
const columns = {
  number: { x: left, width: 26, align: 'left' },
  name: { x: 80, width: 235, align: 'left' },
  quantity: { x: 320, width: 50, align: 'right' },
  price: { x: 375, width: 80, align: 'right' },
  amount: { x: 460, width: 85, align: 'right' },
} as const
type Column = keyof typeof columns

/** Sets an order as a PDF, its lines over as many pages as they need, with a QR code of its address. Runs in a thread. */
export default function drawOrder(paper: OrderPaper): Promise<Buffer> {
  const { doc, set, fit, rule, drawQr, finish } = openSheets({
    lang: paper.lang,
    title: `${paper.title} ${paper.date}`,
    author: paper.organisation,
    createdAt: paper.createdAt,
  })

  set('bold', 11, accent).text(paper.organisation, left, top, { width: right - left })
  set('bold', 22).text(paper.title, left, doc.y + 10, { width: right - left })
  set('text', 11, pale).text(paper.date, left, doc.y + 2)
  const parties = doc.y + 18
  const party = ({ label, lines }: OrderPaper['seller'], x: number) => {
    set('text', 9, pale).text(label, x, parties, { width: 235 })
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
    y = top
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
  drawQr(paper.link.url, left, y, side)
  set('bold', 11).text(paper.thanks, left + side + 18, y + 14, { width: 360 })
  set('text', 10, pale).text(paper.link.words, left + side + 18, doc.y + 4, { width: 330 })
  set('text', 10, accent).text(paper.link.url, left + side + 18, doc.y + 4, {
    width: 360,
    link: paper.link.url,
    underline: true,
  })

  return finish(paper.foot)
}
