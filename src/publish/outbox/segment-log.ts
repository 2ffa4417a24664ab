// An append-only log of JSON records in numbered segment files; it knows frames, not events.
import { join } from 'node:path'
import { describeError, GroceryError } from '../../errors.js'
import type { Logger } from '../../log.js'
import { decodeBody, encodeBody } from './body.js'
import { crc32c } from './crc32c.js'
import type { Files, LogFile } from './files.js'
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  frameHeaderBytes,
  maxRecordBytes,
  scanFrames,
} from './frame.js'

/** Rises when older versions could not read what this one writes. 2: bodies may be deflated. */
export const logFormat = 2
const magic = Buffer.from('grocerdL')
const headerBytes = 16
/** Marks are not worth a sync of their own, but this many unsynced ones are. */
const maxUnsynced = 256
/** Less than may be read: the state of a record stands at the head of a segment, too, among other things. */
const maxWrittenBytes = 3 * 1024 * 1024
/** What a sync writes at least, and in steps of: a page of the file system. */
const blockBytes = 4096
/** Some forty events. */
const readAheadBytes = 32 * 1024

export interface Location {
  segment: number
  offset: number
  length: number
}

/** One record; `durable` ones are given up, and their writer told, where the disk refuses them. */
export interface LogRecord {
  body: Buffer
  durable: boolean
  /** Where it lies, once it is written. */
  at: Location | null
}

/** Before anything is written: a record that is too large is no fault of the disk. @throws OUTBOX_FULL. */
export function toRecord(value: object, durable: boolean): LogRecord {
  const { body, jsonBytes } = encodeBody(value)
  if (jsonBytes <= maxWrittenBytes) return { body, durable, at: null }
  throw new GroceryError(
    'OUTBOX_FULL',
    `Expected a record of at most ${maxWrittenBytes} bytes in the outbox but received ${jsonBytes}; write less at once`,
  )
}

/** More records, and more events, than any file holds. */
export const mostUnread = 1_000_000

export interface Recovery {
  damaged: number
  tailBytes: number
  /** Something in the newest file is wrong or cut off: nothing behind it begins with what the whole was like. */
  damagedInNewest: boolean
  /** The disk does not give the newest file at all: how many records it holds is not known. */
  unreadableNewest: boolean
}

interface Segment {
  number: number
  /** What is valid of it. */
  bytes: number
}

export class SegmentLog {
  /** Oldest first. */
  readonly segments: Segment[] = []
  private current: { segment: Segment; file: LogFile; syncedBytes: number } | null = null
  /** Written, or to be written, and not yet known to be on the disk itself. */
  private unsynced: LogRecord[] = []
  private nextNumber = 1
  private nextSegment = 1
  private verifyNext = false
  /** Bytes that syncs brought to the disk since the start, in whole pages; the file system's own notes are not known. */
  writtenBytes = 0

  constructor(
    private readonly options: {
      dir: string
      segmentBytes: number
      files: Files
      log: Logger
      /** What a new segment must say so that all older ones may go. */
      snapshot: () => object
    },
  ) {}

  /** Reads every good record in order. @throws OUTBOX_INVALID where a newer version wrote it. */
  async recover(visit: (body: Record<string, unknown>, at: Location) => void): Promise<Recovery> {
    const { files, dir } = this.options
    await files.makeDir(dir)
    const numbers = (await files.list(dir))
      .map(name => /^(\d{10})\.log$/.exec(name)?.[1])
      .filter(digits => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b)
    const cuts = await this.readCuts(numbers)
    const recovery: Recovery = {
      damaged: 0,
      tailBytes: 0,
      damagedInNewest: false,
      unreadableNewest: false,
    }
    for (const number of numbers) {
      const before = recovery.damaged
      this.nextSegment = number + 1
      const whole = await this.readSegment(number).catch(error => {
        // It stays where it is: the disk may come round, and then all of it is back.
        const words = 'outbox: a file cannot be read; the others are used'
        this.options.log.error({ ...describeError(error), file: this.pathOf(number) }, words)
        return null
      })
      recovery.unreadableNewest = whole === null
      if (whole === null) {
        recovery.damaged++
        continue
      }
      const cut = cuts.get(number) ?? whole.length
      const bytes = whole.subarray(0, cut)
      const scan = scanFrames(bytes, headerBytes)
      if (bytes.length < cut) recovery.damaged++
      if (bytes.length >= headerBytes && readHeader(bytes) === null) recovery.damaged++
      for (const frame of scan.frames) {
        this.nextNumber = Math.max(this.nextNumber, frame.number + 1)
        visit(decodeBody(frame.body), {
          segment: number,
          offset: frame.offset,
          length: frame.length,
        })
      }
      recovery.damaged += scan.damaged
      recovery.tailBytes += scan.tailBytes
      recovery.damagedInNewest = recovery.damaged > before || scan.tailBytes > 0
      this.segments.push({ number, bytes: scan.end })
    }
    if (recovery.unreadableNewest) this.nextNumber += mostUnread
    return recovery
  }

