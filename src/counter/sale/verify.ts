// Whether what the till sold lies there: what fresh pictures, and a weight, say of one product. Pure.
import type { Product } from '../../recognition/types.js'
import type { Verdict } from '../consensus.js'
import { canWeigh } from './weigh.js'

export interface Verified {
  verdict: 'match' | 'mismatch' | 'cannotTell'
  /** Of the product that was asked about, 0..1; 0 where the pictures do not name it. */
  score: number
}

/** A product that the pictures give so much is believed although another is likelier. */
const likelyFrom = 0.25

/**
 * @param seen null where no picture shows anything
 * @param known whether a picture can name the product at all: else its absence says nothing
 */
export function verify(
  sku: string,
  seen: Pick<Verdict, 'decision' | 'candidates' | 'twins'> | null,
  {
    known,
    grams,
    product,
  }: { known: boolean; grams: number | null; product?: Product | undefined },
): Verified {
  const candidates = seen?.candidates ?? []
  const score = candidates.find(one => one.sku === sku)?.score ?? 0
  if (grams !== null && canWeigh(grams, product) === 'cannot') return { verdict: 'mismatch', score }
  if (!seen || seen.decision === 'unknown') return { verdict: 'cannotTell', score }
  const best = candidates[0]?.sku
  if (best === sku || seen.twins.includes(sku)) return { verdict: 'match', score }
  if (score >= likelyFrom || !known) return { verdict: 'cannotTell', score }
  return { verdict: seen.decision === 'sure' ? 'mismatch' : 'cannotTell', score }
}
