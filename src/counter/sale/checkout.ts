// A sale over a counter: what the till says of its session and lines, and the scale, meets what the pictures say. No I/O.
import { z } from 'zod'
import type { Box, FrameObservations, Observation, Product } from '../../recognition/types.js'
import type { Verdict } from '../consensus.js'
import type { ItemCounter, Meant, Outcome } from '../item-counter.js'
import type { Moment } from '../state.js'
import { type Confirmation, freshMs } from '../till-rules.js'
import type { BasketContent, Item, ItemAction, Reason } from '../types.js'
import { type Assist, initialAssist, mattersOf, step } from './assist.js'
import { Ledger, ledgerSchema } from './ledger.js'
import { isUnsold } from './lines.js'
import { Moves, movesSchema } from './moves.js'
import {
  initialScale,
  noiseGrams,
  placedOn,
  type Reading,
  read,
  takenOff,
  type Weighing,
} from './scale.js'
import type { PosWord } from './types.js'
import { weighed } from './weigh.js'

export interface CheckoutSettings {
  /** Without a word of the till for so long, its session is closed, ms. */
  orphanAfter: number
  /** Whether each piece is an item (a tray), or one item stands for all pieces (a scale). */
  pieceIsItem: boolean
  product(sku: string): Product | undefined
  newId(): string
}

/** Why a paused camera announces nothing. */
export const whyPaused = 'the camera is paused'
const nothing: Outcome = { actions: [], why: null }

const keptFormat = 'checkout-1'
const keptSchema = ledgerSchema.extend({
  format: z.literal(keptFormat),
  counter: z.unknown(),
  /** Of the last stable reading. */
  grams: z.number().nullable(),
  moves: movesSchema.default([]),
})

export class Checkout implements ItemCounter {
  readonly #counter: ItemCounter
  readonly #settings: CheckoutSettings
  readonly #ledger: Ledger
  readonly #moves: Moves
  #scale = initialScale()
  #assist = initialAssist()
  #lastWordAt = 0
  /** The till asked something since the last tick. */
  #isHeard = false
  #lastSightAt: number | null = null
  #isDark = false
  #isPaused = false

  constructor(counter: ItemCounter, settings: CheckoutSettings) {
    this.#counter = counter
    this.#settings = settings
    this.#ledger = new Ledger(counter, settings.pieceIsItem)
    this.#moves = new Moves(settings.pieceIsItem)
  }

  get items(): Item[] {
    return this.#counter.items
  }

  get hidden(): string[] {
    return this.#counter.hidden
  }

  get session(): ItemCounter['session'] {
    return this.#counter.session
  }

