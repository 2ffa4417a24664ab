// How the members of an ensemble become one answer: soft (their mean) or hard (one vote each). Pure.
import { GroceryError } from '../errors.js'
import type { Label } from '../inference/labels.js'
import { atMost, type Conclusion } from './variants.js'

/** This share of a hard score is the soft one's: it breaks ties, and orders what nobody voted for. */
const softShare = 1e-4

/** Weighted mean of the members' scores; the weights sum up to 1. */
export function softVote(
  members: readonly Float32Array[],
  weights: readonly number[],
): Float32Array {
  return members[0]!.map((_, index) =>
    members.reduce((sum, scores, member) => sum + weights[member]! * scores[index]!, 0),
  )
}

/** The share of the weight whose best each class is. */
export function shares(members: readonly Float32Array[], weights: readonly number[]): Float64Array {
  const votes = new Float64Array(members[0]!.length)
  members.forEach((scores, member) => {
    const best = Math.max(...scores)
    // Who knows nothing of what is sold here has no vote.
    if (best > 0) votes[scores.indexOf(best)]! += weights[member]!
  })
  return votes
}

/** Hard scores: the share of the weight, and by the soft score where that is the same. */
export const hardVote = (votes: Float64Array, soft: Float32Array): Float32Array =>
  Float32Array.from(votes, (share, index) => (1 - softShare) * share + softShare * soft[index]!)

/** The mean's conclusion, sure only where more than half of the weight voted for what it is about. */
export function withMajority(conclusion: Conclusion, votes: Float64Array): Conclusion {
  const share = conclusion.classes.reduce((sum, index) => sum + votes[index]!, 0)
  return share > 0.5 ? conclusion : atMost(conclusion, 'ask')
}

const named = (skus: string[]): string =>
  skus.length > 5 ? `${skus.slice(0, 5).join(', ')} and ${skus.length - 5} more` : skus.join(', ')

/**
 * Where each class of the first member stands in another one.
 * Throws ENSEMBLE_MISMATCH where they have not the same skus.
 */
export function orderOf(
  first: { name: string; labels: readonly Label[] },
  other: { name: string; labels: readonly Label[] },
): number[] {
  const place = new Map(other.labels.map(({ sku }, index) => [sku, index]))
  const known = new Set(first.labels.map(({ sku }) => sku))
  const missing = first.labels.map(({ sku }) => sku).filter(sku => !place.has(sku))
  const extra = other.labels.map(({ sku }) => sku).filter(sku => !known.has(sku))
  if (missing.length === 0 && extra.length === 0) {
    return first.labels.map(({ sku }) => place.get(sku)!)
  }
  const differs = [
    ...(missing.length > 0 ? [`lacks ${named(missing)}`] : []),
    ...(extra.length > 0 ? [`has besides ${named(extra)}`] : []),
  ]
  throw new GroceryError(
    'ENSEMBLE_MISMATCH',
    `Expected the skus of ${first.name} in every member but ${other.name} ${differs.join(' and ')}`,
  )
}
