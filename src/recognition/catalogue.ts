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
const row = z.strictObject({
  sku: z.string().trim().min(1, 'Expected a sku'),
  name: text.nullish(),
  plu: z.union([text, z.number().transform(String)]).nullish(),
  gtin: z.union([text, z.number().transform(String)]).nullish(),
  unit: z.enum(['each', 'g', ''], 'Expected unit each or g').nullish(),
  meanGrams: z
    .union([z.literal(''), z.coerce.number().positive('Expected positive grams')])
    .nullish(),
})

/** Of the contract, and without effect in this version. */
const later = ['active', 'restricted', 'confirm', 'variantOf', 'picture']
const columns = [...Object.keys(row.shape), ...later]

type Row = z.infer<typeof row>
export type Catalogue = Map<string, Row>

function rowsOf(path: string): unknown[] {
  try {
    const bytes = readFileSync(path, 'utf8')
    if (!path.endsWith('.json')) {
      return parse(bytes, { columns: true, trim: true, bom: true, skip_empty_lines: true })
    }
    const json: unknown = JSON.parse(bytes)
    if (Array.isArray(json)) return json
    throw new Error('Expected a list of products')
  } catch (cause) {
    throw new GroceryError('CATALOGUE_INVALID', `${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Reads a CSV with a header, or a JSON list. Throws CATALOGUE_INVALID with every wrong row. */
export function readCatalogue(path: string): Catalogue {
  const catalogue: Catalogue = new Map()
  const problems: string[] = []
  const unknown = new Set<string>()
  const rows = rowsOf(path).map(raw => {
    if (typeof raw !== 'object' || raw === null) return raw
    for (const name of Object.keys(raw)) {
      if (!columns.includes(name)) unknown.add(name)
    }
    return Object.fromEntries(Object.entries(raw).filter(([name]) => name in row.shape))
  })
  for (const name of unknown) problems.push(`Unknown column "${name}"${didYouMean(name, columns)}`)
  rows.forEach((raw, index) => {
    const result = row.safeParse(raw)
    if (result.success) {
      if (catalogue.has(result.data.sku))
        problems.push(`row ${index + 1}: sku "${result.data.sku}" stands twice`)
      catalogue.set(result.data.sku, result.data)
      return
    }
    for (const issue of result.error.issues) {
      problems.push(`row ${index + 1}: ${issue.path.join('.')}: ${issue.message}`)
    }
  })
  if (problems.length === 0) return catalogue
  throw new GroceryError('CATALOGUE_INVALID', `${path}: ${problems.join('; ')}`, {
    details: problems,
  })
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
      variantOf: label.variantOf,
    }
  })
}
