// What each member of an ensemble would have said alone, beside the whole. Pure.
import type { ModelState } from '../protocol.js'
import type { Product } from '../recognition/types.js'
import { agreementOf } from './compare.js'
import { type McNemar, mcnemar } from './mcnemar.js'
import { measure, type Outcome } from './metrics.js'

export interface Member {
  model: ModelState
  weight: number
}

export interface MemberFigures extends Member {
  top1: number
  top4: number
  macroF1: number
  loss: number
}

export interface EnsembleFigures {
  members: MemberFigures[]
  /** The whole (first) against the member with the highest top-1 (second). */
  best: McNemar & { model: ModelState }
}

/** @returns null where the outcomes carry no members' scores: not an ensemble. */
export function ensembleFigures(
  outcomes: readonly Outcome[],
  members: readonly Member[],
  labels: readonly Product[],
): EnsembleFigures | null {
  if (members.length === 0 || !outcomes.every(one => one.members?.length === members.length)) {
    return null
  }
  const alone = members.map((_, index) =>
    outcomes.map(one => ({ ...one, scores: one.members![index]! })),
  )
  const figures = members.map(({ model, weight }, index) => {
    const { top1, top4, macroF1, loss } = measure(alone[index]!, labels)
    return { model, weight, top1, top4, macroF1, loss }
  })
  const best = figures.reduce((most, one, at) => (one.top1 > figures[most]!.top1 ? at : most), 0)
  const { onlyFirst, onlySecond } = agreementOf(outcomes, alone[best]!)
  return {
    members: figures,
    best: { model: members[best]!.model, ...mcnemar(onlyFirst, onlySecond) },
  }
}
