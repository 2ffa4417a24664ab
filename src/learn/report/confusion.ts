// The confusion matrix as a heat map that 81 classes fit in, and the pairs that are confused most.
import type { Product } from '../../recognition/types.js'
import { confusionCounts, type Outcome } from '../metrics.js'
import { at, type Html, html, percent } from './html.js'

interface Axis {
  label: Product
  /** Class index. */
  index: number
}

const labelSpace = 180
const coarseSpace = 130
const longestName = 24

const shortened = (name: string): string =>
  name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name

/** Classes that occur, those of one group and coarse class beside each other: their mistakes are neighbours. */
function axisOf(counts: number[][], labels: readonly Product[]): Axis[] {
  const kinds = [...new Set(labels.map(label => label.coarse))]
  return labels
    .map((label, index) => ({ label, index }))
    .filter(
      ({ index }) => counts[index]!.some(count => count > 0) || counts.some(row => row[index]! > 0),
    )
    .sort(
      (a, b) =>
        (a.label.group ?? '').localeCompare(b.label.group ?? '') ||
        kinds.indexOf(a.label.coarse) - kinds.indexOf(b.label.coarse) ||
        a.index - b.index,
    )
}

/** Runs of one coarse class on the axis. */
function bands(axis: Axis[]): { name: string | null; from: number; to: number }[] {
  const runs: { name: string | null; from: number; to: number }[] = []
  axis.forEach(({ label }, position) => {
    const last = runs.at(-1)
    if (last && label.coarse !== null && last.name === label.coarse) last.to = position + 1
    else runs.push({ name: label.coarse, from: position, to: position + 1 })
  })
  return runs
}

function matrix(counts: number[][], axis: Axis[]): Html {
  const n = axis.length
  const cell = Math.min(44, Math.max(12, Math.floor(936 / n)))
  const size = n * cell
  const font = Math.min(13, cell - 1.5)
  const middle = (position: number) => position * cell + cell / 2
  const support = axis.map(({ index }) => counts[index]!.reduce((sum, count) => sum + count, 0))

  const cells = axis.flatMap((row, y) =>
    axis.flatMap((column, x) => {
      const count = counts[row.index]![column.index]!
      if (count === 0) return []
      const share = count / support[y]!
      // The square root lets a single mistake among twenty still be seen.
      const opacity = at(0.25 + 0.75 * Math.sqrt(share))
      const words = `${row.label.name} → ${column.label.name}: ${count} of ${support[y]} (${percent(share, 0)})`
      return [
        html`<rect
          class="${x === y ? 'right' : 'wrong'}"
          x="${x * cell}"
          y="${y * cell}"
          width="${cell - 1}"
          height="${cell - 1}"
          fill-opacity="${opacity}"
          ><title>${words}</title></rect
        >`,
      ]
    }),
  )
  const rowNames = axis.map(
    ({ label }, y) =>
      html`<text x="-6" y="${at(middle(y))}" data-row="${y}">${shortened(label.name)}</text>`,
  )
  const columnNames = axis.map(
    ({ label }, x) =>
      html`<text transform="translate(${at(middle(x))} -6) rotate(-90)" data-column="${x}"
        >${shortened(label.name)}</text
      >`,
  )
  const lines = bands(axis)
    .slice(1)
    .map(
      ({ from }) =>
        html`<path d="M${from * cell - 0.5} 0V${size}M0 ${from * cell - 0.5}H${size}" />`,
    )
  const coarseNames = bands(axis)
    .filter(({ name, from, to }) => name !== null && to - from > 1)
    .map(
      ({ name, from, to }) =>
        html`<path d="M${size + 4} ${from * cell + 1}h4v${(to - from) * cell - 3}h-4" /><text
            x="${size + 14}"
            y="${at(((from + to) * cell) / 2)}"
            >${shortened(name!)}</text
          >`,
    )
  const width = labelSpace + size + coarseSpace
  const height = labelSpace + size + 4
  return html`<div class="matrix-frame">
    <svg
      class="matrix"
      viewBox="${-labelSpace} ${-labelSpace} ${width} ${height}"
      style="width:${width}px"
      data-cell="${cell}"
      data-names="${JSON.stringify(axis.map(one => one.label.name))}"
      role="img"
      aria-label="Confusion matrix: rows are the truth, columns what the model said"
      font-size="${font}"
    >
      <rect class="ground" width="${size}" height="${size}" />
      <g class="bands">${lines}</g>
      <rect class="cross" data-cross="row" width="${size}" height="${cell}" hidden />
      <rect class="cross" data-cross="column" width="${cell}" height="${size}" hidden />
      <g class="cells">${cells}</g>
      <g class="rows">${rowNames}</g>
      <g class="columns">${columnNames}</g>
      <g class="coarse">${coarseNames}</g>
    </svg>
  </div>`
}

function pairs(counts: number[][], axis: Axis[]): Html | null {
  const found = axis.flatMap(row =>
    axis.flatMap(column => {
      const count = counts[row.index]![column.index]!
      if (count === 0 || row === column) return []
      const of = counts[row.index]!.reduce((sum, one) => sum + one, 0)
      return [{ truth: row.label, said: column.label, count, of }]
    }),
  )
  if (found.length === 0) return null
  const most = found
    .sort((a, b) => b.count - a.count || b.count / b.of - a.count / a.of)
    .slice(0, 12)
  return html`<h3>Confused most often</h3>
    <div class="scroll">
      <table class="plain">
        <thead>
          <tr>
            <th>It was</th>
            <th>The model said</th>
            <th>Times</th>
            <th>Of this class</th>
          </tr>
        </thead>
        <tbody>
          ${most.map(
            ({ truth, said, count, of }) =>
              html`<tr>
                <td>${truth.name}</td>
                <td>
                  ${said.name}${
                    truth.coarse !== null &&
                    truth.coarse === said.coarse &&
                    html` <span class="tag">same kind</span>`
                  }
                </td>
                <td>${count}</td>
                <td>${percent(count / of, 0)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

export function confusionSection(outcomes: readonly Outcome[], labels: readonly Product[]): Html {
  const counts = confusionCounts(outcomes, labels.length)
  const axis = axisOf(counts, labels)
  return html`<section id="confusion">
    <h2>What is taken for what</h2>
    <p>
      Rows are the truth, columns what the model said; classes of one kind stand together. A full
      green diagonal would be a perfect model. Darker is a larger share of the row.
    </p>
    <div class="tools">
      <label><input type="checkbox" id="mistakes-only" /> Mistakes only</label>
      <span class="zoom" hidden
        ><button type="button" data-zoom="0.8" aria-label="Smaller">−</button
        ><button type="button" data-zoom="1.25" aria-label="Larger">+</button
        ><button type="button" data-zoom="fit">Fit</button></span
      >
      <output class="readout" aria-live="polite">Point at a cell to read it.</output>
    </div>
    ${matrix(counts, axis)}${pairs(counts, axis)}
  </section>`
}
