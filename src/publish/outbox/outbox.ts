// The outbox: an event and the counter's state after it are on disk before anybody publishes it. No MQTT here.
import { join } from 'node:path'
import { isTime } from '../../clock.js'
import type { ItemAction } from '../../counter/types.js'
import { describeError } from '../../errors.js'
import { asSent, sendingOf, toEvent } from '../event.js'
import type { Ack, ItemEvent } from '../messages.js'
import { createUuidV7 } from '../uuid.js'
import { CommitQueue, type Job } from './commit-queue.js'
import { toOutboxError } from './disk-error.js'
import { DiskSpace } from './disk-space.js'
import { Entries, replay } from './entries.js'
import type { Entry, OutboxEntry, OutboxRecord, Snapshot } from './entry.js'
import { EventReader } from './event-reader.js'
import { nodeFiles } from './files.js'
import { takeLock } from './lock.js'
import { Replies } from './replies.js'
import type { Complaint, OutboxOptions, OutboxStats } from './options.js'
import { makeRoom, type RoomOptions } from './room.js'
import { type Location, type LogRecord, mostUnread, SegmentLog, toRecord } from './segment-log.js'
import { WriteBudget } from './write-budget.js'

interface AppendJob extends Job<Location> {
  record: (place: Placing) => OutboxRecord
}

interface Placing {
  now: number
  nextSeq: () => number
}

/** After damage that may have held the newest event: a gap is better than a number that was given twice. */
const gapAfterDamage = 100
/** Keeps a record of numbers small beside the largest that may be written. */
const seqsPerRecord = 4096
const minSegmentBytes = 16 * 1024
const maxSegmentBytes = 8 * 1024 * 1024

export class Outbox {
  private readonly entries = new Entries()
  private readonly snapshot: Snapshot = { nextSeq: 1, dropped: 0, state: null }
  private readonly segmentLog: SegmentLog
  private readonly reader: EventReader
  private readonly space: DiskSpace
  private readonly budget: WriteBudget
  /** What commands were answered before a restart; on disk beside the events, under the same lock. */
  readonly replies: Replies
  private readonly queue: CommitQueue<AppendJob>
  private readonly room: RoomOptions
  private readonly newId: () => string
  private release: (() => Promise<void>) | null = null
  private damaged = 0
  /** Monotonic; what an earlier start kept has no other age where its clock was wrong. */
  private startedAt = 0

  constructor(private readonly options: OutboxOptions) {
    const { dir, maxBytes, clock, log, files = nodeFiles } = options
    this.newId = createUuidV7(() => clock.wall())
    this.segmentLog = new SegmentLog({
      dir: join(dir, 'outbox'),
      segmentBytes: Math.min(maxSegmentBytes, Math.max(minSegmentBytes, maxBytes / 8)),
      files,
      log,
      snapshot: () => this.snapshot,
    })
    this.replies = new Replies({ dir, files, clock, log })
    this.space = new DiskSpace({ ...options, files })
    this.budget = new WriteBudget({ dir, dailyWrites: options.dailyWrites, clock })
    this.reader = new EventReader({
      entries: this.entries,
      log: this.segmentLog,
      onDamage: entry => {
        this.damaged++
        // The writer itself may be the one that reads: it must not wait for its own queue.
        this.drop([entry], 'damage')
      },
    })
    this.queue = new CommitQueue({
      write: jobs => this.writeAll(jobs),
      after: () => this.reclaim(),
      toError: error => toOutboxError(dir, error),
    })
    this.room = {
      entries: this.entries,
      log: this.segmentLog,
      limit: () => this.space.limit,
      read: entry => this.reader.load(entry),
      isSafe: entry => options.confirm === 'broker' && entry.publishedAt !== null,
      giveUp: (safe, lost) => {
        for (const entry of safe) this.forget(entry.seq)
        return this.giveUp(lost, this.space.isLow ? 'minFree' : 'maxBytes')
      },
    }
  }

  /**
   * Takes the lock and reads what is there.
   *
   * @returns the state that was written with the last event, null where there is none.
   * @throws STATE_LOCKED, STATE_UNWRITABLE, OUTBOX_INVALID, OUTBOX_FULL.
   */
  async start(): Promise<{ counterState: unknown | null }> {
    const { log, dir, clock } = this.options
    this.startedAt = clock.mono()
    try {
      this.release = await takeLock(dir)
      const found = await this.segmentLog.recover((body, at) =>
        replay(this.entries, this.snapshot, body as OutboxRecord, at),
      )
      this.damaged = found.damaged
      if (found.unreadableNewest) this.snapshot.nextSeq += mostUnread
      else if (found.damagedInNewest) this.snapshot.nextSeq += gapAfterDamage
      if (found.damaged > 0 || found.tailBytes > 0) {
        log.error(found, 'outbox: records on disk are damaged or cut off; the others are used')
      }
      await this.replies.start()
    } catch (error) {
      await this.release?.()
      this.release = null
      throw toOutboxError(dir, error, 'STATE_UNWRITABLE')
    }
    await this.space.look(this.segmentLog.bytes())
    for (const entry of this.entries.all()) {
      if (entry.publishedAt === null) continue
      const { resendFor } = this.options
      // Without a time of then, the window begins anew.
      const left = isTime(entry.publishedAt)
        ? entry.publishedAt + resendFor - clock.wall()
        : resendFor
      entry.windowEnds = clock.mono() + Math.min(resendFor, Math.max(0, left))
    }
    this.prune()
    return { counterState: this.snapshot.state }
  }

