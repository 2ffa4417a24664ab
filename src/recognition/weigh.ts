// From a model's probabilities to the shop's: priors, then what is sold here, then the rest made whole again. Pure.
import type { Assortment } from './assortment.js'

export interface ShopScores {
  /** By class, after priors and filter: what the shop sees. 0 for what is not sold here. */
  scores: Float32Array
  /** The same without the priors: thresholds were measured without any. The same array where there are none. */
  plain: Float32Array
  /** How much of the model's probability the classes that are sold here held, 0..1. */
  held: number
}

const sumOf = (values: Float32Array): number => values.reduce((sum, one) => sum + one, 0)

/** Each score times its factor, made to sum up to what they summed up to before: 1, or what a sigmoid gave. */
function rescale(scores: Float32Array, factor: (index: number) => number): Float32Array {
  const raw = Float64Array.from(scores, (score, index) => score * factor(index))
  const sum = raw.reduce((all, one) => all + one, 0)
  // Nothing that is sold here has any probability: then nothing has a score.
  const scale = sum > 0 ? sumOf(scores) / sum : 0
  return Float32Array.from(raw, one => Math.min(1, one * scale))
}

/** @param scores a model's calibrated probabilities by class; they are not changed */
export function weigh(scores: Float32Array, { sold, weights }: Assortment): ShopScores {
  const here = (index: number) => (sold[index]!.length > 0 ? 1 : 0)
  const whole = sumOf(scores)
  const kept = sumOf(scores.map((score, index) => score * here(index)))
  const isFiltered = sold.some(list => list.length === 0)
  const plain = isFiltered ? rescale(scores, here) : scores
  return {
    scores: weights ? rescale(scores, index => here(index) * weights[index]!) : plain,
    plain,
    held: isFiltered && whole > 0 ? kept / whole : 1,
  }
}