  /**
   * Somebody works at the counter: pictures and scale decide nothing until it goes on, and nobody is called. What lies there
   * stays as it was told, unseen; then it must be seen again. The till's own words go on.
   */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) this.loseSight()
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  see(frame: FrameObservations, at: number, leads: boolean): Outcome {
    if (this.#isPaused) return { actions: [], why: whyPaused }
    const { capturedAt, ageMs, camera } = frame
    if (leads) {
      this.#lastSightAt = at
      this.#isDark = frame.scene.view === 'dark'
      if (frame.scene.view === 'moving') this.#moves.moving(at)
    }
    const now = { at, capturedAt, ageMs, camera }
    const { actions, why } = this.#after(this.#counter.see(frame, at, leads), now)
    if (!leads || this.#counter.session?.suspended) return { actions, why }
    const wrong = this.#moves.wrong(this.#seen, at)
    this.#moves.saw(this.items, this.#seen, this.#scale.grams, at)
    return { actions: [...actions, ...this.#ledger.notMoved(wrong, now)], why }
  }

  loseSight(): void {
    this.#lastSightAt = null
    this.#moves.loseSight()
    this.#counter.loseSight()
  }

  anew(): void {
    this.#counter.anew()
  }

  open(session: string, now: Moment): Outcome {
    this.heard(now)
    if (this.#counter.session?.id !== session) this.#begin()
    return this.#after(this.#counter.open(session, now), now)
  }

  close(session: string, now: Moment): Outcome {
    this.heard(now)
    const isOpen = this.#counter.session?.id === session
    const outcome = this.#after(this.#counter.close(session, now), now)
    if (isOpen) this.#begin()
    return outcome
  }

  suspend(session: string, now: Moment): Outcome {
    this.heard(now)
    this.#moves.loseSight()
    return this.#counter.suspend(session, now)
  }

  resume(session: string, now: Moment): Outcome {
    this.heard(now)
    return this.#after(this.#counter.resume(session, now), now)
  }

  /** Throws as the counter does. */
  confirm(confirmation: Confirmation, now: Moment): Outcome {
    this.heard(now)
    const { actions, why } = this.#counter.confirm(confirmation, now)
    return { actions: [...actions, ...this.#ledger.confirmed(confirmation, now)], why }
  }

  /** Throws as the counter does. */
  expectSession(session: string | null): void {
    this.#counter.expectSession(session)
    this.#isHeard = true
  }

  revise(item: Item, confirmed: boolean, reason: Reason | null, now: Moment): Outcome {
    return this.#counter.revise(item, confirmed, reason, now)
  }

  basket(at: number): BasketContent {
    return this.#counter.basket(at)
  }

  meant(frames: Observation[][]): Meant {
    return this.#counter.meant(frames)
  }

  itemOf(verdict: Verdict, itemId?: string | null): Item | null {
    return this.#counter.itemOf(verdict, itemId)
  }

  placeOf(itemId: string): { box: Box | null } | null {
    return this.#counter.placeOf(itemId)
  }

  /** The till is there. */
  heard({ at }: Pick<Moment, 'at'>): void {
    this.#lastWordAt = at
  }

  /** What the till does, in its own words; of another session, or said before, it does nothing. */
  pos(word: PosWord, now: Moment): Outcome {
    const open = this.#counter.session?.id ?? null
    if ((word.session ?? open) !== open) return { actions: [], why: 'the word of another session' }
    this.heard(now)
    // A weight of no line is the scale's.
    if (word.kind === 'weighed' && word.lineId === null)
      return word.grams === null ? nothing : this.weigh({ grams: word.grams, state: 'stable' }, now)
    return this.#ledger.take(word, now)
  }

  /** A reading of the scale under the whole counter. */
  weigh(reading: Reading, now: Moment): Outcome {
    const before = this.#scale.grams ?? 0
    // A hand on the scale, or a lamp: only what it weighs now is known.
    const weighing = read(this.#scale, reading, now.at)
    if (this.#isPaused) {
      this.#scale = { ...weighing.state, waiting: null }
      return nothing
    }
    const change = (weighing.state.grams ?? 0) - before
    const freed = Math.abs(change) >= noiseGrams ? this.#ledger.loadChanged(change, now) : []
    const isStable = reading.state === 'stable' || reading.state === 'zero'
    const wrong = isStable ? this.#moves.weighed(weighing.state.grams ?? 0, now.at) : []
    freed.push(...this.#ledger.notMoved(wrong, now))
    const { actions, why } = this.#take(this.#ofOne(weighing, before), now)
    return { actions: [...freed, ...actions], why }
  }

  /** The pictures say that a line is not what lies there, or do not say so any more. */
  mismatch(lineId: string, isOne: boolean): void {
    this.#ledger.mismatch(lineId, isOne)
  }

  /** To be asked about once a second: a session that its till left, and what an attendant should see to. */
  tick(now: Moment): Outcome & { assists: Assist[] } {
    if (this.#isHeard) this.heard(now)
    this.#isHeard = false
    const session = this.#counter.session
    const isOrphan = session !== null && now.at - this.#lastWordAt >= this.#settings.orphanAfter
    const outcome = isOrphan ? this.close(session.id, now) : nothing
    const { state, said } = step(
      this.#assist,
      mattersOf(this.#situation(now.at)),
      { at: now.at, wall: now.capturedAt },
      this.#settings.newId,
    )
    this.#assist = state
    return { ...outcome, assists: said }
  }

  keep(): unknown {
    const counter = this.#counter.keep()
    const moves = this.#moves.keep()
    return { format: keptFormat, counter, grams: this.#scale.grams, moves, ...this.#ledger.keep() }
  }

  restore(kept: unknown): void {
    this.takeUp(kept, 0, inner => {
      this.#counter.restore(inner)
      return []
    })
  }

  /**
   * Also what a counter alone kept before there was a sale.
   * @param at monotonic ms now; restore takes up what the counter itself kept, and says what the till must be told
   */
  takeUp(kept: unknown, at: number, restore: (kept: unknown) => ItemAction[]): ItemAction[] {
    this.#lastWordAt = at
    const result = keptSchema.safeParse(kept)
    if (!result.success) return restore(kept)
    this.#ledger.restore(result.data, at)
    this.#moves.restore(result.data.moves, at)
    this.#scale = { ...initialScale(), grams: result.data.grams }
    return restore(result.data.counter)
  }

  #begin(): void {
    this.#ledger.begin()
    this.#moves.begin()
  }

  /** What is seen now. */
  get #seen(): Item[] {
    const { items, hidden } = this.#counter
    return items.filter(({ itemId }) => !hidden.includes(itemId))
  }

  #situation(at: number) {
    const { items, hidden, session } = this.#counter
    return {
      isOpen: session !== null && !session.suspended && !this.#ledger.attendant && !this.#isPaused,
      items,
      hidden,
      view: this.#counter.basket(at).view,
      isPaid: this.#ledger.isPaid,
      sees: this.#lastSightAt !== null && at - this.#lastSightAt <= freshMs && !this.#isDark,
      mismatched: this.#ledger.mismatched,
    }
  }

  /** What the pictures made happen, with what the till and the scale said of it before. */
  #after({ actions, why }: Outcome, now: Moment): Outcome {
    const all: ItemAction[] = []
    for (const action of actions) {
      if (action.action === 'removed') {
        this.#ledger.went(action.item)
        this.#moves.went(action.item, now.at)
        this.#scale = takenOff(this.#scale)
        all.push(action)
      } else if (action.action === 'placed') all.push(...this.#came(action, now))
      else all.push(action, ...this.#ledger.renamed(action.item, now))
    }
    return { actions: all, why }
  }

  /** What was sold before it came into view is told as sold: it is never offered. */
  #came(action: ItemAction, now: Moment): ItemAction[] {
    const { item: told, freed } = this.#ledger.came(action.item, now)
    let item = told
    if (isUnsold(item)) {
      const from = this.#moves.came(item, this.#seen, this.#scale.grams, now.at)
      if (from) item = this.#ledger.moved(from, item)
    }
    const { state, of } = placedOn(this.#scale, item.itemId, now.at)
    this.#scale = state
    if (of) item = this.#heavy(item, of.grams, now)
    if (item === action.item) return [action]
    this.#counter.revise(item, item.disposition === 'sold', null, now)
    return [...freed, { ...action, item }]
  }

  /** Where one item stands for all pieces, what comes to it or goes from it while it lies there is of it. */
  #ofOne(weighing: Weighing, before: number): Weighing {
    const { state, of } = weighing
    const { items, hidden } = this.#counter
    const [item] = items
    const isSeen = !this.#settings.pieceIsItem && hidden.length === 0
    if (of || !isSeen || !item?.weight) return weighing
    const change = (state.grams ?? 0) - before
    const grams = item.weight.grams + change
    if (Math.abs(change) < noiseGrams || grams < noiseGrams) return weighing
    return { state: { ...state, waiting: null }, of: { itemId: item.itemId, grams } }
  }

  #take({ state, of }: Weighing, now: Moment): Outcome {
    this.#scale = state
    const item = this.#counter.items.find(one => one.itemId === of?.itemId)
    if (!of || !item) return nothing
    const heavy = this.#heavy(item, of.grams, now)
    const renamed = heavy.sku !== item.sku || heavy.decision !== item.decision
    const recounted = heavy.quantity.value !== item.quantity.value
    const reason = renamed ? 'identity' : recounted ? 'quantity' : null
    return this.#counter.revise(heavy, heavy.disposition === 'sold', reason, now)
  }

  #heavy(item: Item, grams: number, { capturedAt }: Moment): Item {
    const at = new Date(capturedAt).toISOString()
    return weighed(item, { grams, at }, sku => this.#settings.product(sku))
  }
}
