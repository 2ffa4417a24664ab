// One numbering of classes for two models, so that their answers can be held against each other. Pure.
import type { Product } from '../recognition/types.js'
import type { Outcome } from './metrics.js'

export interface LabelSpace {
  /** The first model's classes, then those that only the second has. */
  labels: Product[]
  /** The place in `labels` of each class of the second model. */
  ofSecond: number[]
}

/** Classes are the same where their skus are. */
export function joinLabels(first: readonly Product[], second: readonly Product[]): LabelSpace {
  const labels = [...first]
  const places = new Map(labels.map(({ sku }, index) => [sku, index]))
  const ofSecond = second.map(label => {
    const known = places.get(label.sku)
    if (known !== undefined) return known
    places.set(label.sku, labels.length)
    return labels.push(label) - 1
  })
  return { labels, ofSecond }
}

/**
 * The outcomes with their scores by the places of another numbering; a class that the model lacks has 0.
 * @param places of each class of the model; without them its classes come first, in its own order
 */
export function renumber(
  outcomes: readonly Outcome[],
  classes: number,
  places?: readonly number[],
): Outcome[] {
  const spread = (scores: Float32Array): Float32Array => {
    const wide = new Float32Array(classes)
    scores.forEach((score, index) => (wide[places?.[index] ?? index] = score))
    return wide
  }
  return outcomes.map(outcome => ({
    ...outcome,
    scores: spread(outcome.scores),
    ...(outcome.members && { members: outcome.members.map(spread) }),
  }))
}
