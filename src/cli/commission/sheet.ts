// The commissioning as one self-contained page that prints on one or two sheets of paper. Pure: pictures come as data URIs.
import { factRows, type Html, html, page } from '../../learn/report/html.js'
import type { StateMessage } from '../../publish/messages.js'
import { itemCount, limitWords, stepIds, stepTitles } from './limits.js'
import { style } from './sheet-style.js'
import type { Laid, StepResult, Verdict } from './step.js'
import { verdictWords } from './walk.js'

export interface Sheet {
  passed: boolean
  kiosk: { id: string; site: string | null; timezone: string }
  camera: { id: string; mode: string; roi: readonly number[]; mask: readonly unknown[] | null }
  /** Empty: nobody was named. */
  technician: string
  startedAt: Date
  endedAt: Date
  /** Of the daemon at the end. */
  state: StateMessage
  steps: StepResult[]
}

/** 2026-11-28 14:05 of the kiosk's clock on the wall. */
function timeAt(timeZone: string, at: Date): string {
  const options = { dateStyle: 'short', timeStyle: 'short', timeZone } as const
  try {
    // Sweden writes dates as ISO 8601 does.
    return `${at.toLocaleString('sv-SE', options)} ${timeZone}`
  } catch {
    return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  }
}

function duration(from: Date, to: Date): string {
  const seconds = Math.round((to.getTime() - from.getTime()) / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

function factsOf(sheet: Sheet): [string, string][] {
  const { kiosk, camera, state, startedAt, endedAt } = sheet
  const { model, runtime, device, gallery } = state
  const masks = camera.mask?.length ?? 0
  return [
    ['Kiosk', kiosk.site === null ? kiosk.id : `${kiosk.id}, ${kiosk.site}`],
    ['Camera', `${camera.id}, mode ${camera.mode}`],
    ['Region', `${camera.roi.join(', ')}${masks > 0 ? `; ${masks} masked` : ''}`],
    ['Date', timeAt(kiosk.timezone, endedAt)],
    ['Time taken', duration(startedAt, endedAt)],
    ['Technician', sheet.technician || 'not named'],
    ['grocerd', state.version],
    ['Model', model ? `${model.name} ${model.version}` : 'none'],
    ['SHA-256', model?.sha256 ?? '–'],
    ['Runtime', runtime ? `${runtime.name} ${runtime.version.split('-')[0]}, ${device}` : 'none'],
    ['Gallery', gallery === null ? 'none' : `version ${gallery}`],
    ['Readiness', state.reasons.map(({ code }) => code).join(', ') || state.readiness],
  ]
}

const mark = (verdict: Verdict): Html =>
  html`<span class="mark ${verdict}">${verdictWords[verdict]}</span>`

function stepRow({ id, verdict, figures, notes = [], remedies, tries }: StepResult): Html {
  const rows = figures.map(
    ({ name, value, unit, limit, ok }) =>
      html`<li class="${ok ? 'ok' : 'bad'}">
        ${name} <b>${value ?? 'not measured'}${value !== null && unit && ` ${unit}`}</b>
        <small>${limitWords(limit)}</small>
      </li>`,
  )
  return html`<tr>
    <th scope="row">${stepTitles[id]}${tries > 1 && html`<small>try ${tries}</small>`}</th>
    <td>${mark(verdict)}</td>
    <td>
      <ul>
        ${rows}
      </ul>
      ${notes.length > 0 && html`<p class="note">${notes.join(' ')}</p>`}
      ${remedies.map(remedy => html`<p class="remedy">${remedy}</p>`)}
    </td>
  </tr>`
}

function itemRow({ place, product, named, rank, latencyMs }: Laid, index: number): Html {
  const best = named[0]
  const said = best ? `${best.name}, ${Math.round(best.score * 100)} %` : 'nothing, or several'
  const where = rank === 1 ? 'first' : rank === null ? 'not listed' : `number ${rank}`
  return html`<tr>
    <td>${index + 1}</td>
    <td>${place}</td>
    <td>${product.name}</td>
    <td>${product.plu ?? product.sku}</td>
    <td>${said}</td>
    <td class="${rank === 1 ? 'ok' : 'bad'}">${where}</td>
    <td class="number">${latencyMs === null ? '–' : Math.round(latencyMs)}</td>
  </tr>`
}

const itemsTable = (laid: readonly Laid[]): Html =>
  html`<section>
    <h2>What was laid down</h2>
    <table class="items">
      <thead>
        <tr>
          <th></th>
          <th>Place</th>
          <th>Laid down</th>
          <th>PLU or sku</th>
          <th>Named</th>
          <th>The right one is</th>
          <th class="number">ms</th>
        </tr>
      </thead>
      <tbody>
        ${laid.map(itemRow)}
      </tbody>
    </table>
  </section>`

/** @param pictures data URIs by step */
export function renderSheet(sheet: Sheet, pictures: ReadonlyMap<string, string>): string {
  const { passed, kiosk, steps } = sheet
  const laid = steps.find(({ id }) => id === 'items')?.laid ?? []
  const isPart = steps.length < stepIds.length
  const shown = steps.filter(({ id }) => pictures.has(id))
  const open = steps.filter(({ verdict }) => verdict === 'fail' || verdict === 'notDone')
  const why = open.map(({ id, verdict }) => `${stepTitles[id]}: ${verdictWords[verdict]}`)
  return page(
    `${kiosk.id}: commissioning ${passed ? 'passed' : 'failed'}`,
    style,
    html`
      <header class="${passed ? 'pass' : 'fail'}">
        <div>
          <p>grocerd commissioning${isPart && ` (${steps.length} of ${stepIds.length} steps)`}</p>
          <h1>${kiosk.id}</h1>
        </div>
        <div class="verdict" role="status">
          <strong>${passed ? 'PASS' : 'FAIL'}</strong>
          <span>${passed && isPart ? 'these steps only' : why.join(', ')}</span>
        </div>
      </header>
      <dl>${factRows(factsOf(sheet))}</dl>
      <section>
        <table class="steps">
          <tbody>
            ${steps.map(stepRow)}
          </tbody>
        </table>
      </section>
      <section class="pictures">
        ${shown.map(
          ({ id }) =>
            html`<figure>
              <img src="${pictures.get(id)}" alt="${stepTitles[id]}" />
              <figcaption>${stepTitles[id]}</figcaption>
            </figure>`,
        )}
      </section>
      ${laid.length > 0 && itemsTable(laid)}
      <footer>
        <p class="sign"><span>Date</span><span>Signature</span></p>
        <p>
          Pictures show what mask and region leave. Limits and where they come from:
          docs/17-commissioning.md. ${itemCount} items tell a broken place from a good one, not a
          good model from a better one.
        </p>
      </footer>
    `,
  )
}
