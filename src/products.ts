// What is known of a product by its sku or GTIN: by the model and the catalogue, else by the gallery.
import type { GalleryProduct } from './recognition/gallery/types.js'
import type { Product } from './recognition/types.js'

const whole = (gtin: string) => gtin.padStart(14, '0')

export class Products {
  readonly #bySku = new Map<string, Product>()
  readonly #byGtin = new Map<string, Product>()
  readonly #taught: () => readonly GalleryProduct[]

  /** @param taught what the gallery holds now */
  constructor(taught: () => readonly GalleryProduct[]) {
    this.#taught = taught
  }

  /** What a model and the catalogue say, in addition to what earlier ones said. */
  learn(products: readonly Product[]): void {
    for (const product of products) {
      this.#bySku.set(product.sku, product)
      if (product.gtin !== null) this.#byGtin.set(whole(product.gtin), product)
    }
  }

  /** With its unit and weight; undefined where only the gallery knows it, or nobody. */
  sold(sku: string): Product | undefined {
    return this.#bySku.get(sku)
  }

  named({
    sku,
    gtin,
  }: {
    sku: string | null
    gtin?: string | null
  }): Product | GalleryProduct | undefined {
    if (sku !== null) return this.#bySku.get(sku) ?? this.#taught().find(one => one.sku === sku)
    if (!gtin) return undefined
    const code = whole(gtin)
    return (
      this.#byGtin.get(code) ??
      this.#taught().find(one => one.gtin !== null && whole(one.gtin) === code)
    )
  }
}
