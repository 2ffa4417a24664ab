// The evaluation as one self-contained HTML page. Pure: pictures come as data URIs.
import type { ModelState, RuntimeState } from '../protocol.js'
import type { Product } from '../recognition/types.js'
import { bootstrap } from './bootstrap.js'
import { calibrationError, coverageCurve, reliability } from './curves.js'
import type { Unreadable } from './evaluate.js'
import type { Extras } from './extras.js'
import type { Metrics, Outcome } from './metrics.js'
import { mistakesOf } from './mistakes.js'
import { againstSection } from './report/against.js'
import { coverageChart, reliabilityChart, trustSection } from './report/charts.js'
import { classesSection } from './report/classes.js'
import { confusionSection } from './report/confusion.js'
import { factRows, type Html, html, page, raw } from './report/html.js'
import { membersSection } from './report/members.js'
import { mistakesSection, unreadableSection } from './report/mistakes.js'
import { moneySection } from './report/money.js'
import { robustnessSection } from './report/robustness.js'
import { script } from './report/script.js'
import { style } from './report/style.js'
import { summarySection } from './report/summary.js'
import { type TrainingViews, viewsSection } from './report/views.js'
import { modelName, runtimeName } from './words.js'

export interface Report extends Extras {
  model: ModelState
  /** null: held-out predictions, nothing was run. */
  runtime: RuntimeState | null
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
  /** Data URIs of one picture under each degradation, by its name. */
  examples?: ReadonlyMap<string, string> | undefined
  /** Photographs as a training run varied them. */
  views?: TrainingViews[] | undefined
}

/** The sections that stand only where they were asked for, in their order, with their links. */
function extraSections(report: Report): [id: string, name: string, section: Html][] {
  const { model, labels, metrics, ensemble, against, money, robustness, examples } = report
  return [
    ...(ensemble ? [['members', 'Members', membersSection(ensemble, metrics)] as const] : []),
    ...(against
      ? [['against', 'Against another model', againstSection(against, model)] as const]
      : []),
    ...(money ? [['money', 'What mistakes cost', moneySection(money, labels)] as const] : []),
    ...(robustness
      ? [
          [
            'robustness',
            'Bad pictures',
            robustnessSection(robustness, examples ?? new Map()),
          ] as const,
        ]
      : []),
  ].map(([id, name, section]) => [id, name, section])
}

export function renderReport(report: Report): string {
  const { model, runtime, labels, metrics, outcomes, unreadable, thumbnails, views = [] } = report
  const extras = extraSections(report)
  const intervals = report.bootstrap ?? bootstrap(outcomes, labels.length)
  const bins = reliability(outcomes)
  const error = calibrationError(bins)
  const charts = [reliabilityChart(bins, error), coverageChart(coverageCurve(outcomes), metrics)]
  const facts: [string, string][] = [
    ['Pictures', `${report.dataset} (${metrics.images})`],
    ['Runtime', runtimeName(runtime)],
    ...(runtime ? [['Weights', model.sha256.slice(0, 12)] as [string, string]] : []),
    ['Measured', `${report.at.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ['Time', `${report.seconds.toFixed(1)} s`],
  ]
  const links = [
    ['figures', 'Figures'],
    ['trust', 'Confidence'],
    ...extras.map(([id, name]) => [id, name]),
    ['confusion', 'What is taken for what'],
    ['mistakes', 'Worst mistakes'],
    ...(views.length > 0 ? [['views', 'As training sees them']] : []),
    ['classes', 'Every class'],
    ...(unreadable.length > 0 ? [['unreadable', `${unreadable.length} unreadable`]] : []),
  ]
  return page(
    `${modelName(model)}: evaluation`,
    style,
    html`
      <header>
        <div>
          <p class="eyebrow">grocerd evaluation</p>
          <h1>${model.name}, version ${model.version}</h1>
          <dl class="facts">${factRows(facts)}</dl>
          <nav aria-label="Sections">
            ${links.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}
          </nav>
        </div>
      </header>
      <main>
        ${summarySection(metrics, error, intervals, report.heldOut)}${trustSection(charts)}
        ${extras.map(([, , section]) => section)}${confusionSection(outcomes, labels)}
        ${mistakesSection(mistakesOf(outcomes, labels), thumbnails, labels)}
        ${views.length > 0 && viewsSection(views)}${classesSection(metrics, labels)}
        ${unreadableSection(unreadable)}
      </main>
      <footer>
        Intervals are 95 % Wilson, of macro F1 by 1,000 bootstrap resamples of the pictures; the
        bound for “sure” is one-sided Clopper-Pearson. Macro figures are means over the
        ${metrics.perClass.length} classes that occur. The figures hold for these pictures; another
        shop, camera or season may differ.
      </footer>
      <script>
        ${raw(script)}
      </script>
    `,
  )
}
