import { fieldFaults } from '../platform/errors.ts'

/** What stands for a person's own data in every text; an audience may offer more. */
export const ownPlaceholders = ['phone', 'tag'] as const

type Piece = { literal: string } | { placeholder: string; position: number; closed: boolean }

/** The text as it stands, and its placeholders with the place of their brace, counted in characters from 0. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf('{', at)
    if (open < 0) return [...pieces, { literal: text.slice(at) }]
    if (open > at) pieces.push({ literal: text.slice(at, open) })
    const close = text.indexOf('}', open)
    const again = text.indexOf('{', open + 1)
    const closed = close > 0 && (again < 0 || close < again)
    const end = closed ? close : again < 0 ? text.length : again
    pieces.push({ placeholder: text.slice(open + 1, end), position: [...text.slice(0, open)].length, closed })
    at = closed ? close + 1 : end
  }
  return pieces
}

/** The names of the placeholders in a text, each once. */
export const placeholdersOf = (text: string): string[] => [
  ...new Set(piecesOf(text).flatMap((piece) => ('placeholder' in piece ? [piece.placeholder] : []))),
]

/** Throws 400 at /text for each placeholder that is not among the known ones or not closed, saying where it stands. */
export function checkText(text: string, known: readonly string[]): void {
  const names = known.map((name) => `{${name}}`).join(', ')
  const faults = piecesOf(text).flatMap((piece) => {
    if ('literal' in piece || (piece.closed && known.includes(piece.placeholder))) return []
    const params = { position: piece.position + 1, name: `{${piece.placeholder.slice(0, 40)}}`, known: names }
    return [
      piece.closed
        ? { path: '/text', code: 'mailings.unknown_placeholder', params }
        : { path: '/text', code: 'mailings.unclosed_placeholder', params },
    ]
  })
  if (faults.length) throw fieldFaults(faults.slice(0, 20))
}

/** The text as one person gets it; a placeholder without a value gives nothing. */
export function renderText(text: string, values: Readonly<Record<string, string | null | undefined>>): string {
  return piecesOf(text)
    .map((piece) => ('literal' in piece ? piece.literal : (values[piece.placeholder] ?? '')))
    .join('')
}
