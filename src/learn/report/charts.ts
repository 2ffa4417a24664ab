// Two charts as SVG: the reliability diagram, and errors against coverage.
import type { CoveragePoint, ReliabilityBin } from '../curves.js'
import type { Metrics } from '../metrics.js'
import { at, type Html, html, percent } from './html.js'

const width = 480
const height = 320
const left = 62
const top = 12
const plotWidth = 392
const plotHeight = 262

const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]

interface Scale {
  x: (share: number) => number
  y: (value: number) => number
}

const scaleTo = (highest: number): Scale => ({
  x: share => left + share * plotWidth,
  y: value => top + plotHeight * (1 - value / highest),
})

function frame(
  scale: Scale,
  highest: number,
  words: { label: string; x: string; y: string },
  inside: Html,
): Html {
  const levels = ticks.map(tick => tick * highest)
  return html`<svg
    class="chart"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${words.label}"
  >
    <g class="grid">
      ${levels.map(level => html`<path d="M${left} ${at(scale.y(level))}h${plotWidth}" />`)}
    </g>
    <g class="ticks">
      ${ticks.map(tick => html`<text x="${at(scale.x(tick))}" y="${top + plotHeight + 16}" text-anchor="middle">${percent(tick, 0)}</text>`)}
      ${levels.map(level => html`<text x="${left - 8}" y="${at(scale.y(level))}" dy="0.35em" text-anchor="end">${percent(level, highest < 0.05 ? 1 : 0)}</text>`)}
      <text class="axis" x="${left + plotWidth / 2}" y="${height - 6}" text-anchor="middle">
        ${words.x}
      </text>
      <text
        class="axis"
        transform="translate(12 ${top + plotHeight / 2}) rotate(-90)"
        text-anchor="middle"
      >
        ${words.y}
      </text>
    </g>
    ${inside}
  </svg>`
}

export function reliabilityChart(bins: readonly ReliabilityBin[], error: number): Html {
  const scale = scaleTo(1)
  const images = bins.reduce((sum, bin) => sum + bin.images, 0)
  const bars = bins.map(bin => {
    const x = scale.x(bin.from) + 2
    const wide = scale.x(bin.to) - scale.x(bin.from) - 4
    const words = `Scores ${percent(bin.from, 0)} to ${percent(bin.to, 0)}: ${bin.images} pictures, mean score ${percent(bin.score)}, right ${percent(bin.accuracy)}`
    // Faint bars are few pictures: their height says little.
    const opacity = at(0.3 + 0.7 * Math.sqrt(bin.images / images))
    return html`<g
      ><title>${words}</title
      ><rect
        class="value"
        x="${at(x)}"
        width="${at(wide)}"
        y="${at(scale.y(bin.accuracy))}"
        height="${at(scale.y(0) - scale.y(bin.accuracy))}"
        fill-opacity="${opacity}" />
      <circle class="mark" cx="${at(scale.x(bin.score))}" cy="${at(scale.y(bin.accuracy))}" r="4"
    /></g>`
  })
  const inside = html`<path
      class="ideal"
      d="M${scale.x(0)} ${scale.y(0)}L${scale.x(1)} ${scale.y(1)}"
    />${bars}`
  const words = {
    label: 'Reliability diagram',
    x: 'What the model says (score)',
    y: 'How often it is right',
  }
  return html`<figure>
    ${frame(scale, 1, words, inside)}
    <figcaption>
      <strong>Can its scores be believed?</strong> Bars on the dashed line: yes. Below it the model
      is too confident, above it too modest. On average it is ${percent(error)} off. Faint bars hold
      few pictures.
    </figcaption>
  </figure>`
}

/** Between the lines of the grid: five of them are the whole height. */
const steps = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
const marks = [0.7, 0.8, 0.9, 1]

export function coverageChart(curve: readonly CoveragePoint[], { sure }: Metrics): Html {
  const most = Math.max(0.02, ...curve.map(point => point.error))
  const step = steps.find(one => one * 5 >= most) ?? 0.2
  const highest = step * 5
  const scale = scaleTo(highest)
  const line = curve.map(
    ({ coverage, error }, index) =>
      `${index === 0 ? 'M' : 'L'}${at(scale.x(coverage))} ${at(scale.y(error))}`,
  )
  const atCoverage = (share: number) => curve.find(point => point.coverage >= share - 1e-9)
  const dots = marks.flatMap(share => {
    const point = atCoverage(share)
    if (!point) return []
    const words = `The most confident ${percent(point.coverage, 0)}: ${percent(point.error)} wrong, scores from ${point.threshold.toFixed(2)}`
    return [
      html`<circle
        class="mark"
        cx="${at(scale.x(point.coverage))}"
        cy="${at(scale.y(point.error))}"
        r="4"
        ><title>${words}</title></circle
      >`,
    ]
  })
  const sureError = sure.precision === null ? null : 1 - sure.precision
  const sureMark =
    sureError !== null &&
    html`<g class="sure"
      ><path d="M${at(scale.x(sure.coverage))} ${top}V${top + plotHeight}" /><circle
        cx="${at(scale.x(sure.coverage))}"
        cy="${at(scale.y(sureError))}"
        r="5"
      /><text
        x="${at(scale.x(sure.coverage) + (sure.coverage > 0.8 ? -8 : 8))}"
        y="${top + 12}"
        text-anchor="${sure.coverage > 0.8 ? 'end' : 'start'}"
        >sure: ${percent(sure.coverage, 0)}</text
      ></g
    >`
  const rows = marks.flatMap(share => {
    const point = atCoverage(share)
    return point ? [`${percent(share, 0)}: ${percent(point.error)}`] : []
  })
  const words = {
    label: 'Errors against coverage',
    x: 'Share of pictures answered, most confident first',
    y: 'Wrong among them',
  }
  return html`<figure>
    ${frame(scale, highest, words, html`<path class="line" d="${line.join('')}" />${dots}${sureMark || null}`)}
    <figcaption>
      <strong>What does being careful buy?</strong> Answering only the most confident pictures
      leaves fewer errors: ${rows.join(', ')}.
    </figcaption>
  </figure>`
}

export function trustSection(charts: Html[]): Html {
  return html`<section id="trust">
    <h2>Confidence</h2>
    <div class="charts">${charts}</div>
  </section>`
}
