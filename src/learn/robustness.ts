// The same pictures degraded in one way after the other, and what is left of the figures.
import { degradations, degrade } from './degrade.js'
import { type Run, type RunOptions, runEvaluation } from './evaluate.js'
import { measure, type Outcome } from './metrics.js'
import type { Product } from '../recognition/types.js'

/** Rates 0..1. */
export interface RobustnessRow {
  /** plain, or the name of a degradation. */
  name: string
  /** What was done to the pictures. */
  words: string
  images: number
  top1: number
  top4: number
  sureCoverage: number
  /** null where nothing was sure. */
  surePrecision: number | null
}

function rowOf(
  name: string,
  words: string,
  outcomes: readonly Outcome[],
  labels: readonly Product[],
): RobustnessRow {
  const { images, top1, top4, sure } = measure(outcomes, labels)
  return {
    name,
    words,
    images,
    top1,
    top4,
    sureCoverage: sure.coverage,
    surePrecision: sure.precision,
  }
}

/**
 * @param options the readable pictures; progress counts one degradation at a time
 * @param plain the outcomes of the pictures as they are
 * @param renumbered the outcomes in the numbering of `labels`, where that is not the model's own
 * Throws what runEvaluation throws.
 */
export async function measureRobustness(
  options: Omit<RunOptions, 'read' | 'onProgress'> & {
    onProgress?: (name: string, done: number, total: number) => void
  },
  plain: readonly Outcome[],
  labels: readonly Product[],
  renumbered: (outcomes: Run['outcomes']) => Outcome[],
): Promise<RobustnessRow[]> {
  const rows = [rowOf('plain', 'as they are', plain, labels)]
  for (const degradation of degradations) {
    const { name, words } = degradation
    const { outcomes } = await runEvaluation({
      ...options,
      read: (bytes, file) => degrade(bytes, file, degradation),
      onProgress: (done, total) => options.onProgress?.(name, done, total),
    })
    if (outcomes.length > 0) rows.push(rowOf(name, words, renumbered(outcomes), labels))
  }
  return rows
}
