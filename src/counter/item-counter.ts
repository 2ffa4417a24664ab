// What every counter answers, whether it counts one thing or several: all that the daemon and its desks know of one. Types only.
import type { Box, FrameObservations, Observation } from '../recognition/types.js'
import type { Verdict } from './consensus.js'
import type { Moment, Session } from './state.js'
import type { Confirmation } from './till-rules.js'
import type { BasketContent, Item, ItemAction, Reason } from './types.js'

/** What a step gave: actions to publish in order, and why none is. */
export interface Outcome {
  actions: ItemAction[]
  why: string | null
}

/** What of some frames a till means that asks without naming an item. */
export interface Meant {
  /** At most one observation a frame, oldest first. */
  observations: Observation[]
  /** The item that they are of; null where only the verdict can say. */
  itemId: string | null
  /** Several things may be meant; the observations are of the one that was placed last. */
  many: boolean
}

export interface ItemCounter {
  /** What the till was told of and not told gone, oldest first. */
  readonly items: Item[]
  /** Ids of those that are not seen now. */
  readonly hidden: string[]
  readonly session: Session | null
  /** @param at monotonic ms now; @param leads whether the camera announces, or only votes */
  see(frame: FrameObservations, at: number, leads: boolean): Outcome
  open(session: string, now: Moment): Outcome
  close(session: string, now: Moment): Outcome
  /** Throws SESSION_CLOSED. */
  suspend(session: string, now: Moment): Outcome
  /** Throws SESSION_CLOSED. */
  resume(session: string, now: Moment): Outcome
  /** Throws SESSION_CLOSED, ITEM_GONE, ALREADY_CONFIRMED. */
  confirm(confirmation: Confirmation, now: Moment): Outcome
  /**
   * The item is this from now on, by a word of the till or a weight.
   * @param confirmed whether no frame may change what it is; reason null: nobody is told
   */
  revise(item: Item, confirmed: boolean, reason: Reason | null, now: Moment): Outcome
  /** Throws SESSION_CLOSED unless this session is the open one. */
  expectSession(session: string | null): void
  /** @param at monotonic ms now */
  basket(at: number): BasketContent
  meant(frames: Observation[][]): Meant
  /** The item that a verdict is about, only this one where it is named; null where none, or more than one, may be. */
  itemOf(verdict: Verdict, itemId?: string | null): Item | null
  /** Where an item is seen now, box null: all of the camera's roi is of it. null: it is not seen, or not there. */
  placeOf(itemId: string): { box: Box | null } | null
  loseSight(): void
  /** Another model or catalogue answers: what lies there and was not told of is recognised anew, what was told of stays. */
  anew(): void
  /** What restore() of the same counter takes. */
  keep(): unknown
  /** Throws OUTBOX_INVALID for what another counter kept. */
  restore(kept: unknown): void
}
