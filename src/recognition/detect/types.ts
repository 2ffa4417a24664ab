// What the kinds of detectors have in common: what they are told and what they give. Types and two helpers.
import { GroceryError } from '../../errors.js'
import type { Manifest } from '../../inference/manifest.js'
import type { Outputs } from '../runner.js'

export type DetectorSpec = Manifest['output']

/** Boxes of one picture before any are left out. */
export interface Found {
  /** Left, top, right, bottom of each, as fractions of the model's input; four a box. */
  boxes: Float32Array
  /** The best class of each, 0..1. */
  scores: Float32Array
}

export interface InputSize {
  width: number
  height: number
}

/** One kind of detector. Throws MODEL_SHAPE_MISMATCH where the outputs are not those of the kind. */
export type Decode = (outputs: Outputs, spec: DetectorSpec, input: InputSize) => Found

export const mismatch = (expected: string, outputs: Outputs): GroceryError => {
  const shapes = outputs.map(({ name, shape }) => `${name} ${shape.join('x')}`).join(', ')
  return new GroceryError(
    'MODEL_SHAPE_MISMATCH',
    `Expected ${expected} but the model has ${shapes}`,
  )
}

export const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))

/**
 * The best class of each row, as a probability.
 * @param classes values a row; with softmax the first is the background
 */
export function bestOf(
  values: Float32Array,
  classes: number,
  activation: DetectorSpec['activation'],
): Float32Array {
  const best = new Float32Array(values.length / classes)
  for (let row = 0; row < best.length; row++) {
    const one = values.subarray(row * classes, (row + 1) * classes)
    if (activation === 'softmax') best[row] = softmaxBest(one)
    else {
      let most = one[0]!
      for (const value of one) most = Math.max(most, value)
      best[row] = activation === 'sigmoid' ? sigmoid(most) : most
    }
  }
  return best
}

function softmaxBest(values: Float32Array): number {
  const peak = Math.max(...values)
  let sum = 0
  let most = 0
  values.forEach((value, index) => {
    const power = Math.exp(value - peak)
    sum += power
    if (index > 0) most = Math.max(most, power)
  })
  return most / sum
}
