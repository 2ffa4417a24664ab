// The till's lines of the open session, and what each of its words makes of the things on the counter. No I/O.
import { z } from 'zod'
import type { ItemCounter, Outcome } from '../item-counter.js'
import type { Moment } from '../state.js'
import type { Confirmation } from '../till-rules.js'
import type { Item, ItemAction } from '../types.js'
import { say, type Said, type Word } from './dispositions.js'
import {
  crossesWithin,
  isBetter,
  isSame,
  isUnsold,
  itemFor,
  type Line,
  lineFor,
  type Sold,
  wantsMore,
} from './lines.js'
import type { Move } from './moves.js'
import { weighsWithin } from './scale.js'
import type { PosWord } from './types.js'

/** Words of one session that are remembered, so that one that comes twice does nothing twice. */
const mostWords = 2000
/** A change of the load by a line's own weight, give or take so much of it, is the thing itself, told of late. */
const ownShare = 0.05
const nothing: Outcome = { actions: [], why: null }

const line = z.object({
  lineId: z.string(),
  product: z.custom<Sold>(value => typeof (value as Sold | null)?.sku === 'string'),
  pieces: z.number().nullable(),
  grams: z.number().nullable(),
  itemIds: z.array(z.string()),
  guess: z
    .custom<Item>(value => typeof (value as Item | null)?.itemId === 'string')
    .nullable()
    .default(null),
})
export const ledgerSchema = z.object({
  lines: z.array(line),
  words: z.array(z.string()),
  isPaid: z.boolean(),
  attendant: z.boolean(),
})

export class Ledger {
  readonly #counter: Pick<ItemCounter, 'items' | 'revise'>
  readonly #pieceIsItem: boolean
  #lines: Line[] = []
  #words = new Set<string>()
  /** Monotonic ms when each item came. */
  readonly #cameAt = new Map<string, number>()
  /** Lines that the pictures say are not what lies there, by their id. */
  readonly #mismatched = new Set<string>()
  /** The scale has said something in this sale. */
  #isWeighing = false
  isPaid = false
  /** An attendant stands there: nobody need be called. */
  attendant = false

  /** @param pieceIsItem whether each piece is an item (a tray), or one item stands for all pieces (a scale) */
  constructor(counter: Pick<ItemCounter, 'items' | 'revise'>, pieceIsItem: boolean) {
    this.#counter = counter
    this.#pieceIsItem = pieceIsItem
  }

  /** Items that were sold as something else than what lies there; null: nothing of the line lies there. */
  get mismatched(): (string | null)[] {
    return [...this.#mismatched].map(
      lineId => this.#lines.find(one => one.lineId === lineId)?.itemIds[0] ?? null,
    )
  }

  /** Another sale. */
  begin(): void {
    this.#lines = []
    this.#isWeighing = false
    this.#words.clear()
    this.#mismatched.clear()
    this.isPaid = false
    this.attendant = false
  }

