// The worst mistakes as pictures, and the pictures that could not be read.
import type { Product } from '../../recognition/types.js'
import type { Unreadable } from '../evaluate.js'
import type { Mistake } from '../mistakes.js'
import { type Html, html, percent } from './html.js'
import { table } from './table.js'

/** Of mistakes without pictures. */
const mostRows = 24

/** @param thumbnails data URIs by file; a mistake without one is shown without its picture */
export function mistakesSection(
  mistakes: readonly Mistake[],
  thumbnails: ReadonlyMap<string, string>,
  labels: readonly Product[],
): Html {
  if (mistakes.length === 0) {
    return html`<section id="mistakes">
      <h2>Worst mistakes</h2>
      <p>There is none: every picture was named right.</p>
    </section>`
  }
  const names = new Map(labels.map(label => [label.sku, label.name]))
  const shown = mistakes.filter(mistake => thumbnails.has(mistake.file))
  if (shown.length === 0) return withoutPictures(mistakes, names)
  const cards = shown.map(
    ({ file, truth, predicted, score, truthScore, rank, decision }) =>
      html`<figure class="card">
        <img src="${thumbnails.get(file)}" alt="A picture of ${names.get(truth)}" />
        <figcaption>
          <p class="said"><span>said</span> ${names.get(predicted)} <b>${percent(score, 0)}</b></p>
          <p class="was"><span>was</span> ${names.get(truth)} <b>${percent(truthScore, 0)}</b></p>
          <p class="detail">
            ${decision === 'sure' && html`<span class="tag bad">sure</span> `}${rank <= 4 ? `right one was answer ${rank}` : 'right one was not on the screen'}
          </p>
          <p class="file" title="${file}">${file}</p>
        </figcaption>
      </figure>`,
  )
  return html`<section id="mistakes">
    <h2>Worst mistakes</h2>
    <p>
      The ${shown.length} most confident of ${mistakes.length} wrong answers. Look first whether the
      label is right; then what the picture has that others of its class have not.
    </p>
    <div class="cards">${cards}</div>
  </section>`
}

function withoutPictures(mistakes: readonly Mistake[], names: Map<string, string>): Html {
  const rows = mistakes.slice(0, mostRows)
  return html`<section id="mistakes">
    <h2>Worst mistakes</h2>
    <p>Wrong answers: ${mistakes.length}, the most confident first.</p>
    ${table(
      ['It was', 'The model said', 'File', 'Score', 'Of the truth', 'Answer'],
      rows.map(({ file, truth, predicted, score, truthScore, rank }) => [
        names.get(truth) ?? truth,
        names.get(predicted) ?? predicted,
        file,
        percent(score, 0),
        percent(truthScore, 0),
        rank,
      ]),
      { words: 3 },
    )}
  </section>`
}

export function unreadableSection(unreadable: readonly Unreadable[]): Html | null {
  if (unreadable.length === 0) return null
  return html`<section id="unreadable">
    <h2>Pictures that could not be read</h2>
    <p>They are in no figure.</p>
    <div class="scroll">
      <table class="plain">
        <thead>
          <tr>
            <th>File</th>
            <th>Code</th>
            <th>Reason</th>
          </tr>
        </thead>
        <tbody>
          ${unreadable.map(
            ({ file, code, message }) =>
              html`<tr>
                <td>${file}</td>
                <td><code>${code}</code></td>
                <td>${message}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}
