// What each class of a model may be in this shop: what is sold here, twins, and how often each is sold. Built once, at the start.
import { didYouMean } from '../config/nearest.js'
import { GroceryError } from '../errors.js'
import type { Label } from '../inference/labels.js'
import {
  type Catalogue,
  type CatalogueRow,
  productsOf,
  readCatalogue,
  saysWhatIsSold,
} from './catalogue.js'
import { readPriors, sharesAt, weightsOf } from './priors.js'
import type { Product } from './types.js'

export interface Assortment {
  /** The classes of the model, in their order. */
  products: readonly Product[]
  /**
   * By class: the products sold here that it may be, its own first. More than one where the catalogue has
   * twins that the model has no class for; none where nothing of it is sold here.
   */
  sold: readonly (readonly Product[])[]
  /** By class: a number that it shares with its twins among the classes. */
  group: readonly number[]
  /** By class: how often it is sold, 1 at an even share; null without priors. */
  weights: Float64Array | null
}

/** Where the assortment is written down; nothing of it need be there. */
export interface AssortmentFiles {
  catalogue?: string | null | undefined
  priors?: string | null | undefined
  site?: string | null | undefined
  priorWeight?: number | undefined
}

const invalid = (words: string) => new GroceryError('CATALOGUE_INVALID', words)

/** The end of a chain of variantOf; where two name each other, the first of the ring by name. */
function rootOf(sku: string, parents: ReadonlyMap<string, string>): string {
  const chain = [sku]
  for (let next = parents.get(sku); next !== undefined; next = parents.get(next)) {
    const ring = chain.indexOf(next)
    if (ring >= 0) return chain.slice(ring).sort()[0]!
    chain.push(next)
  }
  return chain.at(-1)!
}

/** What the catalogue says of a product that no class stands for; the rest is as of its twin. */
const twinOf = (row: CatalogueRow, like: Product): Product => ({
  ...like,
  sku: row.sku,
  name: row.name ?? row.sku,
  plu: row.plu ?? null,
  gtin: row.gtin ?? null,
  unit: row.unit || like.unit,
  meanGrams: row.meanGrams || like.meanGrams,
  variantOf: row.variantOf ?? null,
})

/**
 * The assortment of a model's classes by a catalogue. Pure.
 * @param file the catalogue's name in messages. Throws CATALOGUE_INVALID where it has nothing of the model's.
 */
export function assortmentOf(
  labels: readonly Label[],
  catalogue: Catalogue | null,
  file = 'catalogue',
): Assortment {
  const products = productsOf(labels, catalogue)
  const classOf = new Map(products.map(({ sku }, index) => [sku, index]))
  const rows = [...(catalogue?.values() ?? [])]
  const parents = new Map<string, string>()
  for (const { sku, variantOf } of [...rows, ...products]) {
    if (variantOf && variantOf !== sku) parents.set(sku, variantOf)
  }
  for (const { sku, variantOf } of rows) {
    if (!variantOf || catalogue!.has(variantOf) || classOf.has(variantOf)) continue
    const near = didYouMean(variantOf, [...catalogue!.keys(), ...classOf.keys()])
    throw invalid(
      `${file}: sku "${sku}": Expected variantOf to be a sku of the catalogue or the model but received "${variantOf}"${near}`,
    )
  }

  const roots = products.map(({ sku }) => rootOf(sku, parents))
  const group = roots.map(root => roots.indexOf(root))
  const filters = catalogue !== null && saysWhatIsSold(catalogue)
  const isSold = (sku: string) => !filters || catalogue!.get(sku)?.active === true
  const sold = products.map(product => (isSold(product.sku) ? [product] : []))
  let inCommon = products.filter(({ sku }) => catalogue?.has(sku)).length
  for (const row of rows) {
    if (classOf.has(row.sku)) continue
    const root = rootOf(row.sku, parents)
    // Beside the class it is a variant of; where only the kind is named, beside the first class of that kind.
    const near = classOf.get(row.variantOf ?? '') ?? roots.indexOf(root)
    if (near < 0) continue
    inCommon++
    if (isSold(row.sku)) sold[near]!.push(twinOf(row, products[near]!))
  }
  if (catalogue && inCommon === 0) {
    throw invalid(
      `${file}: Expected products of the model but none of its ${rows.length} skus${rows[0] ? `, such as "${rows[0].sku}",` : ''} is one of the model's ${labels.length}, such as "${labels[0]?.sku}"`,
    )
  }
  if (sold.every(list => list.length === 0)) {
    throw invalid(
      `${file}: Expected an active product that the model knows but all ${inCommon} of them are inactive`,
    )
  }
  return { products, sold, group, weights: null }
}

/** Reads what the files say of a model's classes. Throws CATALOGUE_INVALID, PRIORS_INVALID. */
export function readAssortment(labels: readonly Label[], files: AssortmentFiles): Assortment {
  const { catalogue, ...others } = files
  return assortmentWith(labels, catalogue ? readCatalogue(catalogue) : null, catalogue, others)
}

/** The same of a catalogue that was read already. @param name of it in messages */
export function assortmentWith(
  labels: readonly Label[],
  catalogue: Catalogue | null,
  name: string | null | undefined,
  { priors, site = null, priorWeight = 1 }: Omit<AssortmentFiles, 'catalogue'>,
): Assortment {
  const assortment = assortmentOf(labels, catalogue, name ?? undefined)
  if (!priors) return assortment
  const shares = sharesAt(readPriors(priors), site, priors)
  const skus = assortment.sold.map(list => list.map(({ sku }) => sku))
  const weights = weightsOf(skus, shares, priorWeight, priors)
  // To the power of 0 nothing weighs more than another: the scores then stay as they are, to the last bit.
  return { ...assortment, weights: priorWeight === 0 ? null : weights }
}

/** The products sold here that no class of the model stands for. */
export const beyondClasses = ({ products, sold }: Assortment): Product[] =>
  sold.flatMap((list, index) => list.filter(({ sku }) => sku !== products[index]!.sku))
