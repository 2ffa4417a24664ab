// How far figures would move with another set of pictures of the same kind: the bootstrap. Pure and seeded.
import { type Interval, type Outcome, predictedClass } from './metrics.js'
import { seededRandom } from './random.js'

/** Two-sided 95 % percentile intervals, 0..1. */
export interface Bootstrap {
  macroF1: Interval
  top1: Interval
  coverageOfSure: Interval
}

const whole = 2 ** 32

function middle95(values: Float64Array): Interval {
  const sorted = values.sort()
  const cut = Math.floor(0.025 * sorted.length)
  return [sorted[cut]!, sorted[sorted.length - 1 - cut]!]
}

/**
 * Draws the pictures anew, with repeats, as often as wanted. A class that a resample lacks is not in
 * its macro F1. @param outcomes at least one
 */
export function bootstrap(
  outcomes: readonly Outcome[],
  classes: number,
  resamples = 1000,
): Bootstrap {
  const truth = Int32Array.from(outcomes, one => one.truth)
  const said = Int32Array.from(outcomes, one => predictedClass(one.scores))
  const sure = Uint8Array.from(outcomes, one => (one.decision === 'sure' ? 1 : 0))
  const images = outcomes.length
  const random = seededRandom('bootstrap')
  const figures = {
    macroF1: new Float64Array(resamples),
    top1: new Float64Array(resamples),
    coverageOfSure: new Float64Array(resamples),
  }
  const [support, predicted, hits] = [0, 0, 0].map(() => new Int32Array(classes)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  for (let resample = 0; resample < resamples; resample++) {
    for (const counts of [support, predicted, hits]) counts.fill(0)
    let right = 0
    let sures = 0
    for (let draw = 0; draw < images; draw++) {
      const index = Math.floor((random() / whole) * images)
      const [own, best] = [truth[index]!, said[index]!]
      support[own]!++
      predicted[best]!++
      sures += sure[index]!
      if (own !== best) continue
      hits[own]!++
      right++
    }
    let sum = 0
    let occurring = 0
    for (let index = 0; index < classes; index++) {
      if (support[index] === 0) continue
      occurring++
      sum += (2 * hits[index]!) / (support[index]! + predicted[index]!)
    }
    figures.macroF1[resample] = sum / occurring
    figures.top1[resample] = right / images
    figures.coverageOfSure[resample] = sures / images
  }
  return {
    macroF1: middle95(figures.macroF1),
    top1: middle95(figures.top1),
    coverageOfSure: middle95(figures.coverageOfSure),
  }
}
