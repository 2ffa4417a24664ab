// From the shop's scores to what is said of a picture: the decision, with twins that no picture tells apart. Pure.
import type { Assortment } from './assortment.js'
import { decide, type Thresholds } from './decision.js'
import type { Box, Candidate, Observation } from './types.js'
import type { ShopScores } from './weigh.js'

/** Less than this share of the model's probability on what is sold here: probably none of it lies there. */
const leastHeld = 0.5

/** From knowing nothing to being sure; variant: sure of the kind, and it can be one of several twins. */
const levels = ['unknown', 'ask', 'variant', 'sure'] as const
export type Level = (typeof levels)[number]

export interface Conclusion {
  level: Level
  auto: boolean
  /** The classes that it is about: the best, or the twins among which it can be any. */
  classes: number[]
}

/** The same conclusion, at most as bold as this. */
export function atMost(conclusion: Conclusion, level: Level): Conclusion {
  if (levels.indexOf(conclusion.level) <= levels.indexOf(level)) return conclusion
  return { ...conclusion, level, auto: false }
}

const bestOf = (scores: ArrayLike<number>): number => {
  let best = 0
  for (let index = 1; index < scores.length; index++)
    if (scores[index]! > scores[best]!) best = index
  return best
}

/** The two highest, as the thresholds want them. */
function twoBest(scores: ArrayLike<number>): { score: number }[] {
  const sorted = Float64Array.from(scores).sort().reverse()
  return Array.from(sorted.subarray(0, 2), score => ({ score }))
}

/** What scores alone say, twins among the classes taken together. */
function judge(scores: Float32Array, { group }: Assortment, thresholds: Thresholds): Conclusion {
  const best = bestOf(scores)
  const sums = new Float64Array(scores.length)
  scores.forEach((score, index) => (sums[group[index]!]! += score))
  const first = bestOf(sums)
  const { decision, auto } = decide(twoBest(scores), thresholds)
  const isOfFirst = group[best] === first
  if (decision === 'sure' && isOfFirst) return { level: 'sure', auto, classes: [best] }
  if (decide(twoBest(sums), thresholds).decision === 'sure') {
    const classes = group.flatMap((one, index) => (one === first ? [index] : []))
    return { level: 'variant', auto: false, classes }
  }
  return atMost({ level: decision, auto: false, classes: [best] }, 'ask')
}

/** What holds with the priors, as far as it holds without them too; of two sets of twins the wider. */
function both(withPriors: Conclusion, without: Conclusion): Conclusion {
  const { classes } = withPriors
  const agree = without.classes.some(index => classes.includes(index))
  if (!agree || without.level === 'unknown') return atMost(withPriors, 'ask')
  const auto = withPriors.auto && without.auto
  const wider = without.classes.length > classes.length ? without.classes : classes
  return atMost({ ...withPriors, auto, classes: wider }, without.level)
}

/**
 * What may be said. A prior alone makes nothing sure: without it the same must hold. Where the model thinks of
 * something that is not sold here it is a question, and so it is where the catalogue has a twin of the best.
 */
export function conclude(
  { scores, plain, held }: ShopScores,
  assortment: Assortment,
  thresholds: Thresholds,
): Conclusion {
  let conclusion = judge(scores, assortment, thresholds)
  if (plain !== scores) {
    conclusion = both(conclusion, judge(plain, assortment, thresholds))
  }
  if (held < leastHeld) conclusion = atMost(conclusion, 'ask')
  const hasTwin = conclusion.classes.some(index => assortment.sold[index]!.length > 1)
  return hasTwin ? atMost(conclusion, 'variant') : conclusion
}

/**
 * The observation of a box. The score of a class that can be several products is split evenly between them.
 * @param scores by class, to rank by
 */
export function describe(
  box: Box,
  scores: Float32Array,
  { level, auto, classes }: Conclusion,
  { sold }: Assortment,
  top: number,
): Observation {
  const byScore = (a: { score: number }, b: { score: number }) => b.score - a.score
  const candidatesOf = (index: number): Candidate[] =>
    sold[index]!.map(({ sku, name, plu, gtin }, _, list) => {
      return { sku, name, plu, gtin, score: scores[index]! / list.length }
    })
  const first = new Set(level === 'variant' ? classes : [bestOf(scores)])
  const all = Array.from(scores, (score, index) => ({ score, index })).sort(byScore)
  const twins = all.filter(one => first.has(one.index)).flatMap(one => candidatesOf(one.index))
  const others = all.filter(one => !first.has(one.index)).flatMap(one => candidatesOf(one.index))
  return {
    box,
    decision: level === 'variant' ? 'ask' : level,
    auto,
    askReason: level === 'variant' ? 'variant' : level === 'ask' ? 'confidence' : null,
    candidates: [...twins, ...others.sort(byScore)].slice(0, top),
    ...(twins.length > 1 ? { twins: twins.map(({ sku }) => sku) } : {}),
  }
}
