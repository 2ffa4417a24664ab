// Keeps the log below its limit: moves what lives together while much is dead, else gives up the oldest.
import type { ItemEvent } from '../messages.js'
import type { Entries } from './entries.js'
import type { Entry, KeptEntry, OutboxRecord } from './entry.js'
import { type SegmentLog, toRecord } from './segment-log.js'

export interface RoomOptions {
  entries: Entries
  log: SegmentLog
  /** Bytes that the log may have now. */
  limit: () => number
  /** The event of an entry, or null where it is damaged. */
  read: (entry: Entry) => Promise<ItemEvent | null>
  /** Forgets events and says how that is written; the first argument is safe already, the second is a loss. */
  giveUp: (safe: Entry[], lost: Entry[]) => OutboxRecord[]
  isSafe: (entry: Entry) => boolean
}

/** Keep one record small beside the largest that may be written, whatever an event weighs. */
const keptPerRecord = 64
const keptBytes = 512 * 1024

/** To be called by the writer alone, before it writes. */
export async function makeRoom(options: RoomOptions): Promise<void> {
  const { entries, log, limit, isSafe } = options
  while (log.bytes() > limit() && log.segments.length > 1) {
    const before = log.segments.length
    const oldest = log.segments[0]!
    const held = [...entries.all()].filter(entry => entry.at.segment === oldest.number)
    const heldBytes = held.reduce((sum, entry) => sum + entry.at.length, 0)
    if (heldBytes * 2 < oldest.bytes) await carryOver(options, held)
    else {
      const lost = held.filter(entry => !isSafe(entry))
      const bodies = options.giveUp(held.filter(isSafe), lost)
      const records = bodies.map(body => toRecord(body, false))
      await log.write(records, true)
    }
    await log.removeOldest()
    if (log.segments.length >= before) return
  }
}

async function carryOver({ entries, log, read }: RoomOptions, held: Entry[]): Promise<void> {
  for (let from = 0; from < held.length;) {
    const kept: KeptEntry[] = []
    const moved: Entry[] = []
    for (let bytes = 0; from < held.length && kept.length < keptPerRecord; from++) {
      const entry = held[from]!
      const event = await read(entry)
      if (!event) continue
      bytes += Buffer.byteLength(JSON.stringify(event))
      if (kept.length > 0 && bytes > keptBytes) break
      const { appendedAt, latencyMs, publishedAt } = entry
      kept.push({ event, appendedAt, latencyMs, publishedAt })
      moved.push(entry)
    }
    const record = toRecord({ type: 'keep', entries: kept }, true)
    await log.write([record], true)
    for (const entry of moved) entries.move(entry, record.at!)
  }
}
