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
  /** Share of the votes whose best is the best of all, 0..1. */
  agreement: number
  /** Enough votes, and enough of them agree. */
  settled: boolean
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

/** Mean score of each product over all votes; a product that a vote does not list has 0 there. */
function meanCandidates(votes: readonly Vote[]): Candidate[] {
  const sums = new Map<string, Candidate>()
  for (const { observation } of votes) {
    for (const candidate of observation.candidates) {
      const sum = sums.get(candidate.sku)?.score ?? 0
      sums.set(candidate.sku, { ...candidate, score: sum + candidate.score / votes.length })
    }
  }
  return [...sums.values()].sort((a, b) => b.score - a.score)
}

/**
 * What the votes agree on. Sure only where enough frames were sure of the same product;
 * unknown where half of them or more knew nothing.
 */
export function judge(votes: readonly Vote[], consensus: number): Verdict {
  const candidates = meanCandidates(votes)
  const best = candidates[0]?.sku
  const share = (counts: (vote: Vote) => boolean) =>
    votes.length === 0 ? 0 : votes.filter(counts).length / votes.length
  const forBest = (vote: Vote) => vote.observation.candidates[0]?.sku === best
  const agreement = share(forBest)
  const unknown = share(vote => vote.observation.decision === 'unknown') >= 0.5
  const sure = share(vote => forBest(vote) && vote.observation.decision === 'sure') >= consensus
  const decision = unknown ? 'unknown' : sure ? 'sure' : 'ask'
  const top = votes[0]?.observation.candidates.length ?? 0
  return {
    candidates: candidates.slice(0, Math.max(1, top)),
    decision,
    auto: sure && !unknown && votes.filter(forBest).every(vote => vote.observation.auto),
    askReason: decision === 'ask' ? 'confidence' : null,
    agreement,
    // Frames that agree on knowing nothing agree as well.
    settled: votes.length >= leastVotes && (agreement >= consensus || unknown),
    box: votes.at(-1)?.observation.box ?? wholePicture,
  }
}
