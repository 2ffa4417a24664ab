// What keeps old classes from being forgotten when new ones join: rows that stand for them, and a handicap. Pure.
//
// Both were measured by adding 11 of the 81 Grocery Store classes to a head of the other 70, three times over, with a
// backbone that knew none: right among 245 to 264 pictures of old classes in val. See docs/6-learning.md.
import { type Normal, notNormalised } from '../../recognition/decision.js'
import { calibrateHead } from '../calibrate.js'
import { heldOutOnly } from '../cross-validation.js'
import type { EmbeddingSet, TrainedHead } from '../head.js'
import { randomOf } from '../random.js'

export interface ReplayRows {
  rows: Float32Array
  labels: Int32Array
}

/** Ten rows a class say where it lies, not how far it reaches. */
const copiesOfRow = 4

/**
 * What a new class must be ahead by, in logits, to be taken for one: it was fitted against a few rows of the old
 * ones, they against all of their pictures.
 */
export const handicap = 1.5

/**
 * The replay, and each row again with the variation of new pictures: what a view differs by from the mean of its
 * class differs little from class to class.
 */
export function variedReplay(replay: ReplayRows, set: EmbeddingSet, seed: number): ReplayRows {
  const { rows, dims, picture, labels } = set
  const means = new Map<number, { sum: Float64Array; views: number }>()
  for (const [view, shown] of picture.entries()) {
    const label = labels[shown]!
    const mean = means.get(label) ?? { sum: new Float64Array(dims), views: 0 }
    for (let d = 0; d < dims; d++) mean.sum[d]! += rows[view * dims + d]!
    mean.views++
    means.set(label, mean)
  }
  const random = randomOf(seed)
  const each = 1 + copiesOfRow
  const varied = new Float32Array(replay.rows.length * each)
  replay.labels.forEach((_, index) => {
    const own = replay.rows.subarray(index * dims, (index + 1) * dims)
    for (let copy = 0; copy < each; copy++) {
      const to = varied.subarray((index * each + copy) * dims, (index * each + copy + 1) * dims)
      to.set(own)
      if (copy === 0) continue
      const view = Math.floor(random() * picture.length)
      const { sum, views } = means.get(labels[picture[view]!]!)!
      for (let d = 0; d < dims; d++) to[d]! += rows[view * dims + d]! - sum[d]! / views
    }
  })
  const count = replay.labels.length * each
  const of = (index: number) => replay.labels[Math.floor(index / each)]!
  return { rows: varied, labels: Int32Array.from({ length: count }, (_, index) => of(index)) }
}

/** The base's, by its own classes alone: rows that were fitted later have another scale. */
export const normalOf = ({ norm, normClasses }: Normal, old: number): Normal =>
  norm === null ? notNormalised : { norm, normClasses: normClasses ?? old }

/** The head with the handicap in the bias of classes from `old` on, and calibrated with it at the base's temperature. */
export function handicapped(
  trained: TrainedHead,
  set: EmbeddingSet,
  old: number,
  temperature: number,
): TrainedHead {
  const { classes } = set
  const bias = trained.bias.map((value, index) => (index < old ? value : value - handicap))
  const heldOut = trained.heldOut.map((value, index) =>
    index % classes < old ? value : value - handicap,
  )
  const { logits, labels } = heldOutOnly(set, heldOut)
  const calibration = calibrateHead(logits, labels, trained.calibration, temperature)
  return { ...trained, bias, heldOut, calibration }
}
