// The counter in tray mode: several things at once, each an item of its own. The same questions and answers as Counter.
import { z } from 'zod'
import { GroceryError } from '../../errors.js'
import type { Box, FrameObservations, Observation } from '../../recognition/types.js'
import type { Verdict } from '../consensus.js'
import { isAbout } from '../frames.js'
import type { ItemCounter, Meant, Outcome } from '../item-counter.js'
import type { CounterSettings, Moment, Session } from '../state.js'
import { type Confirmation, expectOpen, freshMs, isNewConfirmation } from '../till-rules.js'
import type { BasketContent, Item, Reason } from '../types.js'
import { hear } from './hear.js'
import { meantOn } from './meant.js'
import { isSeen, see, type TrayResult } from './see.js'
import { close, confirm, open, resume, revise, suspend } from './till.js'
import {
  initialTray,
  isKnown,
  type KnownTrack,
  restoredTrack,
  trayRules,
  type TraySettings,
  type TrayState,
} from './track.js'

/** What is kept on disk with every event; a newer format, or one of another mode, is refused by whoever reads it. */
const keptFormat = 'tray-1'
const keptSchema = z.object({
  format: z.literal(keptFormat),
  items: z.array(
    z.object({
      item: z.custom<Item>(
        value => typeof (value as { itemId?: unknown } | null)?.itemId === 'string',
      ),
      announced: z.boolean(),
      confirmed: z.boolean(),
      presentAtOpen: z.boolean(),
    }),
  ),
  session: z.object({ id: z.string(), suspended: z.boolean() }).nullable(),
})
export type KeptTray = z.infer<typeof keptSchema>

export class TrayCounter implements ItemCounter {
  readonly #settings: TraySettings
  #state: TrayState = initialTray()

  /** The counter's own settings, and any rule of the tray that is to be another. */
  constructor(settings: CounterSettings & Partial<TraySettings>) {
    this.#settings = { ...trayRules, ...settings }
  }

  /** What the till was told of and not told gone, hidden or not, oldest first. */
  get items(): Item[] {
    return this.#announced().map(({ item }) => item)
  }

  /** Ids of the items that are not seen now: something lies over them, or they are being moved. */
  get hidden(): string[] {
    return this.#announced()
      .filter(track => !isSeen(track))
      .map(({ item }) => item.itemId)
  }

  get session(): Session | null {
    return this.#state.session
  }

  /**
   * A frame of a camera that looks at this tray; of several cameras one announces, the others vote on what is new.
   * @param at monotonic ms now
   */
  see(frame: FrameObservations, at: number, leads: boolean): Outcome {
    if (!leads) {
      this.#state = hear(this.#state, frame, this.#settings)
      return { actions: [], why: 'this camera only votes' }
    }
    return this.#take(see(this.#state, frame, at, this.#settings))
  }

  /** Opens a session; the same one again changes nothing, another one is closed first. */
  open(session: string, now: Moment): Outcome {
    const current = this.#state.session
    if (current?.id === session)
      return current.suspended ? this.resume(session, now) : { actions: [], why: null }
    // What was told of without a session ends there too, and is asked about in this one.
    const ends = current !== null || this.#announced().length > 0
    const closed = ends ? this.#take(close(this.#state, now, this.#settings)).actions : []
    const opened = this.#take(open(this.#state, session, now, this.#settings))
    return { ...opened, actions: [...closed, ...opened.actions] }
  }

