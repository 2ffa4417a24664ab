// The pictures a model got wrong, the most confident first: where a data set or a model is worth a look. Pure.
import type { Product } from '../recognition/types.js'
import { type Outcome, predictedClass, rankOfTruth } from './metrics.js'

/** truth and predicted are skus; rank 2 means the truth was the second answer. */
export interface Mistake {
  file: string
  truth: string
  predicted: string
  score: number
  truthScore: number
  rank: number
  decision: Outcome['decision']
}

export function mistakesOf(outcomes: readonly Outcome[], labels: readonly Product[]): Mistake[] {
  return outcomes
    .flatMap(outcome => {
      const { file, truth, scores, decision } = outcome
      const rank = rankOfTruth(outcome)
      if (rank === 0) return []
      const predicted = predictedClass(scores)
      return [
        {
          file,
          truth: labels[truth]!.sku,
          predicted: labels[predicted]!.sku,
          score: scores[predicted]!,
          truthScore: scores[truth]!,
          rank: rank + 1,
          decision,
        },
      ]
    })
    .sort((a, b) => b.score - a.score)
}
