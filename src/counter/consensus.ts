// From the votes of several frames to what they agree on. Pure.
import type { AskReason, Box, Candidate, Decision } from '../recognition/types.js'
import { type Vote, wholePicture } from './state.js'

/** The newest frames count; older ones may be of a hand still there. */
export const voteWindow = 8
/** Fewer frames are a glance, not a consensus. */
const leastVotes = 3

export interface Verdict {
  candidates: Candidate[]
  decision: Decision
  auto: boolean
  askReason: AskReason | null
  /** Skus that the votes cannot tell from the best of all, itself among them. */
  twins: string[]
  /** Share of the votes whose best is the best of all or its twin, 0..1. */
  agreement: number
  /** Enough votes, and enough of them agree. */
  settled: boolean
  /** What was read last; null: nothing. */
  text: string | null
  box: Box
}

export const addVote = (votes: readonly Vote[], vote: Vote): Vote[] => [
  ...votes.slice(-(voteWindow - 1)),
  vote,
]

/** Another camera's vote: at most one for each of the leading camera, so that a faster one never decides. */
export function addOtherVote(votes: readonly Vote[], vote: Vote): Vote[] {
  const leading = votes.filter(one => one.leads).length
  return votes.length - leading < leading ? addVote(votes, vote) : [...votes]
}

/**
 * Mean score of each product over all votes; a product that a vote does not list has 0 there. Best first, where
 * a twin counts with the score of all its twins: split between them, it would fall behind what is less likely.
 */
function meanCandidates(votes: readonly Vote[]): Candidate[] {
  const sums = new Map<string, { candidate: Candidate; score: number; together: number }>()
  for (const { observation } of votes) {
    const { candidates, twins = [] } = observation
    const all = candidates.filter(({ sku }) => twins.includes(sku))
    const ofTwins = all.reduce((sum, { score }) => sum + score, 0)
    for (const candidate of candidates) {
      const { sku, score } = candidate
      const sum = sums.get(sku) ?? { candidate, score: 0, together: 0 }
      sum.score += score / votes.length
      sum.together += (twins.includes(sku) ? ofTwins : score) / votes.length
      sums.set(sku, sum)
    }
  }
  return [...sums.values()]
    .sort((a, b) => b.together - a.together || b.score - a.score)
    .map(({ candidate, score }) => ({ ...candidate, score }))
}

/** The best, and what any vote could not tell from it. */
function twinsOf(best: string | undefined, votes: readonly Vote[]): Set<string> {
  const sets = votes.map(({ observation }) => observation.twins ?? [])
  return new Set(best === undefined ? [] : [best, ...sets.filter(one => one.includes(best)).flat()])
}

/**
 * What the votes agree on. Sure only where enough frames were sure of the same product, a question of variant
 * where enough were sure of one of its twins or of all together; unknown where half of them or more knew nothing.
 */
export function judge(votes: readonly Vote[], consensus: number): Verdict {
  const candidates = meanCandidates(votes)
  const best = candidates[0]?.sku
  const share = (counts: (vote: Vote) => boolean) =>
    votes.length === 0 ? 0 : votes.filter(counts).length / votes.length
  const forBest = (vote: Vote) => vote.observation.candidates[0]?.sku === best
  const twins = twinsOf(best, votes)
  const forTwins = ({ observation }: Vote) => twins.has(observation.candidates[0]?.sku ?? '')
  const agreement = share(forTwins)
  const unknown = share(vote => vote.observation.decision === 'unknown') >= 0.5
  const sure = share(vote => forBest(vote) && vote.observation.decision === 'sure') >= consensus
  // One frame's barcode that names another product is enough to ask: the frames around it may not have shown the code.
  const disagrees = ({ observation }: Vote) => observation.askReason === 'conflict'
  const codeDisagrees = votes.some(vote => disagrees(vote) && vote.observation.gtin !== undefined)
  const decision = unknown ? 'unknown' : sure && !codeDisagrees ? 'sure' : 'ask'
  const knowsKind = ({ observation: { decision, askReason } }: Vote) =>
    decision === 'sure' || askReason === 'variant'
  const variant = twins.size > 1 && share(vote => forTwins(vote) && knowsKind(vote)) >= consensus
  const conflict = codeDisagrees || (!variant && share(disagrees) >= consensus)
  const top = votes[0]?.observation.candidates.length ?? 0
  return {
    candidates: candidates.slice(0, Math.max(1, top)),
    decision,
    auto: decision === 'sure' && votes.filter(forBest).every(vote => vote.observation.auto),
    askReason:
      decision !== 'ask' ? null : conflict ? 'conflict' : variant ? 'variant' : 'confidence',
    twins: [...twins].filter(sku => !sure || sku === best),
    agreement,
    // Frames that agree on knowing nothing agree as well.
    settled: votes.length >= leastVotes && (agreement >= consensus || unknown),
    text:
      votes.findLast(({ observation }) => observation.text !== undefined)?.observation.text ?? null,
    box: votes.at(-1)?.observation.box ?? wholePicture,
  }
}
