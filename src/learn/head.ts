// Chooses, fits and calibrates the linear head of a classifier on embeddings, by cross-validation.
// Knows no files and no pictures.
import { availableParallelism } from 'node:os'
import { fitLogistic } from '../inference/addon.js'
import type { LinearHead } from '../inference/types.js'
import type { Normal } from '../recognition/decision.js'
import { type Calibration, calibrateHead } from './calibrate.js'
import { crossValidate, heldOutOnly } from './cross-validation.js'
import { assignFolds } from './folds.js'
import { materialOf, problemOf, rowWeights } from './material.js'
import { unscaledHead } from './standardise.js'

export interface EmbeddingSet {
  /** views x dims; several views (augmented) of one picture. */
  rows: Float32Array
  dims: number
  /** By view: which picture it shows; the first view of a picture is the plain one. */
  picture: Int32Array
  /** By picture: its class. */
  labels: Int32Array
  /**
   * By picture: near-copies share a number and are never on both sides of a fold. The finer they are,
   * the more the held-out figures flatter: one picture of a pile gives away the others.
   */
  groups: Int32Array
  /** With `frozen` the old ones too. */
  classes: number
}

export interface HeadOptions {
  /** Default 5; a class with fewer groups is spread over as many as it has. */
  folds?: number
  seed?: number
  /** Default: all cores. */
  threads?: number
  /** Told the share of the work that is done, 0 to 1. */
  onProgress?: (share: number) => void
  /** Classes 0 to k-1 keep this head; the set's labels then are k and up. */
  frozen?: LinearHead
  /** Embeddings of the frozen classes, against forgetting them. */
  replay?: { rows: Float32Array; labels: Int32Array }
  /** How the calibration is to make logits comparable; by default not at all. */
  normal?: Normal
}

export interface TrainedHead {
  /** classes x dims, to be applied to the raw embedding (the standardisation is folded in). */
  weights: Float32Array
  bias: Float32Array
  /**
   * pictures x classes: logits of each picture's plain view by the head fitted without its fold. NaN
   * where there is none: a class with one group is in every training side, and any figure of it would
   * be flattery.
   */
  heldOut: Float32Array
  /** From the held-out logits; frozen classes have no part in it. */
  calibration: Calibration
  /** By cross-validation, strongest l2 first; the loss is that at its best temperature. */
  tried: { l2: number; top1: number; loss: number }[]
  l2: number
}

/**
 * Fits a head on all pictures with the l2 that held-out pictures prefer, every class counting the
 * same. The same seed and the same set give the same folds.
 * @throws TypeError for sets that do not fit together; ENGINE_STOPPED when the process ends
 */
export async function trainHead(
  set: EmbeddingSet,
  options: HeadOptions = {},
): Promise<TrainedHead> {
  const { threads = availableParallelism(), onProgress = () => {} } = options
  requireSet(set, options)
  const material = materialOf(set, options)
  const { labels, groups, classes } = set
  const wanted = { folds: options.folds ?? 5, seed: options.seed ?? 1 }
  const folds = assignFolds({ labels, groups, classes, ...wanted })
  const found = await crossValidate(material, folds, threads, onProgress)
  const fitted = await fitLogistic({
    ...problemOf(material),
    l2: found.l2,
    rowWeights: rowWeights(material, () => true),
    start: found.start,
    threads,
  })
  onProgress(1)
  const { weights, bias } = unscaledHead(fitted, material.scaling)
  // Scaling there and back would change the last digits of what has to stay.
  weights.set(options.frozen?.weights ?? [])
  bias.set(options.frozen?.bias ?? [])
  const { heldOut, tried, l2 } = found
  return {
    weights,
    bias,
    heldOut,
    calibration: calibrateHeldOut(set, heldOut, options.normal),
    tried,
    l2,
  }
}

function requireSet(set: EmbeddingSet, { frozen, replay }: HeadOptions): void {
  const { rows, dims, picture, labels, groups, classes } = set
  const old = frozen?.bias.length ?? 0
  const demand = (holds: boolean, expected: string, received: unknown) => {
    if (!holds) throw new TypeError(`Expected ${expected} but received ${received}`)
  }
  const values = (what: string, wanted: number, array: { length: number }) =>
    demand(array.length === wanted, `${wanted} values for ${what}`, array.length)
  values('rows', picture.length * dims, rows)
  values('groups', labels.length, groups)
  const seen = new Uint8Array(labels.length)
  for (const one of picture) {
    demand(one >= 0 && one < labels.length, `pictures from 0 to ${labels.length - 1}`, one)
    seen[one] = 1
  }
  demand(!seen.includes(0), 'a view of every picture', `none of picture ${seen.indexOf(0)}`)
  const filled = new Uint8Array(classes)
  for (const label of labels) {
    demand(label >= old && label < classes, `labels from ${old} to ${classes - 1}`, label)
    filled[label] = 1
  }
  filled.fill(1, 0, old)
  demand(!filled.includes(0), 'a picture of every class', `none of class ${filled.indexOf(0)}`)
  if (!replay) return
  values('replay.rows', replay.labels.length * dims, replay.rows)
  for (const label of replay.labels) {
    demand(label >= 0 && label < old, `replay.labels from 0 to ${old - 1}`, label)
  }
}

function calibrateHeldOut(set: EmbeddingSet, heldOut: Float32Array, normal?: Normal): Calibration {
  const { logits, labels } = heldOutOnly(set, heldOut)
  return calibrateHead(logits, labels, normal)
}
