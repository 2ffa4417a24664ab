// Builds the retained messages and the frames from what the daemon knows. Pure.
import type { BasketContent } from '../counter/types.js'
import type { FrameObservations } from '../recognition/types.js'
import { isoTime, roundMs } from './event.js'
import type { BasketMessage, FrameMessage } from './messages.js'

/** How often the basket is sent again while something may lie there, and how long one is good for. */
export const basketEveryMs = 10_000
export const basketValidMs = 30_000

/** Before the counter has looked: nothing is known, and an older basket must not be believed. */
export const unknownBasket: BasketContent = {
  session: null,
  complete: false,
  view: 'empty',
  items: [],
}

/** Outside a session an empty counter stays as it is said to be; everything else must be said again. */
export const mayChange = (basket: BasketContent): boolean =>
  basket.session !== null || basket.items.length > 0

export function basketMessage(
  basket: BasketContent,
  place: { kiosk: string; bootId: string; revision: number; now: number },
): BasketMessage {
  return {
    schema: 1,
    kiosk: place.kiosk,
    session: basket.session,
    revision: place.revision,
    bootId: place.bootId,
    asOf: isoTime(place.now),
    validMs: mayChange(basket) ? basketValidMs : null,
    complete: basket.complete,
    view: basket.view,
    items: basket.items,
  }
}

/** @param reason why nothing is announced, null where something is. */
export function frameMessage(frame: FrameObservations, reason: string | null): FrameMessage {
  return {
    schema: 1,
    camera: frame.camera,
    capturedAt: isoTime(frame.capturedAt),
    latencyMs: roundMs(frame.ageMs),
    observations: frame.observations.map(({ box, decision, candidates }) => ({
      box,
      decision,
      candidates,
    })),
    reason,
  }
}
