// What a word of the till makes of an item: disposition x word -> item and reason. One table, no empty cell. Pure.
import type { Item, Reason } from '../types.js'
import type { Sold } from './lines.js'

export const dispositions = ['open', 'offered', 'sold', 'voided', 'ignored', 'leftover'] as const

/**
 * bound: a line sold it. changed: its line has other pieces. weighed: its line has grams. voided: its line is no more.
 * dismissed: a person says that it is nothing to sell.
 */
export const words = ['bound', 'changed', 'weighed', 'voided', 'dismissed'] as const
export type Word = (typeof words)[number]

export interface Said {
  product: Sold
  lineId: string | null
  pieces: number | null
  grams: number | null
}

/** null: the word changes nothing. */
export type Changed = { item: Item; reason: Reason } | null
type Cell = (item: Item, said: Said) => Changed

const unchanged: Cell = () => null

/** Only the till sells: its product holds, whatever the pictures said. */
const sell: Cell = (item, { product, lineId, pieces, grams }) => {
  const { sku, name, plu, gtin } = product
  const score = item.alternatives.find(one => one.sku === sku)?.score ?? 0
  const sold: Item = {
    ...item,
    ...{ sku, name, plu, gtin, score },
    ...{ decision: 'sure', auto: false, askReason: null, disposition: 'sold', lineId },
  }
  return { item: { ...sold, quantity: quantityOf(item, pieces, grams) }, reason: 'bound' }
}

/** One thing of a line of several pieces is one piece. */
function quantityOf(item: Item, pieces: number | null, grams: number | null): Item['quantity'] {
  if (grams !== null) return { value: grams, unit: 'g', source: 'till', exact: true }
  if (pieces === null) return item.quantity
  return { value: pieces, unit: 'each', source: 'till', exact: true }
}

const recount: Cell = (item, { pieces, grams }) => {
  const quantity = quantityOf(item, pieces, grams)
  const { value, unit } = item.quantity
  if (value === quantity.value && unit === quantity.unit) return null
  return { item: { ...item, quantity }, reason: 'quantity' }
}

/** It lies there still, and may be sold again; lineId says which line was given up. */
const giveUp: Cell = item => ({ item: { ...item, disposition: 'voided' }, reason: 'bound' })

const ignore: Cell = item => ({
  item: { ...item, disposition: 'ignored', auto: false },
  reason: 'confirmed',
})

// Nothing is sold yet: there is no line whose pieces, grams or end could be meant.
const unsold = {
  bound: sell,
  changed: unchanged,
  weighed: unchanged,
  voided: unchanged,
  dismissed: ignore,
}
// Over: its session is closed, and nothing that is said later is about it.
const over = {
  bound: unchanged,
  changed: unchanged,
  weighed: unchanged,
  voided: unchanged,
  dismissed: unchanged,
}

export const table: Record<Item['disposition'], Record<Word, Cell>> = {
  open: unsold,
  offered: unsold,
  voided: unsold,
  // No line is about what is nothing to sell.
  ignored: over,
  // A line has sold it: another line cannot sell it again.
  sold: { ...over, changed: recount, weighed: recount, voided: giveUp },
  leftover: over,
}

export const say = (word: Word, item: Item, said: Said): Changed =>
  table[item.disposition][word](item, said)
