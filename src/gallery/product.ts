// What the options say of a product, checked as a till would read it.
import { GroceryError } from '../errors.js'
import type { GalleryProduct } from '../recognition/gallery/types.js'

export interface ProductOptions {
  sku?: string
  name?: string
  plu?: string
  gtin?: string
}

const invalid = (words: string) => new GroceryError('GALLERY_PRODUCT_INVALID', words)

/** GS1: from the right, digits count three times and once in turn; all together end in 0. */
function hasCheckDigit(gtin: string): boolean {
  const digits = [...gtin].reverse().map(Number)
  const sum = digits.reduce((total, digit, at) => total + digit * (at % 2 === 0 ? 1 : 3), 0)
  return sum % 10 === 0
}

/** Throws GALLERY_PRODUCT_INVALID. */
export function productOf({ sku, name, plu, gtin }: ProductOptions): GalleryProduct {
  if (!sku?.trim()) throw invalid('Expected --sku SKU but it is missing')
  if (!name?.trim()) throw invalid(`Expected --name NAME for ${sku} but it is missing`)
  if (plu !== undefined && !/^\d{4,5}$/.test(plu))
    throw invalid(`Expected a PLU of 4 or 5 digits but received "${plu}"`)
  if (gtin !== undefined && !(/^(\d{8}|\d{12,14})$/.test(gtin) && hasCheckDigit(gtin)))
    throw invalid(
      `Expected a GTIN of 8, 12, 13 or 14 digits with its check digit but received "${gtin}"`,
    )
  return { sku: sku.trim(), name: name.trim(), plu: plu ?? null, gtin: gtin ?? null }
}
