// Why a trained model is never sure, and what it takes: the arithmetic of the bound in words. Pure.
import { surePrecision } from '../calibrate.js'
import { type Outcome, predictedClass } from '../metrics.js'

const confidence = 0.95

/** Held-out pictures that must all be right before 98 % is shown: the least n with 0.98^n <= 0.05. */
export const fewestForSure = Math.ceil(Math.log(1 - confidence) / Math.log(surePrecision))

/** One sentence; only for a model without a threshold for `sure`. */
export function neverSure(outcomes: readonly Outcome[]): string {
  const count = outcomes.length
  const bound = `at least ${surePrecision * 100} % right with ${confidence * 100} % confidence`
  if (count < fewestForSure) {
    return `never sure yet: it takes ${fewestForSure} pictures that are all right to show ${bound}, so at least ${fewestForSure - count} more`
  }
  const confident = [...outcomes].sort(
    (a, b) => b.scores[predictedClass(b.scores)]! - a.scores[predictedClass(a.scores)]!,
  )
  const firstWrong = confident.findIndex(one => predictedClass(one.scores) !== one.truth)
  return (
    `never sure yet: ${firstWrong} answers are right before the first wrong one, most confident first, and it takes ${fewestForSure} to show ${bound}; ` +
    'look at the worst mistakes in the report: a wrong label, or classes that look alike, is the usual reason'
  )
}
