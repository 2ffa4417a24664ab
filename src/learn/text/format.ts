// Figures as aligned text for a terminal. Knows nothing of evaluations.
import type { Interval } from '../metrics.js'

export const rate = (share: number | null): string =>
  share === null ? '–' : `${(share * 100).toFixed(1)} %`

export function row(name: string, share: number | null, note = ''): string {
  return `  ${name.padEnd(16)}${rate(share).padStart(8)}${note && `   ${note}`}`
}

export const between = (interval: Interval | null | undefined): string =>
  interval ? `95 %: ${rate(interval[0])} to ${rate(interval[1])}` : ''

/** Columns as wide as their widest cell; the first one is words, the others are numbers. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map(cells => cells[at]!.length)))
  return rows.map(cells =>
    `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]! + 3))).join('')}`.trimEnd(),
  )
}
