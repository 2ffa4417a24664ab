// Chooses, fits and calibrates the linear head of a classifier on embeddings, by cross-validation.
// Knows no files and no pictures.
import { availableParallelism } from 'node:os'
import { fitLogistic } from '../inference/addon.js'
import type { LinearHead } from '../inference/types.js'
import { type Calibration, calibrateHead, crossEntropy } from './calibrate.js'
import { alwaysTrained, assignFolds } from './folds.js'
import { type Scaling, scaledHead, scaleRows, scalingOf, unscaledHead } from './standardise.js'

export interface EmbeddingSet {
  /** views x dims; several views (augmented) of one picture. */
  rows: Float32Array
  dims: number
  /** By view: which picture it shows; the first view of a picture is the plain one. */
  picture: Int32Array
  /** By picture: its class. */
  labels: Int32Array
  /** By picture: near-copies share a number and are never on both sides of a fold. */
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

/** Strongest first: each fit starts where the stronger one ended. */
const penalties = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]
/** Where no picture can be held out. */
const defaultPenalty = 0.01
/** Past the best penalty the loss only grows: two worse ones in a row are enough. */
const mostWorse = 2
/** Of the gradient: ten times smaller costs three times the time and changes no figure. */
const tolerance = 1e-4

/** What the fits share: scaled views of pictures, then the replayed rows. */
interface Material {
  set: EmbeddingSet
  features: Float32Array
  labels: Int32Array
  /** By row: its picture; replayed rows are pictures of their own, after the others. */
  picture: Int32Array
  /** By picture: its class. */
  classOf: Int32Array
  /** By picture: the row of its plain view. */
  plain: Int32Array
  scaling: Scaling
  frozen: LinearHead | undefined
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
  const folds = assignFolds({ ...set, folds: options.folds ?? 5, seed: options.seed ?? 1 })
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
  return { weights, bias, heldOut, calibration: calibrateHeldOut(set, heldOut), tried, l2 }
}

function requireSet(set: EmbeddingSet, { frozen, replay }: HeadOptions): void {
  const { rows, dims, picture, labels, groups, classes } = set
  const old = frozen?.bias.length ?? 0
  const require = (holds: boolean, expected: string, received: unknown) => {
    if (!holds) throw new TypeError(`Expected ${expected} but received ${received}`)
  }
  require(rows.length ===
    picture.length * dims, `${picture.length * dims} values for rows`, rows.length)
  require(groups.length === labels.length, `${labels.length} values for groups`, groups.length)
  const seen = new Uint8Array(labels.length)
  for (const one of picture) {
    require(one >= 0 && one < labels.length, `pictures from 0 to ${labels.length - 1}`, one)
    seen[one] = 1
  }
  require(!seen.includes(0), 'a view of every picture', `none of picture ${seen.indexOf(0)}`)
  const filled = new Uint8Array(classes)
  for (const label of labels) {
    require(label >= old && label < classes, `labels from ${old} to ${classes - 1}`, label)
    filled[label] = 1
  }
  filled.fill(1, 0, old)
  require(!filled.includes(0), 'a picture of every class', `none of class ${filled.indexOf(0)}`)
  if (!replay) return
  require(replay.rows.length ===
    replay.labels.length * dims, `${replay.labels.length * dims} values for replay.rows`, replay
    .rows.length)
  for (const label of replay.labels) {
    require(label >= 0 && label < old, `replay.labels from 0 to ${old - 1}`, label)
  }
}

function materialOf(set: EmbeddingSet, { frozen, replay }: HeadOptions): Material {
  const { dims } = set
  const old = replay ?? { rows: new Float32Array(), labels: new Int32Array() }
  const scaling = scalingOf([set.rows, old.rows], dims)
  const views = set.picture.length
  const pictures = set.labels.length
  const features = new Float32Array(set.rows.length + old.rows.length)
  scaleRows(set.rows, scaling, features, 0)
  scaleRows(old.rows, scaling, features, views)
  const classOf = Int32Array.from([...set.labels, ...old.labels])
  const picture = Int32Array.from({ length: views + old.labels.length }, (_, row) =>
    row < views ? set.picture[row]! : pictures + row - views,
  )
  const plain = new Int32Array(pictures)
  for (let row = views - 1; row >= 0; row--) plain[set.picture[row]!] = row
  return {
    set,
    features,
    labels: picture.map(one => classOf[one]!),
    picture,
    classOf,
    plain,
    scaling,
    frozen: frozen && scaledHead(frozen, scaling),
  }
}

