// What was asked for beside the figures of one model, as text for a terminal. Pure.
import type { ModelState } from '../../protocol.js'
import type { Product } from '../../recognition/types.js'
import type { Comparison } from '../compare.js'
import type { Extras } from '../extras.js'
import type { EnsembleFigures } from '../members.js'
import type { Metrics } from '../metrics.js'
import type { Charge, Money } from '../money.js'
import type { RobustnessRow } from '../robustness.js'
import {
  heldOutWords,
  missingWords,
  modelName,
  money,
  testWords,
  verdict,
  weightWords,
} from '../words.js'
import { rate, table } from './format.js'

export function ensembleText({ members, best }: EnsembleFigures, whole: Metrics): string[] {
  const line = (name: string, weight: string, one: Omit<(typeof members)[0], 'model' | 'weight'>) =>
    [name, weight, rate(one.top1), rate(one.top4), rate(one.macroF1), one.loss.toFixed(3)] as const
  return [
    '',
    'members, each alone',
    ...table([
      ['', 'weight', 'top-1', 'top-4', 'macro F1', 'loss'],
      ...members.map(one => line(modelName(one.model), String(one.weight), one)),
      line('the whole', '', whole),
    ]),
    `  the whole against ${modelName(best.model)}: ${testWords(best)}; ${verdict(best, 'the whole', 'the member')}`,
  ]
}

export function againstText(comparison: Comparison, model: ModelState): string[] {
  const { first, second, table: counts, mcnemar, moved } = comparison
  const line = (name: string, of: (figures: typeof first) => string) =>
    [name, of(first), of(second)] as const
  const classes = moved.map(one => [
    one.name,
    String(one.first),
    String(one.second),
    `of ${one.support}`,
  ])
  return [
    '',
    `A ${modelName(model)} against B ${modelName(comparison.model)}`,
    ...table([
      ['', 'A', 'B'],
      line('top-1', one => rate(one.top1)),
      line('top-4', one => rate(one.top4)),
      line('coarse top-1', one => rate(one.coarseTop1)),
      line('macro F1', one => rate(one.macroF1)),
      line('sure', one => rate(one.sure.coverage)),
      line('right when sure', one => rate(one.sure.precision)),
      line('loss', one => one.loss.toFixed(3)),
    ]),
    `  both right ${counts.both}, only A ${counts.onlyFirst}, only B ${counts.onlySecond}, neither ${counts.neither}`,
    `  ${testWords(mcnemar)}; ${verdict(mcnemar, 'A', 'B')}`,
    ...missingWords(comparison).map(words => `  ${words}`),
    ...(classes.length === 0
      ? []
      : ['moved most (right answers)', ...table([['', 'A', 'B', ''], ...classes])]),
  ]
}

export function moneyText(costs: Money, labels: readonly Product[]): string[] {
  const names = new Map(labels.map(label => [label.sku, label.name]))
  const amount = (value: number) => money(value, costs.currency)
  const line = (name: string, { mistakes, overcharge, undercharge }: Charge) =>
    [name, String(mistakes), amount(overcharge), amount(undercharge)] as const
  const dearest = costs.first.dearest.map(({ truth, predicted, count, per1000 }) => [
    `${names.get(truth)} → ${names.get(predicted)} ×${count}`,
    `${per1000 > 0 ? '+' : ''}${amount(per1000)}`,
  ])
  const weights = weightWords(costs)
  return [
    '',
    `for 1,000 items that should bring ${amount(costs.due)}`,
    ...table([
      ['', 'mistakes', 'overcharge', 'undercharge'],
      line('first answer sold', costs.first),
      line('only the sure ones', costs.sure),
    ]),
    ...(dearest.length === 0 ? [] : ['dearest', ...table(dearest)]),
    ...(weights === null ? [] : [`  ${weights}`]),
  ]
}

export function robustnessText(rows: readonly RobustnessRow[]): string[] {
  return [
    '',
    'the same pictures, degraded',
    ...table([
      ['', 'top-1', 'top-4', 'sure', 'right when sure'],
      ...rows.map(one => [
        one.name,
        rate(one.top1),
        rate(one.top4),
        rate(one.sureCoverage),
        rate(one.surePrecision),
      ]),
    ]),
  ]
}

/** All that is there, in the order of the report. */
export function extrasText(
  { heldOut, ensemble, against, money: costs, robustness }: Extras,
  evaluation: { model: ModelState; labels: readonly Product[]; metrics: Metrics },
): string[] {
  const { model, labels, metrics } = evaluation
  return [
    ...(heldOut ? ['', heldOutWords(heldOut)] : []),
    ...(ensemble ? ensembleText(ensemble, metrics) : []),
    ...(against ? againstText(against, model) : []),
    ...(costs ? moneyText(costs, labels) : []),
    ...(robustness ? robustnessText(robustness) : []),
  ]
}
