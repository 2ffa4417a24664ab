// Two models on the same pictures: their figures, where they differ, and whether that is more than chance. Pure.
import type { ModelState } from '../protocol.js'
import type { Product } from '../recognition/types.js'
import { type McNemar, mcnemar } from './mcnemar.js'
import { type Metrics, measure, type Outcome, rankOfTruth } from './metrics.js'

export type ComparedFigures = Pick<
  Metrics,
  'top1' | 'top4' | 'macroF1' | 'loss' | 'coarseTop1' | 'sure'
>

/** Pictures of one class that each of the two named right. */
export interface MovedClass {
  sku: string
  name: string
  support: number
  first: number
  second: number
}

/** Classes that occur in the pictures and that a model does not have: it cannot be right there. */
export interface MissingClasses {
  skus: string[]
  images: number
}

/** Pictures by which of the two named them right. */
export interface Agreement {
  both: number
  onlyFirst: number
  onlySecond: number
  neither: number
}

export interface Comparison {
  /** The model of --against. */
  model: ModelState
  first: ComparedFigures
  second: ComparedFigures
  table: Agreement
  mcnemar: McNemar
  /** The classes whose number of right answers changed most; at most ten. */
  moved: MovedClass[]
  missing: { first: MissingClasses; second: MissingClasses }
}

const mostMoved = 10

const compared = (outcomes: readonly Outcome[], labels: readonly Product[]): ComparedFigures => {
  const { top1, top4, macroF1, loss, coarseTop1, sure } = measure(outcomes, labels)
  return { top1, top4, macroF1, loss, coarseTop1, sure }
}

const isRight = (outcome: Outcome): boolean => rankOfTruth(outcome) === 0

/** Both judged the same pictures, in the same order. */
export function agreementOf(first: readonly Outcome[], second: readonly Outcome[]): Agreement {
  const table = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 }
  first.forEach((outcome, index) => {
    const [one, other] = [isRight(outcome), isRight(second[index]!)]
    table[one ? (other ? 'both' : 'onlyFirst') : other ? 'onlySecond' : 'neither']++
  })
  return table
}

function movedClasses(
  first: readonly Outcome[],
  second: readonly Outcome[],
  labels: readonly Product[],
): MovedClass[] {
  const rows = labels.map(({ sku, name }) => ({ sku, name, support: 0, first: 0, second: 0 }))
  first.forEach((outcome, index) => {
    const row = rows[outcome.truth]!
    row.support++
    if (isRight(outcome)) row.first++
    if (isRight(second[index]!)) row.second++
  })
  const change = (row: MovedClass) => Math.abs(row.second - row.first)
  return rows
    .filter(row => change(row) > 0)
    .sort((a, b) => change(b) - change(a) || change(b) / b.support - change(a) / a.support)
    .slice(0, mostMoved)
}

function missingOf(
  outcomes: readonly Outcome[],
  labels: readonly Product[],
  own: readonly Product[],
): MissingClasses {
  const known = new Set(own.map(({ sku }) => sku))
  const lost = outcomes.map(({ truth }) => labels[truth]!.sku).filter(sku => !known.has(sku))
  return { skus: [...new Set(lost)].sort(), images: lost.length }
}

/**
 * @param first outcomes of the two models picture by picture, in one numbering of classes (label-space.ts)
 * @param labels of that numbering
 * @param own the classes that each model has
 */
export function compare(
  model: ModelState,
  first: readonly Outcome[],
  second: readonly Outcome[],
  labels: readonly Product[],
  own: { first: readonly Product[]; second: readonly Product[] },
): Comparison {
  const table = agreementOf(first, second)
  return {
    model,
    first: compared(first, labels),
    second: compared(second, labels),
    table,
    mcnemar: mcnemar(table.onlyFirst, table.onlySecond),
    moved: movedClasses(first, second, labels),
    missing: {
      first: missingOf(first, labels, own.first),
      second: missingOf(second, labels, own.second),
    },
  }
}
