// What the outbox remembers of each event that is not safe yet, and the records that say so on disk. Types only.
import type { ItemEvent } from '../messages.js'
import type { Location } from './segment-log.js'

export interface OutboxEntry {
  event: ItemEvent
  /** Wall clock of the first PUBACK, ms since 1970; null before. */
  publishedAt: number | null
}

/** The index holds no event: three days without a broker must fit into memory. */
export interface Entry {
  seq: number
  id: string
  at: Location
  /** Monotonic time and latency when it was written; null for events of an earlier start. */
  written: { mono: number; latencyMs: number } | null
  /** Capture to first sending; null before that. */
  latencyMs: number | null
  publishedAt: number | null
  /** Monotonic time at which the resend window ends; null before the first PUBACK. */
  windowEnds: number | null
  /** Wall clock of the append, for maxAge after a restart: within a run `written` says the age. */
  appendedAt: number
}

/** The state of the log at the head of each segment, so that older ones may go. */
export interface Snapshot {
  nextSeq: number
  dropped: number
  state: unknown
}

export type OutboxRecord =
  | ({ type: 'open' } & Snapshot)
  | { type: 'append'; at: number; events: ItemEvent[]; state: unknown }
  /** Events carried over from a segment that is to go. */
  | { type: 'keep'; entries: KeptEntry[] }
  | { type: 'state'; state: unknown }
  /** Pairs of seq and latencyMs. */
  | { type: 'sent'; sent: [seq: number, latencyMs: number][] }
  | { type: 'published'; at: number; seqs: number[] }
  | { type: 'ack'; seqs: number[] }
  /** Given up; `dropped` is the sum since the outbox was made. */
  | { type: 'drop'; seqs: number[]; dropped: number }

export interface KeptEntry {
  event: ItemEvent
  appendedAt: number
  latencyMs: number | null
  publishedAt: number | null
}
