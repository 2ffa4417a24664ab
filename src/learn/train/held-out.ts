// What the cross-validated heads said of the pictures that they had no part in, as an evaluation sees it. Pure.
import { calibrate, decide, rank, thresholdsOf } from '../../recognition/decision.js'
import type { Product } from '../../recognition/types.js'
import type { Head } from '../../inference/head.js'
import { type Outcome, predictedClass } from '../metrics.js'
import type { Calibration } from '../calibrate.js'
import { logitsOf } from '../logits.js'

/**
 * Without those that no head could leave out, since their class has one look only.
 * @param logits pictures x products; NaN where there are none
 * @param pictures with their class among the products
 */
export function heldOutOutcomes(
  pictures: readonly { file: string; truth: number }[],
  logits: Float32Array,
  products: readonly Product[],
  calibration: Calibration,
): Outcome[] {
  const thresholds = thresholdsOf([calibration])
  return pictures.flatMap(({ file, truth }, index) => {
    const own = logits.subarray(index * products.length, (index + 1) * products.length)
    if (Number.isNaN(own[0])) return []
    const scores = calibrate(own, 'softmax', calibration.temperature, calibration)
    const { decision } = decide(rank(scores, products, 2), thresholds)
    return [{ file, truth, scores, decision }]
  })
}

/**
 * For added classes: the base's thresholds, and higher ones where the new pictures ask for them. Both were measured at
 * the base's temperature. What no new picture can prove (`auto`) is off.
 */
export function mostCautious(base: Calibration, own: Calibration): Calibration {
  const { sure, auto, unknown, margin } = thresholdsOf([base, own])
  return { ...own, sure, auto, unknown, margin }
}

export interface Kept {
  /** Embeddings that the base brought. */
  rows: number
  /** Share of them that is right with the old classes alone, and with the new ones beside them. */
  before: number
  after: number
}

/** How much the old classes lose to the new ones. */
export function keptOf(
  { rows, labels }: { rows: Float32Array; labels: Int32Array },
  { old, joint }: { old: Head; joint: Head },
): Kept {
  const share = (head: Head) => {
    const right = labels.filter((label, index) => {
      const row = rows.subarray(index * head.dims, (index + 1) * head.dims)
      return predictedClass(logitsOf(head, row)) === label
    })
    return right.length / labels.length
  }
  return { rows: labels.length, before: share(old), after: share(joint) }
}
