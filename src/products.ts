// What the daemon knows of products: those of the model, those that were taught, and what the catalogue says they cost.
import type { PosMessage } from './publish/messages.js'
import { type Catalogue, type PriceOf, pricesOf, readCatalogue } from './recognition/catalogue.js'
import type { GalleryProduct } from './recognition/gallery/types.js'
import type { Product } from './recognition/types.js'

export interface ProductsOptions {
  /** A file; what is wrong with it vision says, and then no price is known. */
  catalogue: string | null
  taught(sku: string): GalleryProduct | undefined
}

export class Products {
  readonly #taught: ProductsOptions['taught']
  readonly #ofModel = new Map<string, Product>()
  readonly priceOf: PriceOf

  constructor({ catalogue, taught }: ProductsOptions) {
    this.#taught = taught
    const prices = pricesOf(readOrNull(catalogue), sku => this.#ofModel.get(sku)?.unit ?? null)
    this.priceOf = prices
  }

  /** What a model that was loaded may say; products of models before it stay known. */
  add(products: readonly Product[]): void {
    for (const product of products) this.#ofModel.set(product.sku, product)
  }

  find(sku: string): GalleryProduct | undefined {
    return this.#ofModel.get(sku) ?? this.#taught(sku)
  }

  /** What a line of the till names. */
  ofLine({ sku, gtin }: Pick<PosMessage, 'sku' | 'gtin'>): GalleryProduct | null {
    if (sku) return this.find(sku) ?? null
    if (!gtin) return null
    return [...this.#ofModel.values()].find(one => one.gtin === gtin) ?? null
  }
}

function readOrNull(file: string | null): Catalogue | null {
  try {
    return file === null ? null : readCatalogue(file)
  } catch {
    return null
  }
}
