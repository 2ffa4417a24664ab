// When a shopper's answer may teach the gallery: the rules alone. What is kept, and where, stands in answers.ts. Pure.
import type { PriceOf } from '../recognition/catalogue.js'
import type { Decision } from '../recognition/types.js'
import type { GalleryEntry, GalleryProduct } from '../recognition/gallery/types.js'
import { dot } from '../vectors.js'

/** What a shopper said of one thing, while it waits for others to say the same. */
export interface ShopperAnswer extends GalleryProduct {
  id: string
  /** Wall clock, ms since 1970. */
  at: number
  /** The shop's date then, such as 2026-11-28. */
  day: string
  session: string
  /** SHA-256 of the kept picture, hex. */
  picture: string
  /** What was recognised, best first; the decision is that of the till's question. */
  decision: Decision
  candidates: { sku: string; name: string; score: number }[]
}

/**
 * Pictures whose embeddings are at least so alike (cosine) show the same thing: one that is farther from all that is enrolled
 * is named for certain by nothing (calibration.sureDistance of the embedder that ships, 0.324).
 */
export const alikeFrom = 0.68
const leastSessions = 5
const leastDays = 2
const leastAgreement = 0.9
/** Of a product's pictures, those that shoppers taught. */
const mostShare = 0.1

/** Why an answer waits, or never teaches; for people. */
export const whyNot = {
  sure: 'another product was recognised for certain',
  unseen: 'nothing was recognised that the price could be compared with',
  priceUnknown: 'a price is not known, or not for the same unit',
  cheaper: 'it is cheaper than what was recognised',
  sessions: `fewer than ${leastSessions} sessions say so`,
  days: `fewer than ${leastDays} days say so`,
  agreement: `less than ${leastAgreement * 100} % of the answers agree`,
  share: `shoppers would have taught more than ${mostShare * 100} % of its pictures`,
} as const
export type WhyNot = keyof typeof whyNot

/** Whether there is anything to learn: not where the product was recognised for certain. */
export const isNews = ({
  sku,
  decision,
  candidates,
}: Pick<ShopperAnswer, 'sku' | 'decision' | 'candidates'>) =>
  decision !== 'sure' || candidates[0]?.sku !== sku

/**
 * null: it may teach. Who answers alone is a single voice, so sessions are counted and not answers; who gains by an answer
 * is not heard at all, however many agree.
 * @param alike all kept answers of pictures that are like this one, with itself; whatever they say
 * @param entries of the gallery
 */
export function whyNotTaught(
  answer: ShopperAnswer,
  alike: readonly ShopperAnswer[],
  { priceOf, entries }: { priceOf: PriceOf; entries: readonly GalleryEntry[] },
): WhyNot | null {
  const { sku } = answer
  if (alike.some(one => one.decision === 'sure' && one.candidates[0]?.sku !== sku)) return 'sure'
  const price = whyPrice(sku, alike, priceOf)
  if (price) return price
  // A session has one voice for each product that it named.
  const voices = new Map(alike.map(one => [JSON.stringify([one.session, one.sku]), one]))
  const agreeing = [...voices.values()].filter(one => one.sku === sku)
  if (agreeing.length < leastSessions) return 'sessions'
  const days = new Set(alike.filter(one => one.sku === sku).map(({ day }) => day))
  if (days.size < leastDays) return 'days'
  if (agreeing.length < leastAgreement * voices.size) return 'agreement'
  const own = entries.filter(entry => entry.sku === sku)
  const byShoppers = own.filter(entry => entry.by === 'shopper').length
  return byShoppers + 1 > mostShare * (own.length + 1) ? 'share' : null
}

/** Against the best of every picture that shows the same: one picture that deceived the model must not lower the bar. */
function whyPrice(sku: string, alike: readonly ShopperAnswer[], priceOf: PriceOf): WhyNot | null {
  const chosen = priceOf(sku)
  const bests = alike.map(one => one.candidates[0]?.sku ?? null)
  if (bests.includes(null)) return 'unseen'
  for (const best of new Set(bests)) {
    const recognised = priceOf(best!)
    if (!chosen?.unit || recognised?.unit !== chosen.unit) return 'priceUnknown'
    if (chosen.price < recognised.price) return 'cheaper'
  }
  return null
}

/** Answers of pictures that are alike, this one with them. @param vectors of length 1 by picture; one without is not alike */
export function alikeTo(
  answer: ShopperAnswer,
  answers: readonly ShopperAnswer[],
  vectors: { get(picture: string): Float32Array | undefined },
): ShopperAnswer[] {
  const own = vectors.get(answer.picture)
  return answers.filter(one => {
    if (one.id === answer.id) return true
    const other = vectors.get(one.picture)
    return own && other && dot(own, other) >= alikeFrom
  })
}
