// From what the counter says to the event that a till gets. Pure.
import type { ItemAction } from '../counter/types.js'
import type { ItemEvent, ModelRef } from './messages.js'

/** After this an event tells what was, and nothing that a shopper still waits for. */
export const eventLifetimeMs = 120_000

/** What every event of this daemon says besides the item; read at each append, so change it in place. */
export interface EventEnvelope {
  kiosk: string
  bootId: string
  model: ModelRef | null
  gallery: number | null
  clockSynced: boolean
}

/** Milliseconds since 1970 as UTC with milliseconds. */
export const isoTime = (wall: number): string => new Date(wall).toISOString()

const pickModel = (model: ModelRef | null): ModelRef | null =>
  model && { name: model.name, version: model.version, sha256: model.sha256 }

/**
 * The event as it would leave right now; what concerns the sending is set again when it does.
 *
 * @param now wall clock, ms since 1970.
 */
export function toEvent(
  action: ItemAction,
  place: { seq: number; id: string; now: number },
  envelope: EventEnvelope,
): ItemEvent {
  return {
    schema: 1,
    id: place.id,
    seq: place.seq,
    bootId: envelope.bootId,
    kiosk: envelope.kiosk,
    camera: action.camera,
    session: action.session,
    action: action.action,
    reason: action.reason,
    item: action.item,
    capturedAt: isoTime(action.capturedAt),
    publishedAt: isoTime(place.now),
    latencyMs: roundMs(action.ageMs),
    clockSynced: envelope.clockSynced,
    model: pickModel(envelope.model),
    gallery: envelope.gallery,
    expiresAt: isoTime(action.capturedAt + eventLifetimeMs),
    replayed: false,
  }
}

/** A tenth of a millisecond is more than any clock here is worth. */
export const roundMs = (ms: number): number => Math.max(0, Math.round(ms * 10) / 10)

/** Two sendings of one event differ in publishedAt and replayed, and in nothing else. */
export const asSent = (
  event: ItemEvent,
  sending: { now: number; latencyMs: number; replayed: boolean },
): ItemEvent => ({
  ...event,
  publishedAt: isoTime(sending.now),
  latencyMs: sending.latencyMs,
  replayed: sending.replayed,
})
