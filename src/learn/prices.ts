// Reads a shop's price list: CSV of sku,price[,unit[,meanGrams]]. Reckons nothing.
import { z } from 'zod'
import { didYouMean } from '../config/nearest.js'
import { GroceryError } from '../errors.js'
import type { Product } from '../recognition/types.js'
import { type CsvRow, problemsIn, readRows } from './csv.js'

/** One row; cells are text, as a CSV has them. */
export const priceRow = z.strictObject({
  sku: z.string().min(1, 'Expected a sku').describe('As the labels of the model name it.'),
  price: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'Expected a price such as 1.99')
    .describe('For one item, or for a kilogram.'),
  unit: z
    .enum(['', 'each', 'kg'], 'Expected unit each or kg')
    .default('each')
    .describe('What the price is for.'),
  meanGrams: z
    .string()
    .regex(/^(|[1-9]\d*(\.\d+)?)$/, 'Expected positive grams')
    .default('')
    .describe('What is sold at once of it, on average; 1 kg where it is not said.'),
})

export interface Price {
  price: number
  unit: 'each' | 'kg'
  /** null where the list does not say it. */
  meanGrams: number | null
}

export interface PriceList {
  /** As the header names it after "price"; null where it does not. */
  currency: string | null
  prices: Map<string, Price>
}

const columns = Object.keys(priceRow.shape)
/** A shop's list often has these, too. */
const ignored = ['name', 'plu', 'gtin']

/** Where each column stands. A file without a header has the columns in their order. */
function readHeader(rows: CsvRow[]): { names: string[]; currency: string | null; body: CsvRow[] } {
  const head = rows[0]?.record ?? []
  if (!head.includes('sku')) return { names: columns, currency: null, body: rows }
  const currency = head.map(name => /^price\s+(\S+)$/.exec(name)?.[1]).find(Boolean) ?? null
  const names = head.map(name => name.replace(/^price\s+\S+$/, 'price'))
  return { names, currency, body: rows.slice(1) }
}

function missingWords(prices: Map<string, Price>, labels: readonly Product[]): string[] {
  const missing = labels.map(({ sku }) => sku).filter(sku => !prices.has(sku))
  if (missing.length === 0) return []
  return [`Expected a price for each class but there is none for ${missing.join(', ')}`]
}

/**
 * @param labels the classes that need a price: a model may say any of its classes
 * Throws PRICES_INVALID with every wrong row and every class without a price.
 */
export function readPrices(file: string, labels: readonly Product[]): PriceList {
  const { names, currency, body } = readHeader(readRows(file, 'PRICES_INVALID'))
  const unknown = names.filter(name => !columns.includes(name) && !ignored.includes(name))
  const problems = unknown.map(name => `Unknown column "${name}"${didYouMean(name, columns)}`)
  if (problems.length > 0) throw problemsIn('PRICES_INVALID', file, problems)
  const prices = new Map<string, Price>()
  for (const { record, info } of body) {
    const cells = names.flatMap((name, at) => {
      const cell = record[at]
      return columns.includes(name) && cell !== undefined ? [[name, cell]] : []
    })
    const row = priceRow.safeParse(Object.fromEntries(cells))
    const at = `${file}:${info.lines}`
    if (!row.success) {
      for (const { path, message } of row.error.issues) {
        const received = record[names.indexOf(String(path[0]))] ?? ''
        problems.push(`${at} ${path.join('.')}: ${message} but received "${received}"`)
      }
      continue
    }
    const { sku, price, unit, meanGrams } = row.data
    if (prices.has(sku)) problems.push(`${at} sku "${sku}" stands twice`)
    prices.set(sku, {
      price: Number(price),
      unit: unit || 'each',
      meanGrams: meanGrams === '' ? null : Number(meanGrams),
    })
  }
  if (problems.length > 0) throw problemsIn('PRICES_INVALID', file, problems)
  const [missing] = missingWords(prices, labels)
  if (missing) throw new GroceryError('PRICES_INVALID', `${file}: ${missing}`)
  return { currency, prices }
}