  /** Idempotent: a session that is not open is closed already. */
  close(session: string, now: Moment): Outcome {
    if (this.#state.session?.id !== session) return { actions: [], why: null }
    return this.#take(close(this.#state, now, this.#settings))
  }

  /** Throws SESSION_CLOSED. */
  suspend(session: string, _now: Moment): Outcome {
    this.expectSession(session)
    return this.#take(suspend(this.#state))
  }

  /** Throws SESSION_CLOSED. */
  resume(session: string, now: Moment): Outcome {
    this.expectSession(session)
    return this.#take(resume(this.#state, now))
  }

  /** Throws SESSION_CLOSED, ITEM_GONE, ALREADY_CONFIRMED; the same confirmation again changes nothing. */
  confirm(confirmation: Confirmation, now: Moment): Outcome {
    const { session, itemId } = confirmation
    if (session !== null || this.#settings.needSession) this.expectSession(session)
    const track = this.#announced().find(({ item }) => item.itemId === itemId) ?? null
    if (!isNewConfirmation(track, confirmation)) return { actions: [], why: null }
    return this.#take(confirm(this.#state, confirmation, now))
  }

  /**
   * The item is this from now on, by a word of the till or a weight.
   * @param confirmed whether no frame may change what it is; reason null: nobody is told
   */
  revise(item: Item, confirmed: boolean, reason: Reason | null, now: Moment): Outcome {
    return this.#take(revise(this.#state, item, confirmed, reason, now))
  }

  /** Throws SESSION_CLOSED unless this session is the open one. */
  expectSession(session: string | null): void {
    expectOpen(this.#state.session, session)
  }

  /**
   * What lies there. Complete only where all of it was just seen, for certain, and the till was told all of it.
   * @param at monotonic ms now
   */
  basket(at: number): BasketContent {
    const { tracks, session, view, lastAt } = this.#state
    const fresh = lastAt !== null && at - lastAt <= freshMs && !session?.suspended
    const certain =
      (view === 'ok' || view === 'empty') && tracks.every(track => track.announced && isSeen(track))
    return { session: session?.id ?? null, complete: fresh && certain, view, items: this.items }
  }

  /** The item that a verdict from fresh pictures is about; null where none, or more than one, may be meant. */
  itemOf(verdict: Verdict, itemId: string | null = null): Item | null {
    const meant = this.#announced().filter(
      track =>
        isSeen(track) &&
        isAbout(track.item, verdict) &&
        (itemId === null || track.item.itemId === itemId),
    )
    return meant.length === 1 ? meant[0]!.item : null
  }

  meant(frames: Observation[][]): Meant {
    return meantOn(this.#announced(), isSeen, frames)
  }

  /** Where the newest frames saw it, not where it was placed. */
  placeOf(itemId: string): { box: Box | null } | null {
    if (this.#state.lastAt === null) return null
    const track = this.#announced().find(({ item }) => item.itemId === itemId)
    return track && isSeen(track) ? { box: track.box } : null
  }

  /** No more frames come: what lies there is not seen, and must be seen again. */
  loseSight(): void {
    this.#state = { ...this.#state, lastAt: null, stillSince: null }
  }

  anew(): void {
    const { tracks, openUnseen } = this.#state
    const untold = tracks.filter(track => !track.announced)
    this.#state = {
      ...this.#state,
      tracks: tracks.filter(track => track.announced),
      openUnseen: openUnseen || untold.some(track => track.presentAtOpen),
    }
  }

  keep(): KeptTray {
    const items = this.#state.tracks
      .filter(isKnown)
      .map(({ item, announced, confirmed, presentAtOpen }) => ({
        item,
        announced,
        confirmed,
        presentAtOpen,
      }))
    return { format: keptFormat, items, session: this.#state.session }
  }

  /** Takes up what keep() gave before a restart. Throws OUTBOX_INVALID for another format. */
  restore(kept: unknown): void {
    const result = keptSchema.safeParse(kept)
    if (!result.success) {
      throw new GroceryError(
        'OUTBOX_INVALID',
        `Expected the tray's state in format ${keptFormat} but received ${JSON.stringify((kept as { format?: unknown } | null)?.format)}`,
      )
    }
    const { items, session } = result.data
    this.#state = { ...initialTray(), session, tracks: items.map(restoredTrack) }
  }

  #announced(): KnownTrack[] {
    return this.#state.tracks.filter(isKnown).filter(track => track.announced)
  }

  #take({ state, actions, why }: TrayResult): Outcome {
    this.#state = state
    return { actions, why }
  }
}
