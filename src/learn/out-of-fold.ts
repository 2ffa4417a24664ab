// Held-out predictions that a model directory carries: each picture judged by a model that was not trained on it.
import type { Calibration } from '../inference/manifest.js'
import { decide, rank, thresholdsOf } from '../recognition/decision.js'
import type { Product } from '../recognition/types.js'
import { problemsIn, readRows } from './csv.js'
import { classFinder } from './dataset.js'
import type { Outcome } from './metrics.js'

export interface HeldOut {
  outcomes: Outcome[]
  /** Pictures whose truth is not among the kept scores: their part of the loss is approximate. */
  outside: number
}

/** The largest logits of a picture by class index, and the log-sum-exp of all others. */
interface Kept {
  logits: Map<number, number>
  rest: number
}

const numberPattern = /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i

/** @returns words on what is wrong, where something is */
function parseScores(text: string, classes: number): Kept | string {
  const kept: Kept = { logits: new Map(), rest: Number.NEGATIVE_INFINITY }
  for (const pair of text.split(/\s+/)) {
    const [key, value = ''] = pair.split(':') as [string, string?]
    const isRest = key === 'rest'
    // numpy writes -inf where nothing is left over.
    if (isRest && value === '-inf') continue
    if (!numberPattern.test(value)) return `Expected index:logit pairs but received "${pair}"`
    if (isRest) kept.rest = Number(value)
    else if (!/^\d+$/.test(key) || Number(key) >= classes) {
      return `Expected a class index up to ${classes - 1} but received "${pair}"`
    } else kept.logits.set(Number(key), Number(value))
  }
  const others = classes - kept.logits.size
  const least = Math.min(...kept.logits.values())
  // Shared evenly, the rest must not overtake what was kept, or the ranking would be another.
  if (kept.logits.size === 0 || kept.rest - Math.log(Math.max(1, others)) > least + 1e-3) {
    return 'Expected the largest logits and the rest below them'
  }
  return kept
}

/**
 * Probabilities by class index. What the file does not tell apart shares its probability evenly: ranks
 * and losses are exact where the truth is among the kept ones.
 */
function probabilities({ logits, rest }: Kept, classes: number): Float32Array {
  const most = Math.max(...logits.values())
  const power = (logit: number) => Math.exp(logit - most)
  const others = classes - logits.size
  const left = others === 0 ? 0 : power(rest)
  const sum = [...logits.values()].reduce((total, logit) => total + power(logit), left)
  const scores = new Float32Array(classes).fill(others === 0 ? 0 : left / others / sum)
  for (const [index, logit] of logits) scores[index] = power(logit) / sum
  return scores
}

/**
 * @param file CSV with the header `file,truth,scores`; logits are calibrated already
 * @param calibration of the model: its thresholds decide
 * Throws PREDICTIONS_INVALID with file:line of every wrong row.
 */
export function readOutOfFold(
  file: string,
  labels: readonly Product[],
  calibration: Calibration,
): HeldOut {
  const [head, ...rows] = readRows(file, 'PREDICTIONS_INVALID')
  const header = 'file,truth,scores'
  const received = head?.record.join(',') ?? ''
  if (received !== header) {
    const words = `${file}:1 Expected the header ${header} but received "${received}"`
    throw problemsIn('PREDICTIONS_INVALID', file, [words])
  }
  const find = classFinder(labels)
  const thresholds = thresholdsOf([calibration])
  const problems: string[] = []
  const outcomes: Outcome[] = []
  let outside = 0
  for (const { record, info } of rows) {
    const [name = '', label = '', text = ''] = record
    const truth = find(label)
    const kept = parseScores(text, labels.length)
    if (truth === null) {
      const words = `Expected a class index up to ${labels.length - 1}, a sku or a name`
      problems.push(`${file}:${info.lines} ${words} but received "${label}"`)
    } else if (typeof kept === 'string') problems.push(`${file}:${info.lines} ${kept}`)
    else {
      if (!kept.logits.has(truth)) outside++
      const scores = probabilities(kept, labels.length)
      const { decision } = decide(rank(scores, labels, 2), thresholds)
      outcomes.push({ file: name, truth, scores, decision })
    }
  }
  if (problems.length === 0 && outcomes.length === 0) problems.push(`${file}:2 Expected rows`)
  if (problems.length > 0) throw problemsIn('PREDICTIONS_INVALID', file, problems)
  return { outcomes, outside }
}