  /** What the till does; said before, it does nothing. */
  take(word: PosWord, now: Moment): Outcome {
    if (this.#words.has(word.eventId)) return nothing
    this.#remember(word.eventId)
    switch (word.kind) {
      case 'scanned':
      case 'added':
      case 'changed':
      case 'weighed':
        return this.#sells(word, now)
      case 'voided':
        return this.#voids(word, now)
      case 'payStarted':
        return nothing
      case 'paid':
        this.isPaid = true
        return nothing
      case 'attendantOn':
      case 'attendantOff':
        this.attendant = word.kind === 'attendantOn'
        return nothing
    }
  }

  /** A line that confirms an item has sold it: no later word of that line sells another. */
  confirmed({ lineId, itemId, product, quantity }: Confirmation, now: Moment): ItemAction[] {
    if (lineId === null) return []
    const known = this.#lines.find(one => one.lineId === lineId)
    if (!known) {
      const itemIds = [itemId]
      const line = { lineId, product, pieces: quantity, grams: null, at: now.at }
      this.#lines.push({ ...line, itemIds, guess: null })
      return []
    }
    if (known.itemIds.includes(itemId)) return []
    if (known.guess && !wantsMore(known)) {
      const freed = this.#free(known, now)
      known.itemIds.push(itemId)
      return freed
    }
    // The line's own word came first and was about an equal thing, as far as anybody could tell.
    const guess = wantsMore(known) ? undefined : known.itemIds.shift()
    known.itemIds.push(itemId)
    const other = this.#counter.items.find(one => one.itemId === guess)
    if (!other) return []
    const free: Item = { ...other, disposition: 'open', lineId: null }
    return this.#counter.revise(free, false, 'bound', now).actions
  }

  /** A thing came into view: sold, where a line waits for it; and what became of another by that. */
  came(item: Item, now: Moment): { item: Item; freed: ItemAction[] } {
    this.#cameAt.set(item.itemId, now.at)
    const { sold, freed } = this.#claim(item, now)
    return { item: (sold && say('bound', item, this.#said(sold))?.item) || item, freed }
  }

  /** A thing that got another name may be what a line waits for. */
  renamed(item: Item, now: Moment): ItemAction[] {
    const { sold, freed } = this.#claim(item, now)
    return sold ? [...freed, ...this.#word('bound', item, sold, now)] : []
  }

  /** What came is a thing that a line sold before: it is sold by that line. */
  moved(from: Item, item: Item): Item {
    const line = this.#lines.find(one => one.itemIds.includes(from.itemId))
    if (!line) return item
    line.itemIds = line.itemIds.map(one => (one === from.itemId ? item.itemId : one))
    return say('bound', item, this.#said(line))?.item ?? item
  }

  /** It was not: it is what it was called when it came, and for sale. */
  notMoved(moves: readonly Move[], now: Moment): ItemAction[] {
    return moves.flatMap(({ was, from }) => {
      const line = this.#lines.find(one => one.itemIds.includes(was.itemId))
      const freed = line && this.#asBefore(was, line, now)
      if (freed) line.itemIds = line.itemIds.map(one => (one === was.itemId ? from : one))
      return freed ?? []
    })
  }

  /**
   * What was weighed lay there then: what comes to a line's weight, or after it went, is another thing; so is what was just
   * taken for it.
   * @param grams what came, or went
   */
  loadChanged(grams: number, now: Moment): ItemAction[] {
    this.#isWeighing = true
    return this.#lines.flatMap(line => {
      const isOwn = Math.abs(grams - (line.grams ?? 0)) <= ownShare * (line.grams ?? 0)
      if (line.grams === null || isOwn) return []
      line.at = Number.NEGATIVE_INFINITY
      line.lies = false
      const isLate = now.at - (line.guessedAt ?? Number.NEGATIVE_INFINITY) > weighsWithin
      return isLate ? [] : this.#free(line, now)
    })
  }

  went({ itemId }: Item): void {
    this.#cameAt.delete(itemId)
  }

  /** The pictures say that a line is not what lies there, or do not say so any more. */
  mismatch(lineId: string, isOne: boolean): void {
    if (isOne) this.#mismatched.add(lineId)
    else this.#mismatched.delete(lineId)
  }

  keep(): z.infer<typeof ledgerSchema> {
    const lines = this.#lines.map(({ at: _, guessedAt: __, lies: ___, ...kept }) => kept)
    return { lines, words: [...this.#words], isPaid: this.isPaid, attendant: this.attendant }
  }

  /** What was scanned just before the end may cross the camera just after it. @param at monotonic ms now */
  restore({ lines, words, isPaid, attendant }: z.infer<typeof ledgerSchema>, at: number): void {
    this.#lines = lines.map(one => ({ ...one, at }))
    this.#words = new Set(words)
    this.isPaid = isPaid
    this.attendant = attendant
  }

  #remember(eventId: string): void {
    this.#words.add(eventId)
    if (this.#words.size > mostWords) this.#words.delete(this.#words.values().next().value!)
  }

  #claim(item: Item, now: Moment): { sold: Line | null; freed: ItemAction[] } {
    if (!isUnsold(item)) return { sold: null, freed: [] }
    const waiting = lineFor(item, this.#lines, now.at)
    const sold = waiting ?? this.#lines.find(one => isBetter(item, one, now.at)) ?? null
    const freed = sold && !waiting ? this.#free(sold, now) : []
    sold?.itemIds.push(item.itemId)
    if (sold && sold.grams !== null) Object.assign(sold, { guess: item, guessedAt: now.at })
    return { sold, freed }
  }

  /** What a line was guessed to be about is what it was before, and for sale. */
  #free(line: Line, now: Moment): ItemAction[] {
    const { guess } = line
    line.guess = null
    line.itemIds = line.itemIds.filter(one => one !== guess?.itemId)
    return (guess && this.#asBefore(guess, line, now)) ?? []
  }

  /** A thing that a line sold is what it was before, where it lies now; null: it is not here, or not this line's. */
  #asBefore(was: Item, line: Line, now: Moment): ItemAction[] | null {
    const item = this.#counter.items.find(one => one.itemId === was.itemId)
    if (item?.lineId !== line.lineId) return null
    const { box, weight } = item
    return this.#counter.revise({ ...was, box, weight }, false, 'bound', now).actions
  }

  #sells({ eventId, kind, lineId, product, pieces, grams }: PosWord, now: Moment): Outcome {
    const id = lineId ?? eventId
    const known = this.#lines.find(one => one.lineId === id)
    if (known) return this.#changes(known, { product, pieces, grams }, now)
    if (!product || kind === 'changed')
      return { actions: [], why: 'the word of a line that is not known' }
    const sold: Line = {
      ...{ lineId: id, product, pieces, grams, at: now.at, itemIds: [], guess: null },
      lies: grams !== null && this.#isWeighing,
    }
    this.#lines.push(sold)
    this.isPaid = false
    return { actions: this.#binds(sold, now), why: null }
  }

  #binds(sold: Line, now: Moment): ItemAction[] {
    const actions: ItemAction[] = []
    const isRecent = (id: string) => now.at - (this.#cameAt.get(id) ?? 0) <= crossesWithin
    while (wantsMore(sold)) {
      const item = itemFor(sold.product, this.#counter.items, isRecent)
      if (!item) break
      sold.itemIds.push(item.itemId)
      if (!isSame(item, sold.product)) sold.guess = item
      actions.push(...this.#word('bound', item, sold, now))
      if (!this.#pieceIsItem) break
    }
    return actions
  }

  #changes(
    sold: Line,
    { product, pieces, grams }: Pick<PosWord, 'product' | 'pieces' | 'grams'>,
    now: Moment,
  ): Outcome {
    const actions: ItemAction[] = []
    sold.pieces = pieces ?? sold.pieces
    sold.grams = grams ?? sold.grams
    this.#mismatched.delete(sold.lineId)
    if (product && product.sku !== sold.product.sku) {
      actions.push(...this.#ofLine('voided', sold, now))
      Object.assign(sold, { product, itemIds: [], at: now.at, guess: null })
    } else actions.push(...this.#ofLine(grams === null ? 'changed' : 'weighed', sold, now))
    return { actions: [...actions, ...this.#binds(sold, now)], why: null }
  }

  #voids({ lineId, itemId }: PosWord, now: Moment): Outcome {
    const sold = this.#lines.find(one => one.lineId === lineId)
    if (sold) {
      const actions = this.#ofLine('voided', sold, now)
      this.#lines = this.#lines.filter(one => one !== sold)
      this.#mismatched.delete(sold.lineId)
      return { actions, why: null }
    }
    const item = this.#counter.items.find(one => one.itemId === itemId)
    return { actions: item ? this.#word('dismissed', item, null, now) : [], why: null }
  }

  #ofLine(word: Word, sold: Line, now: Moment): ItemAction[] {
    const items = this.#counter.items.filter(one => sold.itemIds.includes(one.itemId))
    return items.flatMap(item => this.#word(word, item, sold, now))
  }

  #word(word: Word, item: Item, sold: Line | null, now: Moment): ItemAction[] {
    const said = sold
      ? this.#said(sold)
      : { product: item as Sold, lineId: null, pieces: null, grams: null }
    const changed = say(word, item, said)
    if (!changed) return []
    const holds = changed.item.disposition === 'sold'
    return this.#counter.revise(changed.item, holds, changed.reason, now).actions
  }

  #said({ product, lineId, pieces, grams }: Line): Said {
    const each = this.#pieceIsItem && pieces !== null ? 1 : pieces
    return { product, lineId, pieces: each, grams }
  }
}