  /**
   * Writes records in order; with `sync` they are on the disk when it resolves. After any error
   * the file is never written again: what was not known to be safe goes into a new one, is read
   * back, and only if that fails as well the durable records are given up.
   */
  async write(records: LogRecord[], sync: boolean): Promise<void> {
    this.unsynced.push(...records)
    try {
      await this.put(records, sync)
    } catch (error) {
      const { code, message } = describeError(error)
      this.options.log.debug(
        { code },
        `outbox: write failed, going on in a new segment: ${message}`,
      )
      await this.abandon()
      try {
        await this.put(records, true)
      } catch (again) {
        await this.abandon()
        this.unsynced = this.unsynced.filter(record => !record.durable)
        throw again
      }
    }
  }

  /**
   * The records from a location on, as far as one read goes: whoever wants one old event wants the
   * next ones as well. Empty where the bytes are not what was written.
   */
  async read(at: Location): Promise<Record<string, unknown>[]> {
    const file = await this.options.files.open(this.pathOf(at.segment))
    try {
      const bytes = await file
        .read(at.offset, Math.max(at.length, readAheadBytes))
        // A bad sector behind it is none of its own.
        .catch(() => file.read(at.offset, at.length))
      const records: Record<string, unknown>[] = []
      for (let offset = 0; ;) {
        const frame = decodeFrame(bytes, offset)
        if (typeof frame === 'string') return records
        records.push(decodeBody(frame.body))
        offset += frame.length
      }
    } finally {
      await file.close()
    }
  }

  bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  /** Lets go of the oldest segment; never of the one that is being written. */
  async removeOldest(): Promise<void> {
    const oldest = this.segments[0]
    if (!oldest || oldest === this.current?.segment) return
    await this.options.files.remove(this.pathOf(oldest.number))
    this.segments.shift()
  }

  /** Closes the current segment, so that the next write begins another. */
  private async rotate(): Promise<void> {
    if (!this.current) return
    await this.current.file.close()
    this.current = null
  }

  async stop(): Promise<void> {
    try {
      if (this.current && this.unsynced.length > 0) await this.sync()
      await this.rotate()
    } catch (error) {
      this.options.log.warn({ err: error }, 'outbox: last marks may be lost')
      await this.abandon()
    }
  }

  private async put(records: LogRecord[], sync: boolean): Promise<void> {
    if (this.current && this.current.segment.bytes >= this.options.segmentBytes) {
      // Records of this call are in `unsynced` and not written yet: only the older ones are safe.
      await this.sync()
      this.unsynced = [...records]
      await this.rotate()
    }
    if (!this.current) {
      await this.begin()
      records = [...this.unsynced]
    }
    const { segment, file } = this.current!
    const frames = records.map(record => encodeFrame(this.nextNumber++, record.body))
    const start = segment.bytes
    const data = Buffer.concat(frames)
    await file.write(data, start)
    let offset = start
    records.forEach((record, index) => {
      const length = frames[index]!.length
      record.at = { segment: segment.number, offset, length }
      offset += length
    })
    segment.bytes = offset
    const check = this.verifyNext ? () => this.verify(file, start, data) : undefined
    if (sync || this.unsynced.length >= maxUnsynced) await this.sync(check)
    else await check?.()
  }

