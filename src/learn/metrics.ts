// The figures of an evaluation, from what a model said of pictures whose truth is known. Pure.
import type { Decision, Product } from '../recognition/types.js'
import { clopperPearsonLower, wilson } from './intervals.js'

/** What a classifier said of one picture. Two models are compared picture by picture with these. */
export interface Outcome {
  /** As the data set names it. */
  file: string
  /** Class index. */
  truth: number
  /** Calibrated probabilities by class index. */
  scores: Float32Array
  decision: Decision
  /** Of an ensemble: the scores of each member, by the same class index. */
  members?: Float32Array[]
}

export type Interval = [low: number, high: number]

export interface GroupMetrics {
  images: number
  top1: number
  top4: number
}

export interface ClassMetrics {
  sku: string
  name: string
  support: number
  precision: number
  recall: number
  f1: number
}

/** truth and predicted are skus. */
export interface ConfusionCell {
  truth: string
  predicted: string
  count: number
}

/** Rates are 0..1. The names are those of DESIGN section 7. */
export interface Metrics {
  images: number
  top1: number
  top4: number
  top5: number
  /** Means over the classes that occur in the truth; a class never predicted has precision 0. */
  macroF1: number
  macroPrecision: number
  macroRecall: number
  /** Mean of -log(probability of the truth), each at most -log(1e-7). */
  loss: number
  /** null where the labels have no coarse classes. */
  coarseTop1: number | null
  /** precision is null where nothing was sure; lowerBound is one-sided, 95 %, Clopper-Pearson. */
  sure: { coverage: number; precision: number | null; lowerBound: number }
  /** null where no picture is of that group. */
  groups: { loose: GroupMetrics | null; packed: GroupMetrics | null }
  /** Two-sided 95 % Wilson intervals. */
  intervals: { top1: Interval; top4: Interval; top5: Interval; coarseTop1: Interval | null }
  /** The classes that occur in the truth, in class order. */
  perClass: ClassMetrics[]
  /** The cells that are not zero, in class order. */
  confusion: ConfusionCell[]
}

// The resolution of float32 at 1: a smaller probability is rounding, not knowledge.
const leastProbability = 1e-7

/** The class with the highest score; the first of equals. */
export function predictedClass(scores: Float32Array): number {
  let best = 0
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i
  return best
}

/** How many classes stand before the truth: 0 where the model is right. */
export function rankOfTruth({ scores, truth }: Outcome): number {
  const own = scores[truth]!
  let rank = 0
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > own || (scores[i] === own && i < truth)) rank++
  }
  return rank
}

const mean = (values: number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** counts[truth][predicted]. */
export function confusionCounts(outcomes: readonly Outcome[], classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (const { truth, scores } of outcomes) counts[truth]![predictedClass(scores)]!++
  return counts
}

function classMetrics(counts: number[][], labels: readonly Product[]): ClassMetrics[] {
  const predicted = labels.map((_, index) => counts.reduce((sum, row) => sum + row[index]!, 0))
  return labels.flatMap(({ sku, name }, index) => {
    const support = counts[index]!.reduce((sum, count) => sum + count, 0)
    if (support === 0) return []
    const hits = counts[index]![index]!
    const precision = predicted[index] === 0 ? 0 : hits / predicted[index]!
    const f1 = (2 * hits) / (support + predicted[index]!)
    return [{ sku, name, support, precision, recall: hits / support, f1 }]
  })
}

/** @param outcomes at least one; @param labels by class index. */
export function measure(outcomes: readonly Outcome[], labels: readonly Product[]): Metrics {
  const images = outcomes.length
  const ranks = outcomes.map(rankOfTruth)
  const within = (k: number) => ranks.filter(rank => rank < k).length

  const group = (name: 'loose' | 'packed'): GroupMetrics | null => {
    const own = ranks.filter((_, index) => labels[outcomes[index]!.truth]!.group === name)
    if (own.length === 0) return null
    const share = (k: number) => own.filter(rank => rank < k).length / own.length
    return { images: own.length, top1: share(1), top4: share(4) }
  }

  const coarse = (index: number) => labels[index]!.coarse
  const coarseKnown = outcomes.every(({ truth }) => coarse(truth) !== null)
  const coarseRight = outcomes.filter(
    ({ truth, scores }) => coarse(truth) === coarse(predictedClass(scores)),
  ).length

  const sure = ranks.filter((_, index) => outcomes[index]!.decision === 'sure')
  const sureRight = sure.filter(rank => rank === 0).length

  const counts = confusionCounts(outcomes, labels.length)
  const perClass = classMetrics(counts, labels)
  const confusion = counts.flatMap((row, truth) =>
    row.flatMap((count, predicted) =>
      count === 0 ? [] : [{ truth: labels[truth]!.sku, predicted: labels[predicted]!.sku, count }],
    ),
  )

  return {
    images,
    top1: within(1) / images,
    top4: within(4) / images,
    top5: within(5) / images,
    macroF1: mean(perClass.map(one => one.f1)),
    macroPrecision: mean(perClass.map(one => one.precision)),
    macroRecall: mean(perClass.map(one => one.recall)),
    loss: mean(outcomes.map(one => -Math.log(Math.max(one.scores[one.truth]!, leastProbability)))),
    coarseTop1: coarseKnown ? coarseRight / images : null,
    sure: {
      coverage: sure.length / images,
      precision: sure.length === 0 ? null : sureRight / sure.length,
      lowerBound: clopperPearsonLower(sureRight, sure.length),
    },
    groups: { loose: group('loose'), packed: group('packed') },
    intervals: {
      top1: wilson(within(1), images),
      top4: wilson(within(4), images),
      top5: wilson(within(5), images),
      coarseTop1: coarseKnown ? wilson(coarseRight, images) : null,
    },
    perClass,
    confusion,
  }
}
