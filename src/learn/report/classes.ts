// The table of all classes, worst first; its headers sort it in the browser.
import type { Product } from '../../recognition/types.js'
import type { ConfusionCell, Metrics } from '../metrics.js'
import { type Html, html, percent } from './html.js'

const columns: [name: string, kind: 'text' | 'number'][] = [
  ['Class', 'text'],
  ['Kind', 'text'],
  ['Pictures', 'number'],
  ['Precision', 'number'],
  ['Recall', 'number'],
  ['F1', 'number'],
  ['Taken for', 'text'],
]

/** The mistakes of a class, most frequent first. */
function takenFor(
  sku: string,
  cells: readonly ConfusionCell[],
  names: Map<string, string>,
): string {
  return cells
    .filter(cell => cell.truth === sku && cell.predicted !== sku)
    .sort((a, b) => b.count - a.count)
    .slice(0, 3)
    .map(cell => `${names.get(cell.predicted)}${cell.count > 1 ? ` ×${cell.count}` : ''}`)
    .join(', ')
}

const rate = (value: number): Html =>
  html`<td class="rate" data-value="${value}" style="--share:${value}">${percent(value, 0)}</td>`

export function classesSection({ perClass, confusion }: Metrics, labels: readonly Product[]): Html {
  const names = new Map(labels.map(label => [label.sku, label.name]))
  const products = new Map(labels.map(label => [label.sku, label]))
  const rows = [...perClass].sort((a, b) => a.f1 - b.f1 || b.support - a.support)
  return html`<section id="classes">
    <h2>Every class</h2>
    <p>
      Worst first. Precision: of the pictures given this name, how many deserve it. Recall: of the
      pictures of this class, how many were found.
    </p>
    <div class="scroll">
      <table class="sortable">
        <thead>
          <tr>
            ${columns.map(
              ([name, kind]) =>
                html`<th class="${kind}">
                  <button type="button" data-kind="${kind}">${name}</button>
                </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            row =>
              html`<tr>
                <td title="${row.sku}">${row.name}</td>
                <td>${products.get(row.sku)?.coarse}</td>
                <td class="number" data-value="${row.support}">${row.support}</td>
                ${rate(row.precision)}${rate(row.recall)}${rate(row.f1)}
                <td class="taken">${takenFor(row.sku, confusion, names)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}
