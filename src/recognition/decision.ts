// From the output of a classifier to calibrated probabilities, candidates and one decision. Pure.
import type { Config } from '../config/schema.js'
import { GroceryError } from '../errors.js'
import type { Calibration } from '../inference/manifest.js'
import type { Candidate, Decision, Product } from './types.js'

/** How logits are made comparable before the temperature; of the manifest's calibration. */
export type Normal = Pick<Calibration, 'norm' | 'normClasses'>
export const notNormalised: Normal = { norm: null, normClasses: null }

export type Activation = 'none' | 'softmax' | 'sigmoid'

/** The thresholds in force: of the model's calibration, or of the configuration where it sets them. */
export interface Thresholds {
  /** null: never sure. */
  sure: number | null
  auto: number | null
  unknown: number
  /** What the best must be ahead of the second by, to be sure. */
  margin: number
  autoAdd: boolean
  top: number
}

/**
 * Calibrated probabilities of a classifier's output.
 * @param output one value a class: logits for softmax and sigmoid, probabilities for none
 * @param temperature above 1 makes the model more modest. Throws INFERENCE_FAILED on NaN.
 * @param normal logits are centred and divided by the power mean `norm` of theirs first: models trained with smoothed
 *   labels say how far they can be trusted by the proportions of their logits, not by their size (after
 *   Cattelan & Silva, "How to fix a broken confidence estimator", 2024)
 */
export function calibrate(
  output: Float32Array,
  activation: Activation,
  temperature: number,
  normal: Normal = notNormalised,
): Float32Array {
  for (const value of output) {
    if (!Number.isFinite(value)) {
      throw new GroceryError('INFERENCE_FAILED', `Expected finite outputs but received ${value}`)
    }
  }
  if (activation === 'sigmoid') return output.map(value => 1 / (1 + Math.exp(-value / temperature)))
  if (activation === 'none' && temperature === 1) return output.slice()
  const raw = activation === 'none' ? output.map(p => Math.log(Math.max(p, 1e-12))) : output
  const logits = normalised(raw, normal)
  let max = Number.NEGATIVE_INFINITY
  for (const value of logits) max = Math.max(max, value)
  const powers = logits.map(value => Math.exp((value - max) / temperature))
  let sum = 0
  for (const value of powers) sum += value
  return powers.map(value => value / sum)
}

/**
 * Centred, and divided by the power mean of the distances from the centre; as they are without a norm. Centre and mean
 * are those of the first `normClasses`, where others were added later and measure with another scale.
 */
export function normalised(logits: Float32Array, { norm, normClasses }: Normal): Float32Array {
  if (norm === null) return logits
  const own = logits.subarray(0, normClasses ?? logits.length)
  const centre = own.reduce((sum, value) => sum + value, 0) / own.length
  const powers = own.reduce((sum, value) => sum + Math.abs(value - centre) ** norm, 0)
  const size = (powers / own.length) ** (1 / norm)
  // Where all are equal there is nothing to tell apart.
  return size === 0 ? logits.map(() => 0) : logits.map(value => (value - centre) / size)
}

/** The best `top` products by their scores; scores by class index. */
export function rank(
  scores: ArrayLike<number>,
  products: readonly Product[],
  top: number,
): Candidate[] {
  const order = Array.from({ length: products.length }, (_, index) => index)
  order.sort((a, b) => scores[b]! - scores[a]! || a - b)
  return order.slice(0, top).map(index => {
    const { sku, name, plu, gtin } = products[index]!
    return { sku, name, plu, gtin, score: scores[index]! }
  })
}

/**
 * The thresholds of a model, or of several that answer together: the most cautious of them, since each was
 * measured on its own model. What the configuration sets goes before all.
 */
export function thresholdsOf(
  calibrations: readonly Pick<Calibration, 'sure' | 'auto' | 'unknown' | 'margin'>[],
  wanted: Partial<Config['recognition']> = {},
): Thresholds {
  const most = (key: 'unknown' | 'margin') => Math.max(...calibrations.map(one => one[key]))
  // Where one was never shown to be sure, all together were not either.
  const mostOrNever = (key: 'sure' | 'auto') =>
    calibrations.reduce<number | null>((highest, { [key]: threshold }) => {
      return highest === null || threshold === null ? null : Math.max(highest, threshold)
    }, 0)
  return {
    sure: wanted.sure ?? mostOrNever('sure'),
    auto: mostOrNever('auto'),
    unknown: wanted.unknown ?? most('unknown'),
    margin: wanted.margin ?? most('margin'),
    autoAdd: wanted.autoAdd ?? false,
    top: wanted.top ?? 4,
  }
}

/** What may be said of ranked candidates: sure, ask, or unknown. */
export function decide(
  candidates: readonly Pick<Candidate, 'score'>[],
  thresholds: Thresholds,
): { decision: Decision; auto: boolean } {
  const best = candidates[0]?.score ?? 0
  const ahead = best - (candidates[1]?.score ?? 0)
  if (best < thresholds.unknown) return { decision: 'unknown', auto: false }
  const holds = (threshold: number | null) =>
    threshold !== null && best >= threshold && ahead >= thresholds.margin
  if (!holds(thresholds.sure)) return { decision: 'ask', auto: false }
  return { decision: 'sure', auto: thresholds.autoAdd && holds(thresholds.auto) }
}
