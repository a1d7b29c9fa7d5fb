import type { HomeCard } from './module.ts'

/**
 * The cards that are shown, at most so many: the earliest due first, and no second of a kind before the first of every
 * other, for two flats must not hide a collect that ends.
 */
export function chooseCards(cards: HomeCard[], most: number): HomeCard[] {
  const sorted = cards.toSorted((a, b) => (a.due ?? '9').localeCompare(b.due ?? '9'))
  const rank = new Map(
    sorted.map((card, i) => [card, sorted.slice(0, i).filter(({ kind }) => kind === card.kind).length]),
  )
  return sorted.toSorted((a, b) => rank.get(a)! - rank.get(b)!).slice(0, most)
}
