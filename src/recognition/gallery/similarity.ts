// How like each enrolled product an embedding is: its nearest picture and the middle of all its pictures, half each.
import { NearestRows } from '../../inference/addon.js'
import { dot } from '../../vectors.js'
import { unit } from '../embedder.js'
import type { GalleryContent } from './types.js'

/** Cosine similarity, -1 to 1. */
export interface Likeness {
  /** Index of the product in the gallery. */
  product: number
  similarity: number
}

/** So many of the nearest pictures are looked at; a product far behind them is no candidate. */
const mostPictures = 200
const mostProducts = 20

export class GallerySearch {
  readonly #dims: number
  /** By entry: the index of its product. */
  readonly #productOf: Int32Array
  /** What is known by its name alone looks like nothing. */
  readonly #pictured: ReadonlySet<number>
  readonly #vectors: Float32Array
  readonly #middles: Float32Array
  readonly #pictures: NearestRows
  readonly #products: NearestRows

  /** @param vectors entries x dims, of length 1 each, in the order of the entries */
  constructor({ products, entries }: GalleryContent, vectors: Float32Array, dims: number) {
    this.#dims = dims
    this.#vectors = vectors
    const places = new Map(products.map(({ sku }, index) => [sku, index]))
    this.#productOf = Int32Array.from(entries, ({ sku }) => places.get(sku)!)
    this.#pictured = new Set(this.#productOf)
    this.#middles = middlesOf(vectors, this.#productOf, products.length, dims)
    this.#pictures = new NearestRows(vectors, dims)
    this.#products = new NearestRows(this.#middles, dims)
  }

  /** The most alike first; nothing of an empty gallery. @param embedding of length 1 */
  search(embedding: Float32Array): Likeness[] {
    const near = this.#pictures.search(embedding, mostPictures)
    const nearest = new Map<number, number>()
    near.rows.forEach((row, at) => {
      const product = this.#productOf[row]!
      // Best first, so the first of a product is its nearest.
      if (!nearest.has(product)) nearest.set(product, near.scores[at]!)
    })
    const middles = this.#products.search(embedding, mostProducts)
    const asked = new Set([...middles.rows, ...[...nearest.keys()].slice(0, mostProducts)])
    return [...asked]
      .filter(product => this.#pictured.has(product))
      .map(product => {
        const picture = nearest.get(product) ?? this.#nearestOf(product, embedding)
        const middle = dot(embedding, this.#middles, product * this.#dims)
        return { product, similarity: (picture + middle) / 2 }
      })
      .sort((a, b) => b.similarity - a.similarity || a.product - b.product)
  }

  /** Of a product whose pictures are not among the nearest of all. */
  #nearestOf(product: number, embedding: Float32Array): number {
    let best = -1
    this.#productOf.forEach((one, row) => {
      if (one === product) best = Math.max(best, dot(embedding, this.#vectors, row * this.#dims))
    })
    return best
  }
}

/** The middle of each product's pictures, of length 1; zeros where there is none. */
function middlesOf(
  vectors: Float32Array,
  productOf: Int32Array,
  products: number,
  dims: number,
): Float32Array {
  const middles = new Float32Array(products * dims)
  productOf.forEach((product, row) => {
    for (let d = 0; d < dims; d++) middles[product * dims + d]! += vectors[row * dims + d]!
  })
  for (let product = 0; product < products; product++) {
    const one = middles.subarray(product * dims, (product + 1) * dims)
    if (one.some(value => value !== 0)) one.set(unit(one))
  }
  return middles
}
