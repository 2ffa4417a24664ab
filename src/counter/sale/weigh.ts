// What a weight says of a thing: whether it can be what it is called, and how many pieces. Evidence, never for pricing. Pure.
import type { Product } from '../../recognition/types.js'
import type { Item, Quantity } from '../types.js'

type Weighable = Pick<Product, 'unit' | 'meanGrams'>

/** A scale for groceries shows less than this with nothing on it. */
const leastGrams = 5
/** A piece of less than this share of the mean weight is none: 12 g is no melon. */
const leastShare = 0.5
/** Pieces together may be lighter or heavier than as many mean ones, by this share of one piece and of all. */
const spread = 0.35

/** How many pieces weigh so much; null where no number does, or the mean weight is not known. */
export function piecesOf(grams: number, meanGrams: number | null): number | null {
  if (meanGrams === null) return null
  const pieces = Math.max(1, Math.round(grams / meanGrams))
  return Math.abs(grams - pieces * meanGrams) <= spread * meanGrams * Math.sqrt(pieces)
    ? pieces
    : null
}

/** fits: it may weigh so much. cannot: nothing of it does. open: nobody knows what it weighs. */
export function canWeigh(
  grams: number,
  product: Weighable | undefined,
): 'fits' | 'cannot' | 'open' {
  if (grams < leastGrams) return 'cannot'
  if (!product || product.meanGrams === null) return 'open'
  if (grams < leastShare * product.meanGrams) return 'cannot'
  // What is sold by weight is a bunch, a bag or a half: any weight above that of a small piece.
  if (product.unit === 'g') return 'fits'
  return piecesOf(grams, product.meanGrams) === null ? 'cannot' : 'fits'
}

/**
 * An item with a weight: what it cannot be goes to the end of its alternatives, and where that was its name, it is a
 * question. The number of pieces follows where the till has not said one. The same item where nothing changes.
 * @param at wall clock of the reading, ISO
 */
export function weighed(
  item: Item,
  { grams, at }: { grams: number; at: string },
  product: (sku: string) => Weighable | undefined,
): Item {
  const weight = { grams, stable: true, at }
  // What the till has sold or a person has named is not judged any more.
  if (item.disposition !== 'open' || item.quantity.source === 'till') return { ...item, weight }
  const cannot = (sku: string) => canWeigh(grams, product(sku)) === 'cannot'
  const alternatives = [
    ...item.alternatives.filter(one => !cannot(one.sku)),
    ...item.alternatives.filter(one => cannot(one.sku)),
  ]
  if (item.sku !== null && cannot(item.sku)) {
    const best = alternatives[0]!
    const { sku, name, plu, gtin, score } = cannot(best.sku) ? item : best
    const asked = { decision: 'ask', auto: false, askReason: 'conflict' } as const
    const named: Item = { ...item, sku, name, plu, gtin, score, ...asked, alternatives, weight }
    return { ...named, quantity: counted(named, grams, product) }
  }
  return { ...item, alternatives, weight, quantity: counted(item, grams, product) }
}

function counted(
  item: Item,
  grams: number,
  product: (sku: string) => Weighable | undefined,
): Quantity {
  const known = item.sku === null ? undefined : product(item.sku)
  const pieces = known?.unit === 'each' ? piecesOf(grams, known.meanGrams) : null
  if (pieces === null) return item.quantity
  return { value: pieces, unit: 'each', source: 'scale', exact: false }
}
