// Reads labels: the CSV of a model directory, or a bare file with one label a line.
import { parse } from 'csv-parse/sync'
import { GroceryError } from '../errors.js'

/** One class of a model, as its labels name it. */
export interface Label {
  index: number
  sku: string
  name: string
  plu: string | null
  gtin: string | null
  coarse: string | null
  variantOf: string | null
  group: 'loose' | 'packed' | null
}

const invalid = (file: string, line: number, what: string) =>
  new GroceryError('LABELS_INVALID', `${file}:${line} ${what}`)

const orNull = (text: string | undefined): string | null => text || null

function fromTable(text: string, file: string): Label[] {
  let rows: Record<string, string>[]
  try {
    rows = parse(text, { columns: true, trim: true, bom: true, skip_empty_lines: true })
  } catch (cause) {
    throw new GroceryError('LABELS_INVALID', `${file}: ${(cause as Error).message}`, { cause })
  }
  return rows.map((row, position) => {
    const line = position + 2
    if (Number(row.index) !== position) {
      throw invalid(file, line, `Expected index ${position} but received "${row.index}"`)
    }
    if (!row.sku || !row.name) throw invalid(file, line, 'Expected a sku and a name')
    const group = orNull(row.group)
    if (group !== null && group !== 'loose' && group !== 'packed') {
      throw invalid(file, line, `Expected group loose or packed but received "${group}"`)
    }
    return {
      index: position,
      sku: row.sku,
      name: row.name,
      plu: orNull(row.plu),
      gtin: orNull(row.gtin),
      coarse: orNull(row.coarse),
      variantOf: orNull(row.variantOf),
      group,
    }
  })
}

/** One label a line; a trailing comma is allowed, as old label files have it. */
function fromLines(text: string, file: string): Label[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  while (lines.at(-1)?.trim() === '') lines.pop()
  return lines.map((line, index) => {
    const name = line.trim().replace(/,$/, '').trim()
    if (name === '') throw invalid(file, index + 1, 'Expected a label but the line is empty')
    const none = { plu: null, gtin: null, coarse: null, variantOf: null, group: null }
    return { index, sku: name, name, ...none }
  })
}

/**
 * @param text the file, with the header `index,sku,name,…`, or one label a line
 * @param file its name in messages. Throws LABELS_INVALID.
 */
export function parseLabels(text: string, file: string): Label[] {
  const labels = /^\ufeff?index\s*,/.test(text) ? fromTable(text, file) : fromLines(text, file)
  if (labels.length === 0) throw new GroceryError('LABELS_INVALID', `${file}: it holds no label`)
  const seen = new Map<string, number>()
  for (const label of labels) {
    const before = seen.get(label.sku)
    if (before !== undefined) {
      throw new GroceryError(
        'LABELS_INVALID',
        `${file}: classes ${before} and ${label.index} have the same sku "${label.sku}"`,
      )
    }
    seen.set(label.sku, label.index)
  }
  return labels
}
