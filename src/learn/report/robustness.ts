// How the figures hold on degraded pictures, with one example of each.
import type { RobustnessRow } from '../robustness.js'
import { type Html, html, percent } from './html.js'
import { table } from './table.js'

/** @param examples data URIs by the name of the degradation; rows without one have no picture */
export function robustnessSection(
  rows: readonly RobustnessRow[],
  examples: ReadonlyMap<string, string>,
): Html {
  const cards = rows.flatMap(({ name, words, top1 }) => {
    const picture = examples.get(name)
    if (picture === undefined) return []
    return [
      html`<figure class="card">
        <img src="${picture}" alt="Example: ${words}" />
        <figcaption>
          <p>${name} <b>${percent(top1)}</b></p>
          <p class="detail">${words}</p>
        </figcaption>
      </figure>`,
    ]
  })
  return html`<section id="robustness">
    <h2>Bad pictures</h2>
    <p>
      Each of ${rows[0]!.images} pictures again under each of ${rows.length - 1} degradations. A
      good model loses top-1 there, but stays right when it is sure.
    </p>
    ${table(
      ['', 'Top-1', 'Top-4', 'Sure', 'Right when sure'],
      rows.map(one => [
        one.name,
        percent(one.top1),
        percent(one.top4),
        percent(one.sureCoverage),
        percent(one.surePrecision),
      ]),
    )}
    ${cards.length > 0 && html`<div class="cards small">${cards}</div>`}
  </section>`
}
