// The two curves that say whether a model's scores can be trusted. Pure numbers; drawing is the report's.
import { type Outcome, predictedClass, rankOfTruth } from './metrics.js'

/** The pictures whose best score lies in one tenth of 0..1. */
export interface ReliabilityBin {
  from: number
  to: number
  images: number
  /** Mean best score of these pictures. */
  score: number
  /** Share of them that are right. */
  accuracy: number
}

/** Answering only the most confident `coverage` of the pictures leaves this share of errors. */
export interface CoveragePoint {
  coverage: number
  error: number
  /** The score from which on an answer is given. */
  threshold: number
}

const bestScore = (outcome: Outcome): number => outcome.scores[predictedClass(outcome.scores)]!
const isRight = (outcome: Outcome): boolean => rankOfTruth(outcome) === 0

/** The bins that hold pictures, lowest first. */
export function reliability(outcomes: readonly Outcome[], bins = 10): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ images: 0, score: 0, right: 0 }))
  for (const outcome of outcomes) {
    const score = bestScore(outcome)
    const bin = sums[Math.min(bins - 1, Math.floor(score * bins))]!
    bin.images++
    bin.score += score
    if (isRight(outcome)) bin.right++
  }
  return sums.flatMap(({ images, score, right }, index) =>
    images === 0
      ? []
      : [
          {
            from: index / bins,
            to: (index + 1) / bins,
            images,
            score: score / images,
            accuracy: right / images,
          },
        ],
  )
}

/** Expected calibration error: how far scores are from the truth on average, 0..1. */
export function calibrationError(bins: readonly ReliabilityBin[]): number {
  const images = bins.reduce((sum, bin) => sum + bin.images, 0)
  return bins.reduce(
    (sum, bin) => sum + (bin.images / images) * Math.abs(bin.score - bin.accuracy),
    0,
  )
}

/** One point for each different score, most confident first. */
export function coverageCurve(outcomes: readonly Outcome[]): CoveragePoint[] {
  const sorted = outcomes
    .map(outcome => ({ score: bestScore(outcome), right: isRight(outcome) }))
    .sort((a, b) => b.score - a.score)
  let wrong = 0
  return sorted.flatMap(({ score, right }, index) => {
    if (!right) wrong++
    // Equal scores cannot be told apart by a threshold, so they are one point.
    if (sorted[index + 1]?.score === score) return []
    const answered = index + 1
    return [{ coverage: answered / sorted.length, error: wrong / answered, threshold: score }]
  })
}

/** At most `most` points of a curve, evenly spread over the coverage; the last one stays. */
export function thinned(curve: readonly CoveragePoint[], most = 50): CoveragePoint[] {
  if (curve.length <= most) return [...curve]
  const chosen = Array.from({ length: most }, (_, index) => {
    const wanted = (index + 1) / most
    return curve.find(point => point.coverage >= wanted - 1e-9) ?? curve.at(-1)!
  })
  return [...new Set(chosen)]
}