  /** @param check what must hold before anything counts as safe. */
  private async sync(check?: () => Promise<void>): Promise<void> {
    const current = this.current!
    await current.file.sync()
    this.writtenBytes += pagesBetween(current.syncedBytes, current.segment.bytes)
    await check?.()
    current.syncedBytes = current.segment.bytes
    this.unsynced = []
  }

  /** A page cache may still lie after an error, but a wrong length or a refused read shows here. */
  private async verify(file: LogFile, start: number, data: Buffer): Promise<void> {
    const back = await file.read(start, data.length)
    if (!back.equals(data)) throw new Error('The file does not hold what was written')
    this.verifyNext = false
  }

  private async begin(): Promise<void> {
    const { files, dir, snapshot } = this.options
    const segment: Segment = { number: this.nextSegment++, bytes: 0 }
    const path = this.pathOf(segment.number)
    const file = await files.create(path)
    try {
      // Bytes beyond these in older segments were refused or cut off: they must never come back.
      const cuts = this.segments.map(({ number, bytes }) => [number, bytes])
      const { body } = encodeBody({ type: 'open', cuts, ...snapshot() })
      const first = Buffer.concat([writeHeader(), encodeFrame(this.nextNumber++, body)])
      await file.write(first, 0)
      await file.sync()
      await files.syncDir(dir)
      segment.bytes = first.length
      // And a page of the folder.
      this.writtenBytes += pagesBetween(0, first.length) + blockBytes
    } catch (error) {
      await file.close().catch(() => {})
      await files.remove(path).catch(() => {})
      throw error
    }
    this.segments.push(segment)
    this.current = { segment, file, syncedBytes: segment.bytes }
  }

  private async abandon(): Promise<void> {
    this.verifyNext = true
    if (!this.current) return
    const { segment, file, syncedBytes } = this.current
    segment.bytes = syncedBytes
    this.current = null
    await file.close().catch(() => {})
  }

  /** How much of each segment counts, as the segments after it say. */
  private async readCuts(numbers: number[]): Promise<Map<number, number>> {
    const cuts = new Map<number, number>()
    for (const number of numbers) {
      const open = await this.readOpen(number).catch(error => {
        if (error instanceof GroceryError) throw error
        return null
      })
      for (const [segment, bytes] of (open?.cuts ?? []) as [number, number][])
        cuts.set(segment, bytes)
    }
    return cuts
  }

  private async readOpen(number: number): Promise<Record<string, unknown> | null> {
    const path = this.pathOf(number)
    const file = await this.options.files.open(path)
    try {
      const header = await file.read(0, headerBytes)
      const format = readHeader(header)
      if (format !== null && format > logFormat) {
        throw new GroceryError(
          'OUTBOX_INVALID',
          `Expected format ${logFormat} or older in ${path} but received format ${format}`,
        )
      }
      const start = await file.read(headerBytes, frameHeaderBytes)
      if (start.length < frameHeaderBytes) return null
      const length = Math.min(start.readUInt32LE(0), maxRecordBytes)
      const frame: Frame | string = decodeFrame(
        await file.read(headerBytes, frameHeaderBytes + length),
        0,
      )
      return typeof frame === 'string' ? null : decodeBody(frame.body)
    } finally {
      await file.close()
    }
  }

  private async readSegment(number: number): Promise<Buffer> {
    const file = await this.options.files.open(this.pathOf(number))
    try {
      return await file.read(0, await file.size())
    } finally {
      await file.close()
    }
  }

  private pathOf(number: number): string {
    return join(this.options.dir, `${String(number).padStart(10, '0')}.log`)
  }
}

const pagesBetween = (from: number, to: number): number =>
  to > from ? (Math.ceil(to / blockBytes) - Math.floor(from / blockBytes)) * blockBytes : 0

function writeHeader(): Buffer {
  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  header.writeUInt32LE(logFormat, 8)
  header.writeUInt32LE(crc32c(header.subarray(0, 12)), 12)
  return header
}

/** The format number, or null where the header is damaged. */
function readHeader(bytes: Buffer): number | null {
  if (bytes.length < headerBytes || !bytes.subarray(0, 8).equals(magic)) return null
  if (bytes.readUInt32LE(12) !== crc32c(bytes.subarray(0, 12))) return null
  return bytes.readUInt32LE(8)
}
