// What the daemon knows of products, by sku or GTIN: those of the model and the catalogue, those that were taught, and what they cost.
import { wholeGtin } from './counter/sale/lines.js'
import { type Catalogue, type PriceOf, pricesOf, readCatalogue } from './recognition/catalogue.js'
import type { GalleryProduct } from './recognition/gallery/types.js'
import type { Product } from './recognition/types.js'

export interface ProductsOptions {
  /** A file; what is wrong with it vision says, and then no price is known. */
  catalogue: string | null
  /** What the gallery holds now. */
  taught(): readonly GalleryProduct[]
}

export class Products {
  readonly #taught: ProductsOptions['taught']
  readonly #bySku = new Map<string, Product>()
  readonly #byGtin = new Map<string, Product>()
  #prices: PriceOf = () => null

  constructor({ catalogue, taught }: ProductsOptions) {
    this.#taught = taught
    this.stock(catalogue)
  }

  readonly priceOf: PriceOf = sku => this.#prices(sku)

  /** Prices are this file's from now on; the products themselves come with the model's word (`learn`). */
  stock(catalogue: string | null): void {
    this.#prices = pricesOf(readOrNull(catalogue), sku => this.#bySku.get(sku)?.unit ?? null)
  }

  /** What a model that was loaded may say; products of models before it stay known. */
  learn(products: readonly Product[]): void {
    for (const product of products) {
      this.#bySku.set(product.sku, product)
      if (product.gtin !== null) this.#byGtin.set(wholeGtin(product.gtin), product)
    }
  }

  /** All that a picture may be named, each sku once. */
  get all(): GalleryProduct[] {
    const taught = this.#taught().filter(({ sku }) => !this.#bySku.has(sku))
    return [...this.#bySku.values(), ...taught].map(({ sku, name, plu, gtin }) => ({
      sku,
      name,
      plu,
      gtin,
    }))
  }

  /** With its unit and weight; undefined where only the gallery knows it, or nobody. */
  sold(sku: string): Product | undefined {
    return this.#bySku.get(sku)
  }

  /** What a command or a line of the till names, by its sku where it says one. */
  named({
    sku,
    gtin,
  }: {
    sku?: string | null | undefined
    gtin?: string | null | undefined
  }): GalleryProduct | undefined {
    if (sku) return this.#bySku.get(sku) ?? this.#taught().find(one => one.sku === sku)
    if (!gtin) return undefined
    const code = wholeGtin(gtin)
    return (
      this.#byGtin.get(code) ??
      this.#taught().find(one => one.gtin !== null && wholeGtin(one.gtin) === code)
    )
  }
}

function readOrNull(file: string | null): Catalogue | null {
  try {
    return file === null ? null : readCatalogue(file)
  } catch {
    return null
  }
}
