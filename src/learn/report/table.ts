// A plain table: words on the left, aligned numbers on the right. Knows nothing of evaluations.
import { type Html, html } from './html.js'

type Cell = Html | string | number

/**
 * @param words how many columns hold words; the others are numbers
 * @param rows the last one can be set apart as the sum of the others
 */
export function table(
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
  { words = 1, total = false } = {},
): Html {
  const kind = (at: number) => (at < words ? 'text' : 'number')
  return html`<div class="scroll">
    <table class="plain ${total && 'total'}">
      <thead>
        <tr>
          ${heads.map((head, at) => html`<th class="${kind(at)}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          cells =>
            html`<tr>
              ${cells.map((cell, at) => html`<td class="${kind(at)}">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
