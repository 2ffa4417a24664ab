// What is enrolled: products and the pictures of each. Types only.

export interface GalleryProduct {
  sku: string
  name: string
  plu: string | null
  gtin: string | null
}

/** One picture of a product. */
export interface GalleryEntry {
  /** SHA-256 of the kept picture, hex; its name on disk. */
  picture: string
  sku: string
  /** Who taught it, where it was not a person who answers for it. */
  by?: 'shopper' | undefined
}

export interface GalleryContent {
  products: readonly GalleryProduct[]
  entries: readonly GalleryEntry[]
}

export const emptyGallery: GalleryContent = { products: [], entries: [] }
