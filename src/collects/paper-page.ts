import { colors, edges, openSheets } from '../platform/pdf.ts'

/** All words of a poster or a receipt, ready to be set on one page. */
export type CollectPaper = {
  lang: string
  /** ISO 8601; the document bears it as its own date, so that the same words make the same bytes. */
  createdAt: string
  organisation: string
  kicker: string
  title: string
  text: string
  facts: { label: string; value: string }[]
  link: { url: string; words: string }
  foot: string
}

const { ink, pale, accent } = colors
const { left, right, top } = edges
const width = right - left
const side = 210

/** Sets a poster or a receipt: large words that are read from afar, and a QR code. Runs in a thread. */
export default function drawPaper(paper: CollectPaper): Promise<Buffer> {
  const { doc, set, rule, drawQr, finish } = openSheets({
    lang: paper.lang,
    title: `${paper.kicker} ${paper.title}`,
    author: paper.organisation,
    createdAt: paper.createdAt,
  })
  set('bold', 12, accent).text(paper.organisation, left, top, { width, height: 32, ellipsis: true })
  set('text', 15, pale).text(paper.kicker, left, doc.y + 26, { width })
  const long = paper.title.length > 60
  set('bold', long ? 26 : 36, ink).text(paper.title, left, doc.y + 4, {
    width,
    height: long ? 150 : 130,
    ellipsis: true,
  })
  if (paper.text) set('text', 13, ink).text(paper.text, left, doc.y + 14, { width, height: 130, ellipsis: true })
  let y = doc.y + 20
  rule(y)
  y += 14
  for (const { label, value } of paper.facts) {
    set('text', 11, pale).text(label, left, y, { width: 150 })
    set('bold', 13, ink).text(value, left + 160, y - 2, { width: width - 160, height: 36, ellipsis: true })
    y = Math.max(doc.y, y + 18) + 8
  }
  y += 12
  drawQr(paper.link.url, left, y, side)
  set('bold', 17, ink).text(paper.link.words, left + side + 28, y + 50, { width: width - side - 28 })
  set('text', 10, accent).text(paper.link.url, left + side + 28, doc.y + 10, {
    width: width - side - 28,
    link: paper.link.url,
  })
  return finish(paper.foot)
}
