// How often each product is sold at a site (CSV site,sku,share), and what that makes a model's classes weigh.
import { readFileSync } from 'node:fs'
import { type CsvError, parse } from 'csv-parse/sync'
import { didYouMean } from '../config/nearest.js'
import { GroceryError } from '../errors.js'

/** One row: the share of the sales that a product has. Only the ratios of the shares count. */
export interface Prior {
  /** null: it holds at every site that has no row of its own for the product. */
  site: string | null
  sku: string
  share: number
}

const columns = ['site', 'sku', 'share']

const invalid = (problems: string[]) =>
  new GroceryError('PRIORS_INVALID', problems.join('; '), { details: problems })

interface CsvRow {
  record: { site?: string; sku: string; share: string }
  info: { lines: number }
}

function rowsOf(path: string): CsvRow[] {
  let header: string[] = []
  let rows: CsvRow[]
  try {
    const options = { trim: true, bom: true, skip_empty_lines: true, info: true }
    rows = parse(readFileSync(path, 'utf8'), {
      ...options,
      columns: (names: string[]) => (header = names),
    }) as unknown as CsvRow[]
  } catch (cause) {
    const { lines } = cause as CsvError & { lines?: number }
    const place = lines === undefined ? path : `${path}:${lines}`
    throw invalid([`${place}: ${(cause as Error).message}`])
  }
  const problems = header
    .filter(name => !columns.includes(name))
    .map(name => `${path}:1: Unknown column "${name}"${didYouMean(name, columns)}`)
  for (const name of ['sku', 'share']) {
    if (!header.includes(name)) problems.push(`${path}:1: Expected a column ${name}`)
  }
  if (problems.length === 0 && rows.length === 0) problems.push(`${path}: it holds no share`)
  if (problems.length > 0) throw invalid(problems)
  return rows
}

/** Reads the CSV. Throws PRIORS_INVALID with every wrong row as file:line. */
export function readPriors(path: string): Prior[] {
  const problems: string[] = []
  const lineOf = new Map<string, number>()
  const priors = rowsOf(path).map(({ record, info: { lines: line } }): Prior => {
    const { sku } = record
    const site = record.site || null
    const share = Number(record.share)
    if (!sku) problems.push(`${path}:${line}: Expected a sku`)
    if (record.share === '' || !Number.isFinite(share) || share <= 0) {
      problems.push(
        `${path}:${line}: Expected a share above 0 but received "${record.share}"; a product without a row has the smallest share`,
      )
    }
    const key = JSON.stringify([site, sku])
    const before = lineOf.get(key)
    if (before !== undefined) {
      problems.push(`${path}:${line}: sku "${sku}" stands in line ${before} for the same site`)
    }
    lineOf.set(key, line)
    return { site, sku, share }
  })
  if (problems.length > 0) throw invalid(problems)
  return priors
}

/**
 * The shares that hold at a site, by sku: its own rows, and those of every site for the rest.
 * @param file its name in messages. Throws PRIORS_INVALID where no row holds there.
 */
export function sharesAt(
  priors: readonly Prior[],
  site: string | null,
  file: string,
): Map<string, number> {
  const shares = new Map<string, number>()
  for (const one of priors) if (one.site === null) shares.set(one.sku, one.share)
  for (const one of priors) if (one.site === site) shares.set(one.sku, one.share)
  if (shares.size > 0) return shares
  const sites = [...new Set(priors.map(one => one.site))].join(', ')
  const here = site === null ? 'no site is set (kiosk.site, --site)' : `this is site "${site}"`
  throw invalid([
    `${file}: Expected rows for every site or for this one, but ${here} and the rows are for ${sites}`,
  ])
}

/**
 * How each class weighs: the share of what it may be, relative to an even share, to the power of `power`.
 * @param sold by class: the skus that it may be here; one that has no share has the smallest of all
 * @param file its name in messages. Throws PRIORS_INVALID where no sku of the model has a share.
 */
export function weightsOf(
  sold: readonly (readonly string[])[],
  shares: ReadonlyMap<string, number>,
  power: number,
  file: string,
): Float64Array {
  if (!sold.flat().some(sku => shares.has(sku))) {
    throw invalid([
      `${file}: Expected a share for a product that the model knows and the shop sells, but none of ${shares.size} skus is one, such as "${shares.keys().next().value}"`,
    ])
  }
  const least = Math.min(...shares.values())
  const sums = sold.map(skus => skus.reduce((sum, sku) => sum + (shares.get(sku) ?? least), 0))
  const even = sums.reduce((sum, one) => sum + one, 0) / sums.filter(one => one > 0).length
  return Float64Array.from(sums, one => (one / even) ** power)
}
