// What is sold, is moved or lifted and laid down again, and is called otherwise there: the scale tells that it is the same thing. Pure.
import { z } from 'zod'
import { iouOf } from '../../boxes.js'
import type { Item } from '../types.js'
import { noiseGrams, weighsWithin } from './scale.js'

/** What left the scale and comes back so long after it was last seen may be the same, ms. */
const liftsWithin = 4000
/** Two boxes of one place overlap by so much. */
const onePlace = 0.5
/** Two readings of one load differ by no more, grams. */
const sameGrams = 2 * noiseGrams

interface Sight {
  item: Item
  /** Monotonic ms when it was last seen, and what the scale said then. */
  at: number
  grams: number
  /** It was weighed without it since. */
  isLifted: boolean
  /** Monotonic ms when the till was told that it went; null: it was not. */
  goneAt: number | null
}

const heldItem = z.custom<Item>(value => typeof (value as Item | null)?.itemId === 'string')
/** A thing that was taken for a sold one, as it was before. */
const move = z.object({
  was: heldItem,
  /** Id of the sold thing, and what the scale said when that was last seen. */
  from: z.string(),
  grams: z.number(),
  /** A reading said that the load is the same. */
  isWeighed: z.boolean(),
})
export const movesSchema = z.array(move)
export type Move = z.infer<typeof move>

/**
 * Whether what came may be what lay elsewhere, by its look. Sure of what that one never looked like, it is not; else they
 * look like one product at least, or nobody knows either.
 */
export function looksLike(came: Item, before: Item): boolean {
  const looks = (item: Item) => new Set(item.alternatives.map(({ sku }) => sku))
  const [now, then] = [looks(came), looks(before)]
  const { sku } = before
  if (sku !== null && came.sku === sku) return true
  if (came.decision === 'sure') return then.has(came.sku!)
  if (now.has(sku!) || [...now].some(one => then.has(one))) return true
  // What the pictures do not know is called anything.
  return came.decision === 'unknown' && (sku === null || !then.has(sku))
}

export class Moves {
  readonly #mayLift: boolean
  /** Where things were last seen, by their id. */
  readonly #sights = new Map<string, Sight>()
  #moves: (Move & { at: number })[] = []
  /** Monotonic ms: the newest stable reading; the newest picture that moved. */
  #weighedAt = Number.NEGATIVE_INFINITY
  #movedAt = Number.NEGATIVE_INFINITY
  /** Of the newest picture. */
  #sawAt = Number.NEGATIVE_INFINITY

  /** @param mayLift whether what left the scale may come back: where one thing after another is weighed, that is the next one */
  constructor(mayLift: boolean) {
    this.#mayLift = mayLift
  }

  begin(): void {
    this.#sights.clear()
    this.#moves = []
  }

  /** Anything may be done there meanwhile: what was seen before says nothing of what comes. */
  loseSight(): void {
    this.#sights.clear()
  }

  /** The picture moves: what is weighed before it is still again may not be what lies there then. */
  moving(at: number): void {
    this.#movedAt = at
  }

  /** @param grams of the last stable reading; null: nobody weighs */
  saw(items: readonly Item[], seen: readonly Item[], grams: number | null, at: number): void {
    this.#sawAt = at
    if (grams === null) return
    for (const item of seen)
      this.#sights.set(item.itemId, { item, at, grams, isLifted: false, goneAt: null })
    // What is hidden may be sold meanwhile.
    for (const item of items) {
      const sight = this.#sights.get(item.itemId)
      if (sight) sight.item = item
    }
    // What left the scale is soon back, or is another thing.
    for (const [itemId, sight] of this.#sights)
      if (sight.isLifted && at - sight.at > liftsWithin) this.#sights.delete(itemId)
  }

  went({ itemId }: Item, at: number): void {
    const sight = this.#sights.get(itemId)
    if (sight) sight.goneAt = at
  }

  /**
   * The sold thing that what came may be: it is not seen any more, and the load is what it was, or not yet weighed. Where it
   * may as well be one that is not sold, it is that one, or a new one.
   * @param seen what is seen now
   */
  came(item: Item, seen: readonly Item[], grams: number | null, at: number): Item | null {
    const lost = [...this.#sights.values()].filter(
      one => !seen.some(({ itemId }) => itemId === one.item.itemId) && looksLike(item, one.item),
    )
    const [best] = lost
      .filter(one => !this.#isChanged(one, grams))
      // What was lifted and told gone before is back only where the scale says so already.
      .filter(one => !one.isLifted || (one.goneAt ?? at) === at || this.#isWeighedSince(one.at))
      // Where one thing after another is weighed, the next one may have come before the scale says so.
      .filter(one => this.#mayLift || (!one.isLifted && isCalledSo(item, one.item)))
      .sort((a, b) => Number(isCalled(item, b.item)) - Number(isCalled(item, a.item)))
    if (!best || lost.some(one => one.item.disposition !== 'sold')) return null
    const { itemId: from } = best.item
    this.#sights.delete(from)
    const isWeighed = this.#isWeighedSince(best.at)
    this.#moves.push({ was: item, from, grams: best.grams, isWeighed, at })
    return best.item
  }

  /** A stable reading. @returns what was taken for a sold thing, and cannot be: the load is another */
  weighed(grams: number, at: number): Move[] {
    this.#weighedAt = at
    for (const sight of this.#sights.values()) {
      // What the newest picture shows is in the load, and its own weight may be told after it.
      if (sight.at === this.#sawAt) sight.grams = grams
      else if (Math.abs(grams - sight.grams) > sameGrams) sight.isLifted = true
    }
    const open = this.#moves.filter(one => !one.isWeighed)
    const wrong = open.filter(one => Math.abs(grams - one.grams) > sameGrams)
    this.#moves = this.#moves.filter(one => !wrong.includes(one))
    for (const one of open) one.isWeighed = true
    return wrong
  }

  /**
   * A scale that says nothing says that nothing changed: it would have by now.
   * @returns what was taken for a sold thing that is seen again, elsewhere
   */
  wrong(seen: readonly Item[], at: number): Move[] {
    for (const one of this.#moves) one.isWeighed ||= at - one.at > weighsWithin
    const isOther = ({ was, from }: Move) => {
      const [now, then] = [was.itemId, from].map(id => seen.find(one => one.itemId === id))
      return now && then && iouOf(now.box, then.box) < onePlace
    }
    const wrong = this.#moves.filter(isOther)
    this.#moves = this.#moves.filter(one => !wrong.includes(one))
    return wrong
  }

  keep(): Move[] {
    return this.#moves.map(({ at: _, ...kept }) => kept)
  }

  /** @param at monotonic ms now */
  restore(moves: readonly Move[], at: number): void {
    this.#moves = moves.map(one => ({ ...one, at }))
  }

  #isWeighedSince(at: number): boolean {
    return this.#weighedAt >= Math.max(at, this.#movedAt)
  }

  #isChanged({ at, grams: before }: Sight, grams: number | null): boolean {
    return this.#isWeighedSince(at) && Math.abs(grams! - before) > sameGrams
  }
}

const isCalled = (item: Item, { sku }: Item) => item.alternatives[0]?.sku === sku

const isCalledSo = (item: Item, before: Item) =>
  isCalled(item, before) || item.alternatives[0]?.sku === before.alternatives[0]?.sku
