import { colors, edges, openSheets } from '../platform/pdf.ts'

/** All words of a sheet of codes, ready to be set. */
export type JoinSheet = {
  lang: string
  createdAt: string
  organisation: string
  title: string
  /** What to do with a card. */
  invitation: string
  cards: { address: string; flat: string; code: string; url: string; until: string }[]
  foot: string
}

const { ink, pale, accent, line } = colors
/** Cards in two columns and four rows, in points. */
const rows = 4
const width = (edges.right - edges.left) / 2
const height = (edges.bottom - edges.top) / rows
const padding = 14
const side = 92

/** Sets cards to be cut out and put into letter boxes: eight a page, each with its code as text and as QR. Runs in a thread. */
export default function drawSheet(sheet: JoinSheet): Promise<Buffer> {
  const { doc, set, fit, drawQr, finish } = openSheets({
    lang: sheet.lang,
    title: sheet.title,
    author: sheet.organisation,
    createdAt: sheet.createdAt,
  })
  sheet.cards.forEach((card, i) => {
    const place = i % (2 * rows)
    if (i > 0 && place === 0) doc.addPage()
    const x = edges.left + (place % 2) * width
    const y = edges.top + Math.floor(place / 2) * height
    doc.rect(x, y, width, height).dash(3, { space: 3 }).lineWidth(0.6).strokeColor(line).stroke().undash()
    const words = { width: width - 2 * padding, height: 24, ellipsis: true }
    set('text', 9, pale).text(card.address, x + padding, y + padding, words)
    set('bold', 15, ink).text(card.flat, x + padding, y + padding + 25, { ...words, height: 20 })
    const top = y + padding + 50
    drawQr(card.url, x + padding, top, side)
    const beside = x + padding + side + 12
    const room = width - 2 * padding - side - 12
    set('text', 8.5, pale).text(sheet.invitation, beside, top, { width: room, height: 58, ellipsis: true })
    fit(card.code, 'bold', 15, beside, top + 60, room)
    set('text', 8, accent).text(card.until, beside, top + 80, { width: room, height: 12, ellipsis: true })
  })
  return finish(sheet.foot)
}
