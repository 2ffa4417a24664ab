// What an outbox is told and what it tells of itself. Types only.
import type { Clock } from '../../clock.js'
import type { ErrorCode } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { EventEnvelope } from '../event.js'
import type { Files } from './files.js'

export interface OutboxOptions {
  /** The state directory: lock/ and outbox/ are made in it. */
  dir: string
  maxBytes: number
  /** ms. */
  maxAge: number
  /** Share of the disk that must stay free, 0 to 1; below it the outbox grows no more. */
  minFree: number
  /** Bytes that may be written in 24 hours before `complaints` says so; null: any. */
  dailyWrites: number | null
  confirm: 'broker' | 'pos'
  /** ms after the first PUBACK; only with confirm: broker. */
  resendFor: number
  envelope: EventEnvelope
  clock: Clock
  log: Logger
  files?: Files
}

export interface OutboxStats {
  /** Events that are not safe yet: no PUBACK (confirm: broker), no ack of the till (confirm: pos). */
  depth: number
  /** Events given up by maxBytes, minFree, maxAge or damage, or never taken, since the outbox was made. */
  dropped: number
  /** Records found wrong since the start. */
  damaged: number
  bytes: number
  /** Brought to the disk since the start, in whole pages. */
  writtenBytes: number
  /** Kept, with those that are only kept to be sent again. */
  entries: number
  oldestSeq: number | null
  /** 0 before the first. */
  newestSeq: number
}

/** As a reason of the readiness. */
export interface Complaint {
  code: ErrorCode
  message: string
}
