// The evaluation in a screen of text for a terminal. Pure.
import type { ModelState, RuntimeState } from '../protocol.js'
import type { Product } from '../recognition/types.js'
import type { Unreadable } from './evaluate.js'
import type { Extras } from './extras.js'
import type { Metrics } from './metrics.js'
import { extrasText } from './text/extras.js'
import { between, rate, row } from './text/format.js'
import { modelName, runtimeName } from './words.js'

function confusedMost({ confusion }: Metrics, labels: readonly Product[]): string[] {
  const names = new Map(labels.map(label => [label.sku, label.name]))
  const pairs = confusion
    .filter(cell => cell.truth !== cell.predicted)
    .sort((a, b) => b.count - a.count)
    .slice(0, 5)
    .map(cell => `${names.get(cell.truth)} → ${names.get(cell.predicted)} ×${cell.count}`)
  return pairs.length === 0 ? [] : ['', `confused most: ${pairs.join(', ')}`]
}

function notRead(unreadable: readonly Unreadable[]): string[] {
  if (unreadable.length === 0) return []
  const shown = unreadable.slice(0, 5).map(({ code, message }) => `  ${code} ${message}`)
  const rest = unreadable.length - shown.length
  const more = rest > 0 ? [`  and ${rest} more (see --json)`] : []
  const head =
    unreadable.length === 1
      ? '1 picture could not be read and is in no figure:'
      : `${unreadable.length} pictures could not be read and are in no figure:`
  return ['', head, ...shown, ...more]
}

export interface Summary extends Extras {
  model: ModelState
  /** null: held-out predictions, nothing was run. */
  runtime: RuntimeState | null
  labels: readonly Product[]
  metrics: Metrics
  unreadable: readonly Unreadable[]
  seconds: number
}

export function summaryText(evaluation: Summary): string {
  const { model, runtime, labels, metrics, unreadable, seconds, bootstrap } = evaluation
  const { groups, sure, intervals } = metrics
  const group = (name: 'loose' | 'packed') => {
    const one = groups[name]
    return one ? [row(name, one.top1, `of ${one.images}; top-4 ${rate(one.top4)}`)] : []
  }
  const bound = `right ${rate(sure.precision)}, at least ${rate(sure.lowerBound)} (95 %, one-sided)`
  const classes = `over ${metrics.perClass.length} classes`
  return [
    `${modelName(model)}, ${runtimeName(runtime)}: ${metrics.images} pictures in ${seconds.toFixed(1)} s`,
    '',
    row('top-1', metrics.top1, between(intervals.top1)),
    row('top-4', metrics.top4, between(intervals.top4)),
    row('top-5', metrics.top5, between(intervals.top5)),
    row('coarse top-1', metrics.coarseTop1, between(intervals.coarseTop1)),
    ...group('loose'),
    ...group('packed'),
    row(
      'macro F1',
      metrics.macroF1,
      [between(bootstrap?.macroF1), classes].filter(Boolean).join('; '),
    ),
    row('macro precision', metrics.macroPrecision),
    row('macro recall', metrics.macroRecall),
    row('sure', sure.coverage, sure.precision === null ? 'never' : bound),
    `  ${'loss'.padEnd(16)}${metrics.loss.toFixed(3).padStart(8)}`,
    ...confusedMost(metrics, labels),
    ...extrasText(evaluation, evaluation),
    ...notRead(unreadable),
  ].join('\n')
}
