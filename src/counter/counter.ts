// One counter: holds the state of the table, answers the till's questions about it, and can be kept on disk.
import { z } from 'zod'
import { GroceryError } from '../errors.js'
import type { Box, FrameObservations, Observation } from '../recognition/types.js'
import type { Verdict } from './consensus.js'
import { isAbout } from './frames.js'
import type { ItemCounter, Meant, Outcome } from './item-counter.js'
import { step } from './single.js'
import {
  type CounterSettings,
  type CounterState,
  type Input,
  initialState,
  type Moment,
} from './state.js'
import { type Confirmation, expectOpen, freshMs, isNewConfirmation } from './till-rules.js'
import type { BasketContent, Item, Reason } from './types.js'

/** What is kept on disk with every event; a newer format is refused by whoever reads it. */
const keptFormat = 1
const keptSchema = z.object({
  format: z.literal(keptFormat),
  item: z.custom<Item>(value => typeof value === 'object').nullable(),
  announced: z.boolean(),
  confirmed: z.boolean(),
  presentAtOpen: z.boolean().default(false),
  session: z.object({ id: z.string(), suspended: z.boolean() }).nullable(),
})
export type KeptCounter = z.infer<typeof keptSchema>

const voterWhy = 'this camera only votes'

export class Counter implements ItemCounter {
  readonly #settings: CounterSettings
  #state: CounterState = initialState()

  constructor(settings: CounterSettings) {
    this.#settings = settings
  }

  get item(): Item | null {
    return this.#state.announced ? this.#state.item : null
  }

  /** The same as every counter says it: one at most. */
  get items(): Item[] {
    return this.item ? [this.item] : []
  }

  get hidden(): string[] {
    const isSeen = this.#state.phase === 'placed' && this.#state.lastAt !== null
    return isSeen ? [] : this.items.map(({ itemId }) => itemId)
  }

  get session(): CounterState['session'] {
    return this.#state.session
  }

  /**
   * A frame of a camera that looks at this counter.
   * @param at monotonic ms now; @param leads whether it is the camera that announces, or one that only votes
   */
  see(frame: FrameObservations, at: number, leads: boolean): Outcome {
    const { capturedAt, ageMs, camera, scene, look = null } = frame
    const moment: Moment = { at, capturedAt, ageMs, camera }
    const observation = frame.observations[0]
    // Of several things that another camera sees, nothing says which is meant.
    if (!leads && frame.observations.length > 1) return { actions: [], why: voterWhy }
    if (scene.view === 'object' && observation) {
      return this.#step({ ...moment, kind: leads ? 'object' : 'vote', observation, look })
    }
    if (!leads) return { actions: [], why: voterWhy }
    return this.#step({ ...moment, kind: scene.view === 'object' ? 'moving' : scene.view })
  }

  /** Opens a session; the same one again changes nothing, another one is closed first. */
  open(session: string, now: Moment): Outcome {
    const current = this.#state.session
    if (current?.id === session)
      return current.suspended ? this.resume(session, now) : { actions: [], why: null }
    // What was told of without a session ends there too, and is asked about in this one.
    const ends = current !== null || this.#state.announced
    const closed = ends
      ? this.#step({ ...now, kind: 'close', session: current?.id ?? '' })
      : { actions: [] }
    const opened = this.#step({ ...now, kind: 'open', session })
    return { ...opened, actions: [...closed.actions, ...opened.actions] }
  }

  /** Idempotent: a session that is not open is closed already. */
  close(session: string, now: Moment): Outcome {
    if (this.#state.session?.id !== session) return { actions: [], why: null }
    return this.#step({ ...now, kind: 'close', session })
  }

  /** Throws SESSION_CLOSED. */
  suspend(session: string, now: Moment): Outcome {
    this.expectSession(session)
    return this.#step({ ...now, kind: 'suspend', session })
  }

  /** Throws SESSION_CLOSED. */
  resume(session: string, now: Moment): Outcome {
    this.expectSession(session)
    return this.#step({ ...now, kind: 'resume', session })
  }

  /** Throws SESSION_CLOSED, ITEM_GONE, ALREADY_CONFIRMED; the same confirmation again changes nothing. */
  confirm(confirmation: Confirmation, now: Moment): Outcome {
    const { session, itemId, product, lineId, quantity } = confirmation
    if (session !== null || this.#settings.needSession) this.expectSession(session)
    const { item, announced, confirmed } = this.#state
    const known = item && announced && item.itemId === itemId ? { item, confirmed } : null
    if (!isNewConfirmation(known, confirmation)) return { actions: [], why: null }
    return this.#step({ ...now, kind: 'confirm', itemId, product, lineId, quantity })
  }

  /**
   * The item is this from now on, by a word of the till or a weight.
   * @param confirmed whether no frame may change what it is; reason null: nobody is told
   */
  revise(item: Item, confirmed: boolean, reason: Reason | null, now: Moment): Outcome {
    return this.#step({ ...now, kind: 'revise', item, confirmed, reason })
  }

  /** Throws SESSION_CLOSED unless this session is the open one. */
  expectSession(session: string | null): void {
    expectOpen(this.#state.session, session)
  }

  /**
   * What lies there. Complete only where it was just seen, for certain, and the till was told all of it.
   * @param at monotonic ms now
   */
  basket(at: number): BasketContent {
    const { announced, session, view, phase, lastAt } = this.#state
    const fresh = lastAt !== null && at - lastAt <= freshMs && !session?.suspended
    const certain =
      phase === 'empty' ? view === 'empty' : phase === 'placed' && announced && view === 'ok'
    return {
      session: session?.id ?? null,
      complete: fresh && certain,
      view,
      items: this.items,
    }
  }

  /** The item that a verdict from fresh pictures is about; null where they may show another thing. */
  itemOf(verdict: Verdict): Item | null {
    const { phase, item, announced } = this.#state
    return phase === 'placed' && announced && item && isAbout(item, verdict) ? item : null
  }

  /** One thing lies there. */
  meant(frames: Observation[][]): Meant {
    return { observations: frames.flatMap(one => one.slice(0, 1)), itemId: null, many: false }
  }

  placeOf(itemId: string): { box: Box | null } | null {
    const isSeen = this.#state.lastAt !== null && this.item?.itemId === itemId
    return isSeen ? { box: null } : null
  }

  /** No more frames come: what lies there is not seen, and must be seen again. */
  loseSight(): void {
    this.#state = { ...this.#state, lastAt: null }
  }

  anew(): void {
    const { announced, session, presentAtOpen, lastAt, view } = this.#state
    if (!announced) this.#state = { ...initialState(), session, presentAtOpen, lastAt, view }
  }

  keep(): KeptCounter {
    const { item, announced, confirmed, presentAtOpen, session } = this.#state
    return { format: keptFormat, item, announced, confirmed, presentAtOpen, session }
  }

  /** Takes up what keep() gave before a restart. Throws OUTBOX_INVALID for a newer format. */
  restore(text: unknown): void {
    const result = keptSchema.safeParse(text)
    if (!result.success) {
      throw new GroceryError(
        'OUTBOX_INVALID',
        `Expected the counter's state in format ${keptFormat} but received ${JSON.stringify((text as { format?: unknown })?.format)}`,
      )
    }
    const phase = result.data.item ? 'restored' : 'empty'
    const { format: _, ...kept } = result.data
    this.#state = { ...initialState(), ...kept, phase }
  }

  #step(input: Input): Outcome {
    const { state, actions, why } = step(this.#state, input, this.#settings)
    this.#state = state
    return { actions, why }
  }
}