  /**
   * Gives each action its id and seq and writes them with the state after them; durable when it
   * resolves. Where it rejects, nothing of it was kept, and what was appended behind it rejects as
   * well, so that order can be kept by appending all of it again. One that is too large for a
   * record is refused alone: it would never be taken.
   *
   * @throws OUTBOX_FULL.
   */
  append(actions: ItemAction[], counterState: unknown): Promise<ItemEvent[]> {
    const { clock, envelope } = this.options
    const called = clock.mono()
    let events: ItemEvent[] = []
    let built = called
    let appendedAt = 0
    return new Promise((resolve, reject) =>
      this.queue.add({
        durable: true,
        record: ({ now, nextSeq }) => {
          built = clock.mono()
          appendedAt = now
          const waited = built - called
          events = actions.map(action =>
            toEvent(
              { ...action, ageMs: action.ageMs + waited },
              { seq: nextSeq(), id: this.newId(), now },
              envelope,
            ),
          )
          return { type: 'append', at: now, events, state: counterState }
        },
        done: at => {
          for (const event of events) {
            this.entries.add({
              seq: event.seq,
              id: event.id,
              at,
              written: { mono: built, latencyMs: event.latencyMs },
              latencyMs: null,
              publishedAt: null,
              windowEnds: null,
              appendedAt,
            })
            this.reader.remember(event)
          }
          this.snapshot.state = counterState
          resolve(events)
        },
        fail: reject,
      }),
    )
  }

  /** Writes the counter's state where no event changed it; durable when it resolves. @throws OUTBOX_FULL. */
  saveState(counterState: unknown): Promise<void> {
    return new Promise((resolve, reject) =>
      this.queue.add({
        durable: true,
        record: () => ({ type: 'state', state: counterState }),
        done: () => {
          this.snapshot.state = counterState
          resolve()
        },
        fail: reject,
      }),
    )
  }

  /** The next event that is kept, in the order of seq; null where there is none. */
  next(after: number, upTo?: number): number | null {
    return this.entries.next(after, upTo)
  }

  has(seq: number): boolean {
    return this.entries.get(seq) !== undefined
  }

  /**
   * An event as it is on disk; null where it is not kept, or its bytes are wrong (then it is
   * given up and counted). @throws OUTBOX_FULL where the disk cannot be read now.
   */
  async read(seq: number): Promise<OutboxEntry | null> {
    const entry = this.entries.get(seq)
    if (!entry) return null
    const event = await this.reader.load(entry).catch(error => {
      throw toOutboxError(this.options.dir, error)
    })
    return event && { event, publishedAt: entry.publishedAt }
  }

  /**
   * The events to send now, in the order given, with what concerns the sending filled in; without those
   * that the disk does not give now. The
   * latency of a first sending is noted on disk before, so that a later one says the same.
   */
  async prepare(seqs: number[]): Promise<ItemEvent[]> {
    const { clock, log } = this.options
    const events: ItemEvent[] = []
    const sent: [seq: number, latencyMs: number][] = []
    for (const seq of seqs) {
      const found = await this.read(seq).catch(error => {
        log.error({ ...describeError(error), seq }, 'outbox: an event cannot be read now')
        return null
      })
      const entry = this.entries.get(seq)
      if (!found || !entry) continue
      const { sending, isFirst } = sendingOf(entry, found.event, clock)
      if (isFirst) sent.push([seq, sending.latencyMs])
      entry.latencyMs = sending.latencyMs
      events.push(asSent(found.event, sending))
    }
    if (sent.length > 0) {
      await this.mark({ type: 'sent', sent }).catch(error =>
        log.warn({ err: error }, 'outbox: mark lost'),
      )
    }
    return events
  }

  /** The broker has it (PUBACK). */
  markPublished(seq: number): void {
    const { clock, confirm, resendFor } = this.options
    const entry = this.entries.get(seq)
    if (!entry || entry.publishedAt !== null) return
    const at = clock.wall()
    this.entries.markPublished(entry, at)
    entry.windowEnds = clock.mono() + resendFor
    if (confirm === 'broker') this.mark({ type: 'published', at, seqs: [seq] }).catch(() => {})
  }

  /** The till has stored these: they may go. @returns the seqs that were kept until now. */
  acknowledge(ack: Ack): number[] {
    const seqs: number[] = []
    for (const id of ack.ids ?? []) {
      const seq = this.entries.seqOf(id)
      if (seq !== undefined) seqs.push(seq)
    }
    if (ack.seq !== undefined) {
      for (let seq = this.next(0, ack.seq); seq !== null; seq = this.next(seq, ack.seq))
        seqs.push(seq)
    }
    for (const seq of seqs) this.forget(seq)
    for (const part of inParts(seqs)) this.mark({ type: 'ack', seqs: part }).catch(() => {})
    return seqs
  }

