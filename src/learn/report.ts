// The evaluation as one self-contained HTML page. Pure: pictures come as data URIs.
import type { ModelState, RuntimeState } from '../protocol.js'
import type { Product } from '../recognition/types.js'
import { calibrationError, coverageCurve, reliability } from './curves.js'
import type { Unreadable } from './evaluate.js'
import type { Metrics, Outcome } from './metrics.js'
import { mistakesOf } from './mistakes.js'
import { coverageChart, reliabilityChart, trustSection } from './report/charts.js'
import { classesSection } from './report/classes.js'
import { confusionSection } from './report/confusion.js'
import { html, raw } from './report/html.js'
import { mistakesSection, unreadableSection } from './report/mistakes.js'
import { script } from './report/script.js'
import { style } from './report/style.js'
import { summarySection } from './report/summary.js'

export interface Report {
  model: ModelState
  runtime: RuntimeState
  labels: Product[]
  /** What the user gave as --images. */
  dataset: string
  at: Date
  seconds: number
  metrics: Metrics
  outcomes: Outcome[]
  unreadable: Unreadable[]
  /** Data URIs by file, for the mistakes that are shown as pictures. */
  thumbnails: ReadonlyMap<string, string>
}

export function renderReport(report: Report): string {
  const { model, runtime, labels, metrics, outcomes, unreadable, thumbnails } = report
  const bins = reliability(outcomes)
  const error = calibrationError(bins)
  const charts = [reliabilityChart(bins, error), coverageChart(coverageCurve(outcomes), metrics)]
  const facts: [string, string][] = [
    ['Pictures', `${report.dataset} (${metrics.images})`],
    ['Runtime', `${runtime.name} ${runtime.version.split('-')[0]} on ${runtime.device}`],
    ['Weights', model.sha256.slice(0, 12)],
    ['Measured', `${report.at.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ['Time', `${report.seconds.toFixed(1)} s`],
  ]
  const links = [
    ['figures', 'Figures'],
    ['trust', 'Confidence'],
    ['confusion', 'What is taken for what'],
    ['mistakes', 'Worst mistakes'],
    ['classes', 'Every class'],
    ...(unreadable.length > 0 ? [['unreadable', `${unreadable.length} unreadable`]] : []),
  ]
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${model.name} version ${model.version}: evaluation</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <header>
          <div>
            <p class="eyebrow">grocerd evaluation</p>
            <h1>${model.name}, version ${model.version}</h1>
            <dl class="facts">
              ${facts.map(
                ([name, value]) =>
                  html`<div>
                    <dt>${name}</dt>
                    <dd>${value}</dd>
                  </div>`,
              )}
            </dl>
            <nav aria-label="Sections">
              ${links.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}
            </nav>
          </div>
        </header>
        <main>
          ${summarySection(metrics, error)}${trustSection(charts)}${confusionSection(outcomes, labels)}
          ${mistakesSection(mistakesOf(outcomes, labels), thumbnails, labels)}${classesSection(metrics, labels)}
          ${unreadableSection(unreadable)}
        </main>
        <footer>
          Intervals are 95 % Wilson, the bound for “sure” is one-sided Clopper-Pearson. Macro
          figures are means over the ${metrics.perClass.length} classes that occur. The figures hold
          for these pictures; another shop, camera or season may differ.
        </footer>
        <script>
          ${raw(script)}
        </script>
      </body>
    </html> `.text
}
