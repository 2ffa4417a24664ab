// Two models on the same pictures: figures side by side, where they differ, and whether that is chance.
import type { ModelState } from '../../protocol.js'
import type { ComparedFigures, Comparison } from '../compare.js'
import { missingWords, modelName, testWords, verdict } from '../words.js'
import { at, type Html, html, percent } from './html.js'
import { table } from './table.js'

/** Signed, in points of a percent; a true minus keeps the numbers aligned. */
function change(first: number | null, second: number | null): string {
  if (first === null || second === null) return '–'
  const points = ((second - first) * 100).toFixed(1)
  return points === '-0.0' || points === '0.0' ? '±0.0' : signed(points)
}

const signed = (text: string): string => (text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`)

function figures(first: ComparedFigures, second: ComparedFigures): Html {
  const rate = (name: string, of: (figures: ComparedFigures) => number | null) =>
    [name, percent(of(first)), percent(of(second)), change(of(first), of(second))] as const
  const loss = signed((second.loss - first.loss).toFixed(3))
  return table(
    ['', 'A', 'B', 'B − A'],
    [
      rate('Top-1', one => one.top1),
      rate('Top-4', one => one.top4),
      rate('Coarse top-1', one => one.coarseTop1),
      rate('Macro F1', one => one.macroF1),
      rate('Sure', one => one.sure.coverage),
      rate('Right when sure', one => one.sure.precision),
      ['Loss', first.loss.toFixed(3), second.loss.toFixed(3), loss],
    ],
  )
}

/** All pictures as one bar of four parts. */
function shares({ both, onlyFirst, onlySecond, neither }: Comparison['table']): Html {
  const parts: [name: string, kind: string, count: number][] = [
    ['Both right', 'both', both],
    ['Only A right', 'only-a', onlyFirst],
    ['Only B right', 'only-b', onlySecond],
    ['Neither', 'neither', neither],
  ]
  const images = both + onlyFirst + onlySecond + neither
  let x = 0
  const bars = parts.map(([name, kind, count]) => {
    const wide = (count / images) * 100
    x += wide
    return html`<rect class="${kind}" x="${at(x - wide)}" width="${at(wide)}" height="10"
      ><title>${name}: ${count} of ${images}</title></rect
    >`
  })
  return html`<svg
      class="shares"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      role="img"
      aria-label="Who was right"
    >
      ${bars}
    </svg>
    <ul class="legend">
      ${parts.map(
        ([name, kind, count]) =>
          html`<li><span class="swatch ${kind}"></span>${name} <b>${count}</b></li>`,
      )}
    </ul>`
}

export function againstSection(comparison: Comparison, model: ModelState): Html {
  const { first, second, table: counts, mcnemar, moved } = comparison
  const missing = missingWords(comparison)
  const change = (points: number) => signed(String(points))
  return html`<section id="against">
    <h2>Against another model</h2>
    <p>
      A is ${modelName(model)}, B is ${modelName(comparison.model)}. Both judged the same pictures
      in the same run. ${testWords(mcnemar)}; ${verdict(mcnemar, 'A', 'B')}. ${missing.join(' ')}
    </p>
    ${shares(counts)}${figures(first, second)}
    ${
      moved.length > 0 &&
      html`<h3>Classes that moved most</h3>
        ${table(
          ['Class', 'Pictures', 'A right', 'B right', 'B − A'],
          moved.map(one => [
            one.name,
            one.support,
            one.first,
            one.second,
            change(one.second - one.first),
          ]),
        )}`
    }
  </section>`
}