  /** Lets go of what is safe and older than its window, and gives up (and counts) what is older than maxAge. */
  prune(): void {
    const { clock, confirm, maxAge } = this.options
    const mono = clock.mono()
    const wall = clock.wall()
    const dropped: Entry[] = []
    for (const entry of this.entries.all()) {
      if (confirm === 'broker' && entry.windowEnds !== null) {
        if (entry.windowEnds > mono) continue
        this.forget(entry.seq)
        continue
      }
      // The wall clock may be set right at any time, and only events of an earlier start need it.
      const since = isTime(entry.appendedAt) ? wall - entry.appendedAt : mono - this.startedAt
      const age = entry.written ? mono - entry.written.mono : since
      if (age > maxAge) dropped.push(entry)
    }
    if (dropped.length > 0) this.drop(dropped, 'maxAge')
    // Also where nothing is to be written: somebody has to look at the disk.
    else this.queue.kick()
  }

  stats(): OutboxStats {
    const { entries, snapshot } = this
    return {
      depth: this.options.confirm === 'pos' ? entries.size : entries.unpublished,
      dropped: snapshot.dropped,
      damaged: this.damaged,
      bytes: this.segmentLog.bytes(),
      writtenBytes: this.writtenBytes(),
      entries: entries.size,
      oldestSeq: entries.next(0),
      newestSeq: snapshot.nextSeq - 1,
    }
  }

  /** What people should know of the disk, by what is concerned; null where all is well. */
  complaints(): Record<'disk' | 'writes', Complaint | null> {
    return { disk: this.space.complaint(), writes: this.budget.complaint(this.writtenBytes()) }
  }

  /** Events that never came so far: nobody could keep them any longer. Counted like those given up. */
  countLost(events: number): void {
    this.snapshot.dropped += events
    this.mark({ type: 'drop', seqs: [], dropped: this.snapshot.dropped }).catch(() => {})
  }

  /** Waits for what is being written, then gives the lock back. */
  async stop(): Promise<void> {
    await this.queue.idle()
    await this.segmentLog.stop()
    await this.replies.stop()
    await this.release?.()
    this.release = null
  }

  private writtenBytes(): number {
    return this.segmentLog.writtenBytes + this.replies.writtenBytes
  }

  private forget(seq: number): void {
    this.reader.forget(seq)
    this.entries.remove(seq)
  }

  private drop(entries: Entry[], why: string): void {
    for (const record of this.giveUp(entries, why)) this.mark(record).catch(() => {})
  }

  /** Never silent: counted on disk, in the state and in the log. */
  private giveUp(entries: Entry[], why: string): OutboxRecord[] {
    const seqs = entries.map(entry => entry.seq).sort((a, b) => a - b)
    for (const seq of seqs) this.forget(seq)
    const records = inParts(seqs).map((part): OutboxRecord => {
      this.snapshot.dropped += part.length
      return { type: 'drop', seqs: part, dropped: this.snapshot.dropped }
    })
    if (seqs.length > 0) {
      const { dropped } = this.snapshot
      this.options.log.error(
        { why, count: seqs.length, from: seqs[0], to: seqs.at(-1), dropped },
        'outbox: events given up',
      )
    }
    return records
  }

  private mark(record: OutboxRecord): Promise<void> {
    return new Promise((resolve, reject) =>
      this.queue.add({ durable: false, record: () => record, done: () => resolve(), fail: reject }),
    )
  }

  private async writeAll(jobs: AppendJob[]): Promise<void> {
    let seq = this.snapshot.nextSeq
    const place: Placing = { now: this.options.clock.wall(), nextSeq: () => seq++ }
    await this.space.look(this.segmentLog.bytes())
    await makeRoom(this.room)
    const taken: AppendJob[] = []
    const records: LogRecord[] = []
    for (const job of jobs) {
      const before = seq
      try {
        records.push(toRecord(job.record(place), job.durable))
        taken.push(job)
      } catch (error) {
        seq = before
        job.fail(toOutboxError(this.options.dir, error))
      }
    }
    if (records.length === 0) return
    await this.segmentLog.write(
      records,
      taken.some(job => job.durable),
    )
    this.snapshot.nextSeq = seq
    for (const [index, job] of taken.entries()) job.done(records[index]!.at!)
  }

  /** House-keeping after each round. Oldest first only: an ack in a later segment must not vanish before the event it speaks of. */
  private async reclaim(): Promise<void> {
    const { segments } = this.segmentLog
    await this.space.look(this.segmentLog.bytes())
    try {
      while (segments.length > 1 && this.entries.inSegment(segments[0]!.number) === 0) {
        const before = segments.length
        await this.segmentLog.removeOldest()
        if (segments.length >= before) return
      }
    } catch (error) {
      this.options.log.warn({ err: error }, 'outbox: cannot remove an old segment')
    }
  }
}

function inParts(seqs: number[]): number[][] {
  const parts: number[][] = []
  for (let from = 0; from < seqs.length; from += seqsPerRecord) {
    parts.push(seqs.slice(from, from + seqsPerRecord))
  }
  return parts
}
