// Rows of a CSV file with their lines, and the one way to tell all of its problems at once.
import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { type ErrorCode, GroceryError } from '../errors.js'

export interface CsvRow {
  record: string[]
  info: { lines: number }
}

const mostProblems = 20

/** The error of a file or folder with so many problems; each says its place. */
export function problemsIn(code: ErrorCode, source: string, problems: string[]): GroceryError {
  const shown = problems.slice(0, mostProblems)
  const rest = problems.length - shown.length
  if (rest > 0) shown.push(`and ${rest} more`)
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`
  return new GroceryError(code, `${count} in ${source}\n${shown.join('\n')}`, { details: problems })
}

/** Blank lines are left out, rows may differ in length. Throws `code` where the file is no CSV or cannot be read. */
export function readRows(file: string, code: ErrorCode): CsvRow[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(
      code,
      `Expected a CSV file at ${file} but reading it failed: ${reason}`,
      {
        cause,
      },
    )
  }
  try {
    return parse(text, {
      bom: true,
      info: true,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as CsvRow[]
  } catch (cause) {
    const { lines, message } = cause as { lines?: number; message: string }
    throw problemsIn(code, file, [`${file}:${lines ?? 1} ${message}`])
  }
}
