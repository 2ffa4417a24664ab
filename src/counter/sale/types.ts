// What a sale and what counts the things say to each other, and the words of the till. Types only.
import type { FrameObservations } from '../../recognition/types.js'
import type { Outcome } from '../counter.js'
import type { Moment } from '../state.js'
import type { Confirmation } from '../till-rules.js'
import type { BasketContent, Item, Reason } from '../types.js'
import type { Sold } from './lines.js'

/** A word of the till on <p>/pos, its product known. */
export interface PosWord {
  eventId: string
  session: string | null
  kind:
    | 'scanned'
    | 'added'
    | 'changed'
    | 'voided'
    | 'weighed'
    | 'payStarted'
    | 'paid'
    | 'attendantOn'
    | 'attendantOff'
  lineId: string | null
  itemId: string | null
  /** null where the word names none. */
  product: Sold | null
  pieces: number | null
  grams: number | null
}

/** What a checkout wants of what counts the things. */
export interface Counting {
  readonly items: Item[]
  readonly hidden: string[]
  readonly session: { id: string; suspended: boolean } | null
  see(frame: FrameObservations, at: number, leads: boolean): Outcome
  open(session: string, now: Moment): Outcome
  close(session: string, now: Moment): Outcome
  suspend(session: string, now: Moment): Outcome
  resume(session: string, now: Moment): Outcome
  confirm(confirmation: Confirmation, now: Moment): Outcome
  /** The item is this from now on. @param reason null: nobody is told; confirmed: whether a person's word holds against frames */
  revise(item: Item, confirmed: boolean, reason: Reason | null, now: Moment): Outcome
  loseSight(): void
  basket(at: number): BasketContent
  keep(): unknown
  restore(kept: unknown): void
}
