// Keeps the log below its limit: moves what lives together while much is dead, else gives up the oldest.
import type { ItemEvent } from '../messages.js'
import type { Entries } from './entries.js'
import type { Entry, KeptEntry, OutboxRecord } from './entry.js'
import type { LogRecord, SegmentLog } from './segment-log.js'

export interface RoomOptions {
  entries: Entries
  log: SegmentLog
  maxBytes: number
  /** The event of an entry, or null where it is damaged. */
  read: (entry: Entry) => Promise<ItemEvent | null>
  /** Forgets events and says how that is written; the first argument is safe already, the second is a loss. */
  giveUp: (safe: Entry[], lost: Entry[]) => OutboxRecord
  isSafe: (entry: Entry) => boolean
}

/** Keeps one record small beside maxRecordBytes. */
const keptPerRecord = 64

/** To be called by the writer alone, before it writes. */
export async function makeRoom(options: RoomOptions): Promise<void> {
  const { entries, log, maxBytes, isSafe } = options
  while (log.bytes() > maxBytes && log.segments.length > 1) {
    const before = log.segments.length
    const oldest = log.segments[0]!
    const held = [...entries.all()].filter(entry => entry.at.segment === oldest.number)
    const heldBytes = held.reduce((sum, entry) => sum + entry.at.length, 0)
    if (heldBytes * 2 < oldest.bytes) await carryOver(options, held)
    else {
      const lost = held.filter(entry => !isSafe(entry))
      const body = options.giveUp(held.filter(isSafe), lost)
      await log.write([{ body, durable: false, at: null }], true)
    }
    await log.removeOldest()
    if (log.segments.length >= before) return
  }
}

async function carryOver({ entries, log, read }: RoomOptions, held: Entry[]): Promise<void> {
  for (let from = 0; from < held.length; from += keptPerRecord) {
    const kept: KeptEntry[] = []
    const moved: Entry[] = []
    for (const entry of held.slice(from, from + keptPerRecord)) {
      const event = await read(entry)
      if (!event) continue
      const { appendedAt, latencyMs, publishedAt } = entry
      kept.push({ event, appendedAt, latencyMs, publishedAt })
      moved.push(entry)
    }
    const record: LogRecord = { body: { type: 'keep', entries: kept }, durable: true, at: null }
    await log.write([record], true)
    for (const [index, entry] of moved.entries()) entries.move(entry, record.at!, index)
  }
}
