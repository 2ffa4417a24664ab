// Temperature and thresholds from logits of pictures that the head had no part in. Pure numbers;
// models/training/calibrate.py is the same for the models that ship.
import { type Normal, normalised, notNormalised } from '../recognition/decision.js'
import { lowerBoundReaches } from './intervals.js'

export interface Calibration extends Normal {
  /** Probabilities are softmax(logits / temperature). */
  temperature: number
  /** The smallest score from which on 98 % are right by the bound; null: the pictures cannot show it. */
  sure: number | null
  /** As `sure`, for 99.5 %. */
  auto: number | null
  /** Below it the best candidate is wrong more often than right. */
  unknown: number
  /** The least lead over the second that a sure picture had. */
  margin: number
}

export const surePrecision = 0.98
export const autoPrecision = 0.995
/** So many neighbours by score say how often pictures of about that score are right. */
const unknownWindow = 50

/** What a picture's two best scores were, and whether the best is right. */
interface Best {
  score: number
  lead: number
  right: boolean
}

/**
 * Mean cross-entropy of softmax(logits / temperature); logits are pictures x classes.
 * @param doubt how much of each picture's probability belongs to the classes that it is not of
 */
export function crossEntropy(
  logits: Float32Array,
  labels: Int32Array,
  temperature: number,
  doubt = 0,
): number {
  const classes = logits.length / labels.length
  const share = doubt / (classes - 1)
  let loss = 0
  for (const [picture, label] of labels.entries()) {
    const row = logits.subarray(picture * classes, (picture + 1) * classes)
    const most = largest(row)
    let powers = 0
    let others = most - row[label]!
    for (const logit of row) {
      powers += Math.exp((logit - most) / temperature)
      others += logit - most
    }
    const truth = row[label]! - most
    loss += Math.log(powers) - ((1 - doubt) * truth + share * others) / temperature
  }
  return loss / labels.length
}

function largest(row: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY
  for (const value of row) if (value > most) most = value
  return most
}

/**
 * The temperature from 0.05 to 20 with the smallest loss, to four digits (golden-section search).
 * As in Platt's scaling one picture more is taken to be wrong: else a head that is right on all
 * pictures of a small set would be made certain of everything.
 */
export function fitTemperature(logits: Float32Array, labels: Int32Array): number {
  const golden = (Math.sqrt(5) - 1) / 2
  const doubt = 1 / (labels.length + 2)
  const loss = (power: number) => crossEntropy(logits, labels, Math.exp(power), doubt)
  let [low, high] = [-3, 3]
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)]
  let [lossLeft, lossRight] = [loss(left), loss(right)]
  while (high - low > 1e-5) {
    if (lossLeft <= lossRight) {
      ;[high, right, lossRight] = [right, left, lossLeft]
      left = high - golden * (high - low)
      lossLeft = loss(left)
    } else {
      ;[low, left, lossLeft] = [left, right, lossRight]
      right = low + golden * (high - low)
      lossRight = loss(right)
    }
  }
  return Number(Math.exp((low + high) / 2).toPrecision(4))
}

function bestOf(row: Float32Array, label: number, temperature: number): Best {
  let [first, second, at] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  row.forEach((logit, index) => {
    if (logit > first) [first, second, at] = [logit, first, index]
    else if (logit > second) second = logit
  })
  let sum = 0
  for (const logit of row) sum += Math.exp((logit - first) / temperature)
  const score = 1 / sum
  return {
    score,
    lead: score - Math.exp((second - first) / temperature) / sum,
    right: at === label,
  }
}

/** The smallest score from which on `precision` holds by its lower bound; `best` is sorted downwards. */
function threshold(best: readonly Best[], precision: number, proven = true): number | null {
  let right = 0
  let found: number | null = null
  for (const [index, one] of best.entries()) {
    if (one.right) right++
    // Equal scores cannot be told apart by a threshold.
    if (best[index + 1]?.score === one.score) continue
    const holds = proven
      ? lowerBoundReaches(precision, right, index + 1)
      : right >= precision * (index + 1)
    if (holds) found = one.score
  }
  return found
}

/** The score under which the best is wrong more often than right: 0 where it never is. */
function unknownBelow(best: readonly Best[]): number {
  let right = 0
  for (const [index, one] of best.entries()) {
    if (one.right) right++
    if (index < unknownWindow - 1) continue
    if (index >= unknownWindow && best[index - unknownWindow]!.right) right--
    // Sorted downwards: the first such window is the one with the highest scores.
    if (right / unknownWindow < 0.5) return best[index - unknownWindow / 2]!.score
  }
  return 0
}

function normalisedRows(rows: Float32Array, classes: number, normal: Normal): Float32Array {
  const all = new Float32Array(rows.length)
  for (let at = 0; at < rows.length; at += classes) {
    all.set(normalised(rows.subarray(at, at + classes), normal), at)
  }
  return all
}

/**
 * The manifest's `calibration`, from logits (pictures x classes) and the class of each picture.
 * @param normal as in the manifest
 * @param joins the temperature of a model that these classes join: it stays, and `sure` is where 98 % of these
 *   pictures are right, proven by the bound or not, since the thresholds of that model hold beside it
 */
export function calibrateHead(
  raw: Float32Array,
  labels: Int32Array,
  normal: Normal = notNormalised,
  joins?: number,
): Calibration {
  if (labels.length === 0) {
    return { ...normal, temperature: 1, sure: null, auto: null, unknown: 0, margin: 0 }
  }
  const classes = raw.length / labels.length
  const logits = normalisedRows(raw, classes, normal)
  const temperature = joins ?? fitTemperature(logits, labels)
  const best = Array.from(labels, (label, picture) =>
    bestOf(logits.subarray(picture * classes, (picture + 1) * classes), label, temperature),
  ).sort((a, b) => b.score - a.score)
  const sure = threshold(best, surePrecision, joins === undefined)
  const leads = best.filter(({ score }) => sure !== null && score >= sure).map(({ lead }) => lead)
  return {
    ...normal,
    temperature,
    sure,
    auto: threshold(best, autoPrecision),
    unknown: unknownBelow(best),
    margin: leads.length === 0 ? 0 : leads.reduce((least, lead) => Math.min(least, lead)),
  }
}
