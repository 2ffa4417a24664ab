// Replies to commands on disk, so that a requestId does nothing twice after a restart either. A small log of its own, bounded.
import { join } from 'node:path'
import { type Clock, isTime } from '../../clock.js'
import { describeError } from '../../errors.js'
import type { Logger } from '../../log.js'
import { rememberMs, type Reply } from '../command-messages.js'
import { CommitQueue, type Job } from './commit-queue.js'
import type { Files } from './files.js'
import { type Location, type LogRecord, SegmentLog, toRecord } from './segment-log.js'

/** Some 5000 replies; every start begins a new file. */
const maxBytes = 2 * 1024 * 1024
const segmentBytes = maxBytes / 8
const maxSegments = 100
/** A picture is not worth keeping: a till that asks again gets a newer one. */
const maxReplyBytes = 16 * 1024

interface ReplyJob extends Job<Location> {
  record: LogRecord
}

export interface RepliesOptions {
  /** The state directory. */
  dir: string
  files: Files
  clock: Clock
  log: Logger
}

export class Replies {
  private readonly past = new Map<string, { until: number; reply: Reply }>()
  /** Monotonic time until which a segment holds what is still to be remembered. */
  private readonly segmentEnds = new Map<number, number>()
  private readonly segmentLog: SegmentLog
  private readonly queue: CommitQueue<ReplyJob>

  constructor(private readonly options: RepliesOptions) {
    const { dir, files, log } = options
    this.segmentLog = new SegmentLog({
      dir: join(dir, 'replies'),
      segmentBytes,
      files,
      log,
      snapshot: () => ({}),
    })
    this.queue = new CommitQueue({
      write: async jobs => {
        const records = jobs.map(job => job.record)
        await this.segmentLog.write(records, false)
        const until = options.clock.mono() + rememberMs
        for (const { at } of records) this.segmentEnds.set(at!.segment, until)
      },
      after: () => this.trim(),
      toError: error => error as Error,
    })
  }

  /** Reads what earlier starts answered. @throws OUTBOX_INVALID where a newer version wrote it. */
  async start(): Promise<void> {
    const { clock } = this.options
    await this.segmentLog.recover((body, { segment }) => {
      if (body.type !== 'reply') return
      const { key, at, reply } = body as { key: string; at: number; reply: Reply }
      // The wall clock may have been set meanwhile: never longer than a day, and the whole of it without a time of then.
      const age = isTime(at) ? Math.max(0, clock.wall() - at) : 0
      const left = rememberMs - age
      if (left <= 0) return
      const until = clock.mono() + left
      this.past.set(key, { until, reply })
      this.segmentEnds.set(segment, until)
    })
  }

  /** What an earlier start replied within the last 24 hours. */
  get(key: string): Reply | undefined {
    const found = this.past.get(key)
    if (!found || found.until <= this.options.clock.mono()) return undefined
    return found.reply
  }

  /**
   * Kept for the next start. Written at once and synced in its turn: a kill loses none, a power
   * failure the last ones. Where the disk refuses, only this run remembers it.
   */
  keep(key: string, reply: Reply): void {
    const { clock, log } = this.options
    const record = toRecord({ type: 'reply', key, at: clock.wall(), reply }, false)
    if (record.body.length > maxReplyBytes) return
    this.queue.add({
      durable: false,
      record,
      done: () => {},
      fail: error => log.warn(describeError(error), 'a reply is remembered by this run only'),
    })
  }

  get writtenBytes(): number {
    return this.segmentLog.writtenBytes
  }

  async stop(): Promise<void> {
    await this.queue.idle()
    await this.segmentLog.stop()
  }

  private async trim(): Promise<void> {
    const { segments } = this.segmentLog
    try {
      while (segments.length > 1 && this.isSpare(segments[0]!.number)) {
        this.segmentEnds.delete(segments[0]!.number)
        await this.segmentLog.removeOldest()
      }
    } catch (error) {
      this.options.log.warn(describeError(error), 'replies: cannot remove an old segment')
    }
  }

  private isSpare(oldest: number): boolean {
    if (this.segmentLog.bytes() > maxBytes || this.segmentLog.segments.length > maxSegments)
      return true
    return (this.segmentEnds.get(oldest) ?? 0) <= this.options.clock.mono()
  }
}
