// The shop's catalogue: what it says of a product goes before what the model's labels say.
import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { didYouMean } from '../config/nearest.js'
import { GroceryError } from '../errors.js'
import type { Label } from '../inference/labels.js'
import type { Product } from './types.js'

const text = z
  .string()
  .trim()
  .transform(value => value || null)

/** Yes and no as spreadsheets write them; an empty cell is a question, not an answer. */
const yesNo = new Map([
  ...['true', '1', 'yes'].map(word => [word, true] as const),
  ...['false', '0', 'no'].map(word => [word, false] as const),
])
const wantedYesNo = 'Expected true, false, 1, 0, yes or no'

const row = z.strictObject({
  sku: z.string().trim().min(1, 'Expected a sku'),
  name: text.nullish(),
  plu: z.union([text, z.number().transform(String)]).nullish(),
  gtin: z.union([text, z.number().transform(String)]).nullish(),
  unit: z.enum(['each', 'g', ''], 'Expected unit each or g').nullish(),
  meanGrams: z
    .union(
      [z.literal(''), z.coerce.number().positive('Expected positive grams')],
      'Expected positive grams',
    )
    .nullish(),
  /** In minor units (cents): for one where unit is each, for a kilogram where it is g. Nothing is sold by it. */
  price: z.union([z.literal(''), z.coerce.number().int().min(0)], 'Expected whole cents').nullish(),
  /** Whether it is sold here; in every row or in none. */
  active: z
    .unknown()
    .transform((value, context) => {
      const said = yesNo.get(String(value).trim().toLowerCase())
      if (said !== undefined) return said
      context.addIssue(`${wantedYesNo} but received ${JSON.stringify(value)}`)
      return z.NEVER
    })
    .optional(),
  /** The sku of the product that no picture tells it from. */
  variantOf: text.nullish(),
})

/** Of the contract, and without effect in this version. */
const later = ['restricted', 'confirm', 'picture']
const columns = [...Object.keys(row.shape), ...later]

export type CatalogueRow = z.infer<typeof row>
/** By sku, in the order of the file. */
export type Catalogue = Map<string, CatalogueRow>

/** Whether the catalogue says what is sold here: then a product without a row is not. */
export const saysWhatIsSold = (catalogue: Catalogue): boolean =>
  [...catalogue.values()].some(({ active }) => active !== undefined)

/** Of what the daemon keeps (catalogue-desk.ts): the rows, with the version that they came with. */
export const keptFormat = 1

/** As many wrong rows as somebody mends at a time, and as a message has room for. */
const mostProblems = 20
const mostShown = 60

/** @param path for messages @param text JSON where it begins with a bracket, else CSV with a header. Throws CATALOGUE_INVALID. */
export function parseRows(text: string, path: string): unknown[] {
  try {
    if (!/^\s*[[{]/.test(text)) {
      return parse(text, { columns: true, trim: true, bom: true, skip_empty_lines: true })
    }
    const json: unknown = JSON.parse(text)
    if (Array.isArray(json)) return json
    const { format, products } = json as { format?: unknown; products?: unknown }
    if (format === keptFormat && Array.isArray(products)) return products
    throw new Error('Expected a list of products')
  } catch (cause) {
    throw new GroceryError('CATALOGUE_INVALID', `${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Reads a CSV with a header, or a JSON list. Throws CATALOGUE_INVALID with every wrong row in its details. */
export function readCatalogue(path: string): Catalogue {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new GroceryError('CATALOGUE_INVALID', `${path}: ${(cause as Error).message}`, { cause })
  }
  return checkRows(parseRows(text, path), path)
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text
}

/** What is wrong with a row's field, and what stands there. */
function describeIssue(raw: unknown, { path, message }: z.core.$ZodIssue): string {
  const received = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown>)?.[key],
    raw,
  )
  const words = /received/.test(message) ? message : `${message} but received ${shown(received)}`
  return path.length > 0 ? `${path.join('.')}: ${words}` : words
}

/** @param name of the rows in messages. Throws CATALOGUE_INVALID with every wrong row in its details. */
export function checkRows(rows: readonly unknown[], name: string): Catalogue {
  const catalogue: Catalogue = new Map()
  const problems: string[] = []
  const unknown = new Set<string>()
  const known = rows.map(raw => {
    if (typeof raw !== 'object' || raw === null) return raw
    for (const column of Object.keys(raw)) {
      if (!columns.includes(column)) unknown.add(column)
    }
    return Object.fromEntries(Object.entries(raw).filter(([column]) => column in row.shape))
  })
  for (const column of unknown)
    problems.push(`Unknown column ${shown(column)}${didYouMean(column, columns)}`)
  known.forEach((raw, index) => {
    const result = row.safeParse(raw)
    if (result.success) {
      if (catalogue.has(result.data.sku))
        problems.push(`row ${index + 1}: sku "${result.data.sku}" stands twice`)
      catalogue.set(result.data.sku, result.data)
      return
    }
    for (const issue of result.error.issues)
      problems.push(`row ${index + 1}: ${describeIssue(raw, issue)}`)
  })
  if (saysWhatIsSold(catalogue)) {
    for (const { sku, active } of catalogue.values()) {
      if (active === undefined)
        problems.push(`sku "${sku}": active: ${wantedYesNo}, as the other rows have it`)
    }
  }
  if (problems.length === 0) return catalogue
  const told = problems.slice(0, mostProblems)
  if (problems.length > told.length) told.push(`and ${problems.length - told.length} more`)
  throw new GroceryError('CATALOGUE_INVALID', `${name}: ${told.join('; ')}`, { details: problems })
}

/** What a product costs, in minor units for one or for a kilogram; only to compare and to reckon, never to sell by. */
export interface ShopPrice {
  price: number
  /** null: neither the catalogue nor the model's labels say it. */
  unit: 'each' | 'g' | null
  meanGrams: number | null
}
export type PriceOf = (sku: string) => ShopPrice | null

/** @param unitOf where the catalogue does not say it */
export const pricesOf =
  (catalogue: Catalogue | null, unitOf: (sku: string) => ShopPrice['unit']): PriceOf =>
  sku => {
    const { price, unit, meanGrams } = catalogue?.get(sku) ?? {}
    if (typeof price !== 'number') return null
    return { price, unit: unit || unitOf(sku), meanGrams: meanGrams || null }
  }

/** The products that a model's classes stand for, in the order of the classes. */
export function productsOf(labels: readonly Label[], catalogue: Catalogue | null): Product[] {
  return labels.map(label => {
    const entry = catalogue?.get(label.sku)
    return {
      sku: label.sku,
      name: entry?.name ?? label.name,
      plu: entry?.plu ?? label.plu,
      gtin: entry?.gtin ?? label.gtin,
      unit: entry?.unit || (label.group === 'loose' ? 'g' : 'each'),
      meanGrams: entry?.meanGrams || null,
      group: label.group,
      coarse: label.coarse,
      variantOf: entry?.variantOf ?? label.variantOf,
    }
  })
}
