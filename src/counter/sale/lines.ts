// The till's lines of one sale, and which thing on the counter each is about. Pure.
import type { Product } from '../../recognition/types.js'
import type { Item } from '../types.js'

/** What identifies a product to the till. */
export type Sold = Pick<Product, 'sku' | 'name' | 'plu' | 'gtin'>

/** A product that the till sold in the open session. */
export interface Line {
  lineId: string
  product: Sold
  /** Pieces; null where the till said none. */
  pieces: number | null
  grams: number | null
  /** Monotonic ms of the till's word. */
  at: number
  /** Items that it sold, in the order in which they were found; at most as many as it has pieces. */
  itemIds: string[]
  /** The one of them that was called otherwise, or that came late, as it was before: what is called so takes its place. */
  guess: Item | null
  /** Monotonic ms when a weighed line was guessed to be about that one. */
  guessedAt?: number
  /** It was weighed, and the load has not changed since: what it sold lies there, whether it is seen or not. */
  lies?: boolean
}

/** How long after the till's word a thing that comes into view may be what was sold, and how long before it, ms. */
export const crossesWithin = 10_000

/** A GTIN of 8 to 14 digits with its leading zeros: two ways to write one are the same. */
export const wholeGtin = (gtin: string): string => gtin.padStart(14, '0')

export const isSame = (item: Pick<Item, 'sku' | 'gtin'>, product: Sold): boolean =>
  item.sku === product.sku ||
  (item.gtin !== null && product.gtin !== null && wholeGtin(item.gtin) === wholeGtin(product.gtin))

/** Whether no line has sold it yet and a line may. */
export const isUnsold = ({ disposition }: Pick<Item, 'disposition'>): boolean =>
  disposition === 'open' || disposition === 'offered' || disposition === 'voided'

/** Whether a line has pieces that are no item yet: its word about one thing that nobody found, or more of several. */
export const wantsMore = ({ pieces, itemIds }: Line): boolean =>
  itemIds.length < Math.max(1, Math.floor(pieces ?? 1))

/** Whether a line that was about what nobody could name is about this thing instead. */
export const isBetter = (item: Item, { guess, product, at }: Line, now: number): boolean =>
  guess !== null && isSame(item, product) && now - at <= crossesWithin

/**
 * The unsold thing that a word of the till about a product is about: the one that is called so, else the only one that
 * might be it, else the only unknown one that came or went by just now. Equal things are the oldest first, as nothing tells
 * them apart. null where none may be meant, or nothing says which.
 * @param items as the till was told of them, oldest first
 * @param isRecent whether an item came at about the time of the word
 */
export function itemFor(
  product: Sold,
  items: readonly Item[],
  isRecent: (itemId: string) => boolean,
): Item | null {
  const unsold = items.filter(isUnsold)
  const named = unsold.find(item => isSame(item, product))
  if (named) return named
  const open = unsold.filter(item => item.decision !== 'sure')
  const maybe = open.filter(item => item.alternatives.some(one => isSame(one, product)))
  if (maybe.length > 0) return maybe.length === 1 ? maybe[0]! : null
  const strange = open.filter(item => item.decision === 'unknown' && isRecent(item.itemId))
  return strange.length === 1 ? strange[0]! : null
}

/**
 * The line that sold a thing before it came into view; null where none did.
 * @param at monotonic ms now
 */
export function lineFor(item: Item, lines: readonly Line[], at: number): Line | null {
  const isTime = (line: Line) => line.lies === true || at - line.at <= crossesWithin
  const waiting = lines.filter(line => wantsMore(line) && isTime(line))
  const sure = waiting.find(line => isSame(item, line.product))
  if (sure || item.decision === 'sure') return sure ?? null
  const maybe = waiting.filter(line => item.alternatives.some(one => isSame(one, line.product)))
  if (maybe.length > 0) return maybe.length === 1 ? maybe[0]! : null
  // What nobody knows by its look, and the only thing that was scanned just now.
  return item.decision === 'unknown' && waiting.length === 1 ? waiting[0]! : null
}
