// Brings every feature to mean 0 and a like spread, and folds that into the head that was fitted. Pure.
import type { LinearHead } from '../inference/types.js'

export interface Scaling {
  /** By feature. */
  mean: Float64Array
  /** By feature: what the centred value is multiplied by. */
  factor: Float64Array
}

/** The least spread that is brought to 1, as a share of the mean one: below it there is only noise. */
const leastSpread = 0.05

/** Mean and spread over all rows (rows x dims, row by row); needs no labels. */
export function scalingOf(sets: readonly Float32Array[], dims: number): Scaling {
  const mean = new Float64Array(dims)
  const factor = new Float64Array(dims)
  let rows = 0
  for (const set of sets) {
    rows += set.length / dims
    for (let at = 0; at < set.length; at += dims) {
      for (let d = 0; d < dims; d++) mean[d]! += set[at + d]!
    }
  }
  for (let d = 0; d < dims; d++) mean[d]! /= rows
  for (const set of sets) {
    for (let at = 0; at < set.length; at += dims) {
      for (let d = 0; d < dims; d++) factor[d]! += (set[at + d]! - mean[d]!) ** 2
    }
  }
  let typical = 0
  for (let d = 0; d < dims; d++) {
    factor[d] = Math.sqrt(factor[d]! / rows)
    typical += factor[d]! / dims
  }
  for (let d = 0; d < dims; d++) {
    const spread = Math.max(factor[d]!, leastSpread * typical)
    factor[d] = spread > 0 ? 1 / spread : 1
  }
  return { mean, factor }
}

/** Writes the scaled rows to `to` from row `row` on. */
export function scaleRows(
  from: Float32Array,
  { mean, factor }: Scaling,
  to: Float32Array,
  row: number,
): void {
  const dims = mean.length
  for (let at = 0; at < from.length; at += dims) {
    for (let d = 0; d < dims; d++) {
      to[row * dims + at + d] = (from[at + d]! - mean[d]!) * factor[d]!
    }
  }
}

/** The head for raw features that gives what `head` gives for scaled ones. */
export function unscaledHead(head: LinearHead, { mean, factor }: Scaling): LinearHead {
  return transformed(head, mean.length, (weight, bias, d) => {
    const raw = weight * factor[d]!
    return [raw, bias - raw * mean[d]!]
  })
}

/** The head for scaled features that gives what `head` gives for raw ones. */
export function scaledHead(head: LinearHead, { mean, factor }: Scaling): LinearHead {
  return transformed(head, mean.length, (weight, bias, d) => [
    weight / factor[d]!,
    bias + weight * mean[d]!,
  ])
}

function transformed(
  head: LinearHead,
  dims: number,
  change: (weight: number, bias: number, d: number) => [number, number],
): LinearHead {
  const weights = new Float32Array(head.weights.length)
  const bias = head.bias.map((value, c) => {
    let sum = value
    for (let d = 0; d < dims; d++) {
      const [weight, next] = change(head.weights[c * dims + d]!, sum, d)
      weights[c * dims + d] = weight
      sum = next
    }
    return sum
  })
  return { weights, bias }
}
