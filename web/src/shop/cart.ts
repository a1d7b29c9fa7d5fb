import { useMemo, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { useProfile } from '../accounts/queries.ts'
import { newKey } from '../api.ts'
import { kept } from '../ui/kept.ts'

export type Line = { product: number; quantity: number }
/** `key` changes with the lines and outlives the page: the same cart sent again, even after a reload, is one order. */
type Cart = { lines: Line[]; key: string }

/** The server takes no more in one order. */
export const maxLines = 100
export const maxQuantity = 1_000_000

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) > 0

function parse(text: string | null): Cart {
  try {
    const { lines, key } = JSON.parse(text ?? '{}') as Partial<Cart>
    if (typeof key === 'string' && Array.isArray(lines))
      return { lines: lines.filter((line) => isCount(line?.product) && isCount(line?.quantity)), key }
  } catch {
    // Somebody else's words under our name: as good as none.
  }
  return { lines: [], key: '' }
}

const listeners = new Set<() => void>()
const speak = () => {
  for (const listener of listeners) listener()
}
// Said by the browser when another tab has changed the cart.
addEventListener('storage', speak)
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** What somebody means to buy: kept in this browser, for each person apart. */
export function useCart() {
  const { data: profile } = useProfile()
  const place = `dvor-cart-${profile?.id ?? 0}`
  const text = useSyncExternalStore(subscribe, () => kept.get(place))
  const { lines, key } = useMemo(() => parse(text), [text])
  const write = (next: Line[]) => {
    kept.set(place, JSON.stringify({ lines: next, key: newKey() }))
    speak()
  }
  return {
    lines,
    key,
    isFull: lines.length >= maxLines,
    quantityOf: (product: number) => lines.find((line) => line.product === product)?.quantity ?? 0,
    /** Sets how many of a product; none takes it out. */
    put: (product: number, quantity: number) => {
      const now = parse(kept.get(place)).lines
      if (quantity < 1) write(now.filter((line) => line.product !== product))
      else if (now.some((line) => line.product === product))
        write(now.map((line) => (line.product === product ? { product, quantity } : line)))
      else write([...now, { product, quantity }])
    },
    /** Empties the cart that was ordered; one that has changed since stays. */
    finish: (ordered: string) => {
      if (parse(kept.get(place)).key === ordered) write([])
    },
  }
}

/** How many products wait in the cart, in figures and in words. */
export function useCartBadge() {
  const { t } = useTranslation()
  const count = useCart().lines.length
  return { count, words: t('shop.in_cart', { count }) }
}
