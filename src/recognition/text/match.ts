// Which products a text speaks of: pieces of words that product and text share, rare ones heavy. Pure.

/** What is known of a product's text: its name, and what was read on pictures of it. */
export interface TextProduct {
  name: string
  texts: readonly string[]
}

export interface TextMatch {
  /** Index of the product. */
  product: number
  /** Cosine of what was read and the nearest text of the product, 0..1. */
  score: number
}

/** Prices, weights and percentages are on every pack, and change. */
const numberWeight = 0.2
/** Shorter words are mostly reading errors. */
const shortestWord = 2
/** Letters of a piece; the ends of a word count as letters. */
const pieceSizes = [2, 3, 4]

type Pieces = Map<string, number>

/** Small letters and digits without marks: "MJÖLK 3%" gives mjolk and 3. */
export const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word.length >= shortestWord)

function piecesOf(text: string): Pieces {
  const pieces: Pieces = new Map()
  for (const word of wordsOf(text)) {
    const weight = /\p{N}/u.test(word) ? numberWeight : 1
    const whole = `^${word}$`
    for (const size of pieceSizes)
      for (let at = 0; at + size <= whole.length; at++) {
        const piece = whole.slice(at, at + size)
        // Said twice is hardly more than said once.
        pieces.set(piece, Math.max(pieces.get(piece) ?? 0, weight))
      }
  }
  return pieces
}

function unit(pieces: Pieces, rarity: ReadonlyMap<string, number>): Pieces {
  let sum = 0
  const weighed: Pieces = new Map()
  for (const [piece, weight] of pieces) {
    const value = weight * (rarity.get(piece) ?? 0)
    if (value === 0) continue
    weighed.set(piece, value)
    sum += value * value
  }
  const length = Math.sqrt(sum)
  for (const [piece, value] of weighed) weighed.set(piece, value / length)
  return weighed
}

export class TextMatcher {
  /** How rare a piece is among the products; pieces of none are not in it. */
  readonly #rarity = new Map<string, number>()
  readonly #texts: { product: number; pieces: Pieces }[]

  constructor(products: readonly TextProduct[]) {
    const all = products.flatMap(({ name, texts }, product) =>
      [name, ...texts].map(text => ({ product, pieces: piecesOf(text) })),
    )
    const having = new Map<string, Set<number>>()
    for (const { product, pieces } of all)
      for (const piece of pieces.keys()) {
        const known = having.get(piece)
        if (known) known.add(product)
        else having.set(piece, new Set([product]))
      }
    for (const [piece, { size }] of having)
      this.#rarity.set(piece, Math.log((1 + products.length) / size))
    this.#texts = all.map(({ product, pieces }) => ({
      product,
      pieces: unit(pieces, this.#rarity),
    }))
  }

  /** The best first; nothing where no piece is shared. */
  match(text: string): TextMatch[] {
    const read = unit(piecesOf(text), this.#rarity)
    const best = new Map<number, number>()
    for (const { product, pieces } of this.#texts) {
      let score = 0
      for (const [piece, weight] of pieces) score += weight * (read.get(piece) ?? 0)
      if (score > (best.get(product) ?? 0)) best.set(product, score)
    }
    return [...best]
      .map(([product, score]) => ({ product, score }))
      .sort((a, b) => b.score - a.score || a.product - b.product)
  }
}
