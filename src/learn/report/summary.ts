// The first screen of the report: one sentence, the figures with their intervals, loose and packed apart.
import type { Bootstrap } from '../bootstrap.js'
import type { Extras } from '../extras.js'
import type { Interval, Metrics } from '../metrics.js'
import { heldOutWords } from '../words.js'
import { at, type Html, html, percent } from './html.js'

interface Figure {
  name: string
  value: string
  /** What the number means, for a reader who is no statistician. */
  note: string
  interval?: Interval | null
  share?: number | null
}

const between = ([low, high]: Interval): string => `${percent(low)} to ${percent(high)}`

function sentence({ images, top1, top4, intervals, sure }: Metrics): Html {
  const first = html`The model names <strong>${percent(top1)}</strong> of ${images} pictures right
    at the first go (95 % interval ${between(intervals.top1)}), and the right product is among its
    first four for ${percent(top4)}.`
  if (sure.precision === null) return html`${first} It is never sure enough to preselect.`
  return html`${first} It is sure of <strong>${percent(sure.coverage)}</strong> and then right for
    ${percent(sure.precision)}; at least ${percent(sure.lowerBound)} with 95 % confidence.`
}

function figures(metrics: Metrics, calibrationError: number, bootstrap: Bootstrap): Figure[] {
  const { top1, top4, top5, coarseTop1, macroF1, sure, loss, intervals } = metrics
  return [
    {
      name: 'Top-1',
      value: percent(top1),
      note: 'first answer is right',
      interval: intervals.top1,
      share: top1,
    },
    {
      name: 'Top-4',
      value: percent(top4),
      note: 'right one is on the till’s screen',
      interval: intervals.top4,
      share: top4,
    },
    {
      name: 'Top-5',
      value: percent(top5),
      note: 'right one is among five',
      interval: intervals.top5,
      share: top5,
    },
    {
      name: 'Coarse top-1',
      value: percent(coarseTop1),
      note: 'right kind, perhaps the wrong variety',
      interval: intervals.coarseTop1,
      share: coarseTop1,
    },
    {
      name: 'Macro F1',
      value: percent(macroF1),
      note: 'every class counts the same',
      interval: bootstrap.macroF1,
      share: macroF1,
    },
    {
      name: 'Sure',
      value: percent(sure.coverage),
      note: 'preselected: one touch confirms',
      share: sure.coverage,
    },
    {
      name: 'Right when sure',
      value: percent(sure.precision),
      note: `at least ${percent(sure.lowerBound)} (95 %, one-sided)`,
      share: sure.precision,
    },
    {
      name: 'Loss',
      value: loss.toFixed(3),
      note: `calibration error ${percent(calibrationError)}`,
    },
  ]
}

/** A bar from 0 to 100 %, with the interval as a darker piece of it. */
function bar({ share, interval }: Figure): Html | null {
  if (share === null || share === undefined) return null
  return html`<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" width="100" height="4" />
    <rect class="value" width="${at(share * 100)}" height="4" />
    ${
      interval &&
      html`<rect
        class="interval"
        x="${at(interval[0] * 100)}"
        width="${at((interval[1] - interval[0]) * 100)}"
        height="4"
      />`
    }
  </svg>`
}

function tile(figure: Figure): Html {
  const { name, value, note, interval } = figure
  return html`<div class="tile">
    <h3>${name}</h3>
    <p class="number">${value}</p>
    ${bar(figure)}
    <p class="note">${note}${interval && html`<br />95 %: ${between(interval)}`}</p>
  </div>`
}

function groupsTable({ groups }: Metrics): Html | null {
  const rows = (['loose', 'packed'] as const).flatMap(name => {
    const group = groups[name]
    return group ? [{ name, ...group }] : []
  })
  if (rows.length === 0) return null
  const words = { loose: 'Loose (fruit, vegetables)', packed: 'Packed (a scanner reads these too)' }
  return html`<div class="scroll">
    <table class="plain">
      <thead>
        <tr>
          <th>Group</th>
          <th>Pictures</th>
          <th>Top-1</th>
          <th>Top-4</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          row =>
            html`<tr>
              <td>${words[row.name]}</td>
              <td>${row.images}</td>
              <td>${percent(row.top1)}</td>
              <td>${percent(row.top4)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** @param calibrationError 0..1, see curves.ts */
export function summarySection(
  metrics: Metrics,
  calibrationError: number,
  bootstrap: Bootstrap,
  heldOut?: Extras['heldOut'],
): Html {
  return html`<section id="figures">
    <p class="lead">${sentence(metrics)}</p>
    ${heldOut && html`<p>${heldOutWords(heldOut)}</p>`}
    <div class="tiles">${figures(metrics, calibrationError, bootstrap).map(tile)}</div>
    ${groupsTable(metrics)}
  </section>`
}
