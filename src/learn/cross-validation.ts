// The penalty that held-out pictures prefer, and what the heads without their fold say of them.
import { fitLogistic } from '../inference/addon.js'
import type { LinearHead } from '../inference/types.js'
import { crossEntropy, fitTemperature } from './calibrate.js'
import { alwaysTrained } from './folds.js'
import type { EmbeddingSet, TrainedHead } from './head.js'
import { eachInFlight } from './in-flight.js'
import { logitsOf } from './logits.js'
import { type Material, problemOf, rowWeights } from './material.js'

/** Strongest first: each fit starts where the stronger one ended. */
const penalties = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]
/** Where no picture can be held out. */
const defaultPenalty = 0.01
/** Of the loss, relative: a weaker penalty that gains less is not taken. */
const leastGain = 0.001
/** Past the best penalty the loss only grows: two without a gain in a row are enough. */
const mostWithoutGain = 2

export interface Found {
  l2: number
  heldOut: Float32Array
  tried: TrainedHead['tried']
  /** Near the head of all pictures. */
  start: LinearHead | undefined
}

/** Fits a head a fold and penalty; `folds` is the fold of each picture. */
export async function crossValidate(
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
  let withoutGain = 0
  let done = 0
  for (const l2 of penalties) {
    const heldOut = best.heldOut.slice()
    await eachInFlight(sides, threads, async side => {
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
    withoutGain = loss < least * (1 - leastGain) ? 0 : withoutGain + 1
    if (withoutGain === mostWithoutGain) break
    if (withoutGain > 0) continue
    least = loss
    Object.assign(best, { l2, heldOut, start: sides[0]!.start })
  }
  return best
}

function writeLogits(
  { set, features, plain }: Material,
  head: LinearHead,
  picture: number,
  to: Float32Array,
) {
  const { dims, classes } = set
  const row = features.subarray(plain[picture]! * dims, (plain[picture]! + 1) * dims)
  to.set(logitsOf({ ...head, classes, dims }, row), picture * classes)
}

/** The pictures that were held out, with their logits. */
export function heldOutOnly({ labels, classes }: EmbeddingSet, heldOut: Float32Array) {
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
  const temperature = fitTemperature(logits, labels)
  return { top1: right / labels.length, loss: crossEntropy(logits, labels, temperature) }
}