function problemOf({ set, features, labels, frozen }: Material) {
  return { features, dims: set.dims, labels, classes: set.classes, frozen, tolerance }
}

/** Every class of the training side counts the same, in it every picture, in it every view. */
function rowWeights({ set, picture, classOf }: Material, isIn: (picture: number) => boolean) {
  const pictures = new Int32Array(set.classes)
  for (const [one, label] of classOf.entries()) if (isIn(one)) pictures[label]!++
  const views = new Int32Array(classOf.length)
  for (const one of picture) views[one]!++
  return Float32Array.from(picture, one =>
    isIn(one) ? 1 / (pictures[classOf[one]!]! * views[one]!) : 0,
  )
}

interface Found {
  l2: number
  heldOut: Float32Array
  tried: TrainedHead['tried']
  /** Near the head of all pictures. */
  start: LinearHead | undefined
}

async function crossValidate(
  material: Material,
  folds: Int32Array,
  threads: number,
  onProgress: (share: number) => void,
): Promise<Found> {
  const { set } = material
  const sides = [...new Set(folds)]
    .filter(fold => fold !== alwaysTrained)
    .map(fold => ({
      held: [...folds.keys()].filter(picture => folds[picture] === fold),
      weights: rowWeights(material, picture => folds[picture] !== fold),
      start: undefined as LinearHead | undefined,
    }))
  const best: Found = {
    l2: defaultPenalty,
    heldOut: new Float32Array(set.labels.length * set.classes).fill(Number.NaN),
    tried: [],
    start: undefined,
  }
  if (sides.length === 0) return best
  let least = Number.POSITIVE_INFINITY
  let worse = 0
  let done = 0
  for (const l2 of penalties) {
    const heldOut = best.heldOut.slice()
    await eachOf(sides, threads, async side => {
      const threadsOfFit = Math.max(1, Math.floor(threads / sides.length))
      const { weights: rowWeights, start } = side
      const head = await fitLogistic({
        ...problemOf(material),
        l2,
        rowWeights,
        start,
        threads: threadsOfFit,
      })
      side.start = head
      for (const picture of side.held) writeLogits(material, head, picture, heldOut)
      onProgress(++done / (penalties.length * sides.length + 1))
    })
    const { top1, loss } = measured(set, heldOut)
    best.tried.push({ l2, top1, loss })
    worse = loss < least ? 0 : worse + 1
    if (worse === mostWorse) break
    if (worse > 0) continue
    least = loss
    Object.assign(best, { l2, heldOut, start: sides[0]!.start })
  }
  return best
}

/** Runs `work` for every item, at most `atOnce` at a time. */
async function eachOf<T>(items: T[], atOnce: number, work: (item: T) => Promise<void>) {
  const waiting = items.values()
  const worker = async () => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}

function writeLogits(
  { set, features, plain }: Material,
  head: LinearHead,
  picture: number,
  to: Float32Array,
) {
  const { dims, classes } = set
  const row = features.subarray(plain[picture]! * dims, (plain[picture]! + 1) * dims)
  for (let c = 0; c < classes; c++) {
    let logit = head.bias[c]!
    for (let d = 0; d < dims; d++) logit += head.weights[c * dims + d]! * row[d]!
    to[picture * classes + c] = logit
  }
}

/** The pictures that were held out, with their logits. */
function heldOutOnly({ labels, classes }: EmbeddingSet, heldOut: Float32Array) {
  const held = [...labels.keys()].filter(picture => !Number.isNaN(heldOut[picture * classes]))
  const logits = new Float32Array(held.length * classes)
  held.forEach((picture, index) => {
    logits.set(heldOut.subarray(picture * classes, (picture + 1) * classes), index * classes)
  })
  return { logits, labels: Int32Array.from(held, picture => labels[picture]!) }
}

function measured(set: EmbeddingSet, heldOut: Float32Array): { top1: number; loss: number } {
  const { logits, labels } = heldOutOnly(set, heldOut)
  let right = 0
  for (const [index, label] of labels.entries()) {
    const row = logits.subarray(index * set.classes, (index + 1) * set.classes)
    if (row.every((logit, c) => c === label || logit < row[label]!)) right++
  }
  const { temperature } = calibrateHead(logits, labels)
  return { top1: right / labels.length, loss: crossEntropy(logits, labels, temperature) }
}

function calibrateHeldOut(set: EmbeddingSet, heldOut: Float32Array): Calibration {
  const { logits, labels } = heldOutOnly(set, heldOut)
  return calibrateHead(logits, labels)
}
