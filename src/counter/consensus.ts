// From the votes of several frames to what they agree on. Pure.
import type { AskReason, Box, Candidate, Decision } from '../recognition/types.js'
import { type Vote, wholePicture } from './state.js'

/** Of so many frames the newest count; older ones may be of a hand still there. */
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
  /** Share of the votes, as they weigh, whose best is the best of all or its twin, 0..1. */
  agreement: number
  /** Enough votes, and enough of them agree. */
  settled: boolean
  /** What was read last; null: nothing. */
  text: string | null
  box: Box
}

/** The newest votes of the leading camera, and the newest of all others since the first of those. */
function inWindow(votes: readonly Vote[]): Vote[] {
  const first = votes.filter(one => one.leads).at(-voteWindow)
  const since = first ? votes.slice(votes.indexOf(first)) : votes
  const others = new Set(since.filter(one => !one.leads).slice(-voteWindow))
  return since.filter(one => one.leads || others.has(one))
}

export const addVote = (votes: readonly Vote[], vote: Vote): Vote[] => inWindow([...votes, vote])

/** Another camera's vote; what that one does not know is no vote: it may see the thing's back, or nothing of it. */
export const addOtherVote = (votes: readonly Vote[], vote: Vote): Vote[] =>
  vote.observation.decision === 'unknown' ? [...votes] : addVote(votes, vote)

/** The leading camera's votes, and those of all others: together they count as much, however fast they are and whose came last. */
const sidesOf = (votes: readonly Vote[]): Vote[][] =>
  [votes.filter(one => one.leads), votes.filter(one => !one.leads)].filter(side => side.length > 0)

/** Share of the votes, as they weigh, 0..1. */
function shareOf(sides: readonly Vote[][], counts: (vote: Vote) => boolean): number {
  const shares = sides.map(side => side.filter(counts).length / side.length)
  return shares.length === 0 ? 0 : shares.reduce((sum, one) => sum + one) / shares.length
}

/**
 * Mean score of each product over all votes, as they weigh; a product that a vote does not list has 0 there. Best first, where
 * a twin counts with the score of all its twins: split between them, it would fall behind what is less likely.
 */
function meanCandidates(sides: readonly Vote[][]): Candidate[] {
  const sums = new Map<string, { candidate: Candidate; score: number; together: number }>()
  for (const side of sides) {
    const weight = 1 / side.length / sides.length
    for (const { observation } of side) {
      const { candidates, twins = [] } = observation
      const all = candidates.filter(({ sku }) => twins.includes(sku))
      const ofTwins = all.reduce((sum, { score }) => sum + score, 0)
      for (const candidate of candidates) {
        const { sku, score } = candidate
        const sum = sums.get(sku) ?? { candidate, score: 0, together: 0 }
        sum.score += score * weight
        sum.together += (twins.includes(sku) ? ofTwins : score) * weight
        sums.set(sku, sum)
      }
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
  const sides = sidesOf(votes)
  const candidates = meanCandidates(sides)
  const best = candidates[0]?.sku
  const share = (counts: (vote: Vote) => boolean) => shareOf(sides, counts)
  const forBest = (vote: Vote) => vote.observation.candidates[0]?.sku === best
  const twins = twinsOf(best, votes)
  const forTwins = ({ observation }: Vote) => twins.has(observation.candidates[0]?.sku ?? '')
  const agreement = share(forTwins)
  const unknown = share(vote => vote.observation.decision === 'unknown') >= 0.5
  const isSure = (vote: Vote) => forBest(vote) && vote.observation.decision === 'sure'
  // Another camera that sees the same product less well is no word against it.
  const outspoken = votes.filter(vote => vote.leads || !forBest(vote) || isSure(vote))
  const sure = shareOf(sidesOf(outspoken), isSure) >= consensus
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
    settled:
      votes.filter(one => one.leads).length >= leastVotes && (agreement >= consensus || unknown),
    text:
      votes.findLast(({ observation }) => observation.text !== undefined)?.observation.text ?? null,
    box: votes.at(-1)?.observation.box ?? wholePicture,
  }
}
