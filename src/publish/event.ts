// From what the counter says to the event that a till gets. Pure.
import type { Clock } from '../clock.js'
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

export interface Sending {
  /** Wall clock, ms since 1970. */
  now: number
  latencyMs: number
  replayed: boolean
}

/**
 * What a sending that leaves right now says of itself.
 *
 * @param kept when and with which latency it was written, null for an event of an earlier start,
 * which may have been sent although no note of it survived; and the latency of its first sending.
 */
export function sendingOf(
  kept: { written: { mono: number; latencyMs: number } | null; latencyMs: number | null },
  event: ItemEvent,
  clock: Clock,
): { sending: Sending; isFirst: boolean } {
  const now = clock.wall()
  const { written } = kept
  const latencyMs =
    kept.latencyMs ??
    (written
      ? roundMs(written.latencyMs + clock.mono() - written.mono)
      : roundMs(now - Date.parse(event.capturedAt)))
  const isFirst = kept.latencyMs === null
  // By the age of this run's own clock: the wall clock may have been set since.
  const replayed = !isFirst || written === null || latencyMs > eventLifetimeMs
  return { sending: { now, latencyMs, replayed }, isFirst }
}

/** Two sendings of one event differ in publishedAt and replayed, and in nothing else. */
export const asSent = (event: ItemEvent, sending: Sending): ItemEvent => ({
  ...event,
  publishedAt: isoTime(sending.now),
  latencyMs: sending.latencyMs,
  replayed: sending.replayed,
})
